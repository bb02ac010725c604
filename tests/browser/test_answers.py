"""Answers in the portal: how sure they are in words, and whether people find them right."""

from typing import Any

import pytest
from browser_site import Site, expect

pytestmark = pytest.mark.browser


def pressed(page: Any) -> list[str | None]:
    return [one.get_attribute("aria-pressed") for one in page.locator(".answer .verdict button").all()]


def test_an_answer_is_judged_by_keyboard_taken_back_and_remembered(site: Site):
    page = site.open(f"/documents/{site.letter}/pages/1")
    page.get_by_label("Question").fill("Who is the letter to?")
    page.keyboard.press("Enter")
    said = expect(page, ".answer .said").inner_text()
    facts = page.locator(".answer p").nth(2)
    assert "sure: " in facts.inner_text()
    before = facts.inner_text()
    right, wrong = (page.get_by_role("button", name=f"{words}: {said}") for words in ("Right", "Wrong"))
    assert pressed(page) == ["false", "false"]
    wrong.focus()
    page.keyboard.press("Enter")
    expect(page, ".verdict [role=status]:has-text('Thank you')")
    assert pressed(page) == ["false", "true"]
    assert facts.inner_text() != before, "the confidence follows"
    page.reload()
    expect(page, ".answer .verdict")
    assert pressed(page) == ["false", "true"], "it is remembered"
    wrong.focus()
    page.keyboard.press("Space")
    expect(page, ".verdict [role=status]:has-text('Taken back.')")
    assert pressed(page) == ["false", "false"]
    assert page.locator(".answer p").nth(2).inner_text() == before
    right.click()
    expect(page, ".verdict [role=status]:has-text('Thank you')")
    assert pressed(page) == ["true", "false"]
    assert site.complaints == []


def test_nobody_is_asked_whether_nothing_is_right(site: Site):
    page = site.open(f"/documents/{site.letter}")
    page.get_by_label("Question").fill("Who won the football match?")
    page.keyboard.press("Enter")
    expect(page, ".answer .said.none")
    assert page.locator(".verdict").count() == 0
    assert site.complaints == []
