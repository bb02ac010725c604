"""The whole story against a live service with the real engines: drop a scan, find a word, correct it, approve."""

import json
import re
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from browser_live import PLACES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def expect(page: Any, selector: str) -> Any:
    """Wait until something matches `selector` and is seen; return it."""
    found = page.locator(selector).first
    found.wait_for(state="visible")
    return found


@pytest.fixture(scope="module")
def scan_id(live: Any) -> str:
    """Sign in by the link, drop the scan, watch it being read."""
    page = live.open("", who="")
    page.goto(live.link)
    page.get_by_role("button", name="Sign in").click()
    expect(page, "text=You are signed in by a link")
    page.locator("#files").set_input_files(str(live.scan.path))
    page.locator('#sending span.small:text-is("read")').wait_for(timeout=300_000)
    expect(page, "table.list .chip.done")
    page.goto(live.link)
    page.get_by_role("button", name="Sign in").click()
    expect(page, "text=This link was used before")
    live.complaints = [text for text in live.complaints if "401" not in text]
    assert live.complaints == []
    found: str = live.document("scan.pdf")
    return found


def bench(live: Any, document_id: str, number: int, who: str = "admin") -> Any:
    page = live.open(f"/documents/{document_id}/pages/{number}/review", who)
    expect(page, "#bench[data-ready]")
    return page


def choose(page: Any, word: str) -> None:
    """Go through every word by keyboard until this one is there."""
    if page.locator('[data-act="all"]').get_attribute("aria-pressed") != "true":
        page.keyboard.press("Alt+w")
    for _ in range(40):
        if page.locator("#said").input_value() == word:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"{word} is not on the page")


def say(page: Any, text: str) -> None:
    """Type what the word says, and wait until it is kept."""
    page.locator("#said").fill(text)
    page.keyboard.press("Enter")


def saved(page: Any, words: str = "Saved.") -> None:
    page.wait_for_function("words => document.getElementById('told').textContent.includes(words)", arg=words)


def words_of(page: Any, live: Any, document_id: str, number: int) -> str:
    found: str = page.request.get(f"{live.url}/api/v1/documents/{document_id}/pages/{number}").json()["text"]
    return found


def test_a_word_is_found_painted_and_corrected_everywhere(live: Any, scan_id: str, shots: Any):
    page = live.open("/search")
    page.locator("#q").type("harbour")
    expect(page, "#results mark:text-is('harbour')")
    assert page.url.endswith("q=harbour&mode=text")
    page.locator("#q").press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page, ".marks .hit")
    [box] = page.locator(".marks .hit").evaluate_all(PLACES)
    assert box == pytest.approx(live.scan.places[1, "harbour"], abs=5)
    expect(page, ".desk[data-ready]")
    shots(page, "hit")
    expect(page, "#word-card, .text-layer span")
    page.goto(f"{live.url}/documents/{scan_id}/pages/1")
    expect(page, ".desk[data-ready]")

    review = bench(live, scan_id, 1)
    choose(review, "harbour")
    say(review, "haven")
    saved(review)
    shots(review, "corrected")
    for query, found in (("haven", 1), ("harbour", 0)):
        page.goto(f"{live.url}/search?q={query}")
        assert page.locator("#results > ol mark").count() == found, query
    exports = f"{live.url}/api/v1/documents/{scan_id}/exports"
    assert "haven</span>" in page.request.get(f"{exports}/hocr").text()
    with pymupdf.open("pdf", page.request.get(f"{exports}/pdf").body()) as pdf:
        text = pdf[0].get_text()
        assert "haven" in text
        assert "harbour" not in text
    review.keyboard.press("Alt+z")
    saved(review, "Undone.")
    assert "harbour" in words_of(page, live, scan_id, 1)
    review.keyboard.press("Alt+y")
    saved(review)
    review.keyboard.press("Alt+z")
    saved(review, "Undone.")
    page.goto(f"{live.url}/search?q=harbour")
    assert page.locator("#results > ol mark").count() == 1
    assert live.complaints == []


def test_words_are_split_joined_deleted_and_a_line_is_drawn(live: Any, scan_id: str):
    page = bench(live, scan_id, 2)
    choose(page, "renewed")
    page.locator("#said").evaluate("one => one.setSelectionRange(2, 2)")
    page.keyboard.press("Alt+s")
    saved(page)
    assert "re newed" in words_of(page, live, scan_id, 2)
    choose(page, "re")
    page.keyboard.press("Alt+m")
    page.wait_for_function("() => document.getElementById('context').textContent.includes('renewed')")
    assert "re newed" not in words_of(page, live, scan_id, 2)
    choose(page, "chain")
    page.keyboard.press("Alt+x")
    page.wait_for_function("() => !document.getElementById('context').textContent.includes('chain')")
    page.keyboard.press("Alt+i")
    expect(page, "#drawing")
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.type("a line nobody found")
    page.keyboard.press("Enter")
    page.locator("#drawing").wait_for(state="hidden")
    text = words_of(page, live, scan_id, 2)
    assert "a line nobody found" in text
    assert "chain" not in text
    page.locator("#structure summary").click()
    page.locator("#regions select").first.select_option("section-header")
    page.wait_for_function("() => document.querySelector('#regions select')?.value === 'section-header'")
    reading = page.request.get(f"{live.url}/api/v1/documents/{scan_id}/pages/2").json()
    assert reading["regions"][0]["label"] == "section-header"
    for _ in range(5):
        page.keyboard.press("Alt+z")
        page.wait_for_timeout(150)
    assert live.complaints == []


def test_two_reviewers_on_one_page_lose_nothing(live: Any, scan_id: str):
    live.secret("ben")
    live.share(scan_id, "ben")
    ada, ben = bench(live, scan_id, 3), bench(live, scan_id, 3, "ben")
    for page in (ada, ben):
        choose(page, "storm")
    say(ada, "gale")
    saved(ada)
    choose(ben, "Nobody")
    say(ben, "None")
    saved(ben, "Saved.")
    text = words_of(ada, live, scan_id, 3)
    assert "gale" in text
    assert "None has" in text
    choose(ada, "winter")
    choose(ben, "winter")
    say(ben, "autumn")
    saved(ben)
    say(ada, "spring")
    assert expect(ada, "#conflict-told").inner_text() == "“winter” is “autumn” by now. You said “spring”."
    ada.keyboard.press("Enter")
    saved(ada)
    assert "spring" in words_of(ada, live, scan_id, 3)
    history = ada.request.get(f"{live.url}/api/v1/documents/{scan_id}/pages/3/corrections").json()["items"]
    assert [one["user"] for one in history] == ["admin", "ben", "ben", "admin"]
    assert live.complaints == []


def test_three_pages_from_queue_to_approval_by_keyboard_alone(live: Any, scan_id: str, shots: Any):
    page = live.open("/review")
    page.wait_for_function("() => document.activeElement.id === 'begin'")
    shots(page, "queue")
    page.keyboard.press("Enter")
    seen = set()
    for _ in range(3):
        expect(page, "#bench[data-ready]")
        seen.add(re.sub(r".*/pages/(\d+)/.*", r"\1", page.url))
        for _ in range(30):
            if page.locator("#bench").get_attribute("data-finished"):
                break
            page.keyboard.press("Enter")
            page.wait_for_timeout(100)
        shots(page, f"page-{len(seen)}")
        here = page.url
        page.keyboard.press("Alt+a")
        page.wait_for_url(lambda url, here=here: url != here)
    assert seen == {"1", "2", "3"}
    expect(page, "text=Nothing waits to be reviewed.")
    shots(page, "done")
    page.goto(f"{live.url}/review?show=approved")
    assert page.locator("#tasks tbody tr").count() == 3
    assert live.complaints == []


def test_the_page_is_zoomed_dragged_and_its_text_selected(live: Any, scan_id: str, tmp_path: Path):
    page = live.open(f"/documents/{scan_id}/pages/1", reduced_motion="reduce")  # where it is going, it is at once
    desk = expect(page, ".desk[data-ready]")
    fitted = float(desk.get_attribute("data-scale"))
    desk.focus()
    for _ in range(4):
        page.keyboard.press("+")
    page.wait_for_function("(least) => +document.querySelector('.desk').dataset.scale > least", arg=fitted * 2)
    before = page.locator(".text-layer span").first.bounding_box()
    box = desk.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 30, box["y"] + box["height"] - 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 130, box["y"] + box["height"] - 90, steps=5)
    page.mouse.up()
    after = page.locator(".text-layer span").first.bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == (
        pytest.approx(-100, abs=3),
        pytest.approx(-60, abs=3),
    )
    page.keyboard.press("0")
    page.wait_for_function("(is) => Math.abs(+document.querySelector('.desk').dataset.scale - is) < .01", arg=fitted)
    first = page.locator(".text-layer span", has_text="painted").bounding_box()
    page.mouse.click(first["x"] + first["width"] * 0.3, first["y"] + first["height"] / 2, click_count=3)
    assert "painted on 4 May 2021" in page.evaluate("String(getSelection())")
    page.mouse.click(first["x"] + 3, first["y"] + first["height"] / 2)
    expect(page, "#word-card")
    linked = page.url
    assert "#word=" in linked
    page.goto("about:blank")
    page.goto(linked)
    expect(page, ".marks .chosen")
    assert page.locator("#word-text").inner_text() == "was"
    assert live.complaints == []


def test_fields_are_found_corrected_and_taken_away(live: Any, scan_id: str):
    page = live.open(f"/documents/{scan_id}")
    page.locator("#extract summary").click()
    page.get_by_label("Kind of document").select_option("")
    page.locator("#names").fill("weight, painted by")
    page.get_by_role("button", name="Find them").click()
    row = expect(page, ".fields tbody tr")
    assert page.locator(".fields tbody tr").count() == 2
    row.locator("input").fill("318 kg")
    row.locator("input").press("Tab")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download JSON").click()
    assert json.loads(taken.value.path().read_text())["weight"] == "318 kg"
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download CSV").click()
    assert '"weight","318 kg"' in taken.value.path().read_text()
    assert live.complaints == []


def test_a_question_is_answered_with_its_words_outlined_or_not_found(live: Any, scan_id: str, shots: Any):
    page = live.open(f"/documents/{scan_id}/pages/1")
    expect(page, "form[data-ask]")
    page.get_by_label("Question").fill("When was the crane painted?")
    page.get_by_role("button", name="Ask").click()
    assert expect(page, ".answer .said").text_content() == "4 May 2021"
    assert "page 1" in (page.locator(".answer a.tag").first.text_content() or "")
    page.wait_for_function("location.hash.startsWith('#evidence=')")
    expect(page, ".marks .evidence")
    outlined = page.locator(".marks .evidence").evaluate_all(PLACES)
    drawn = [live.scan.places[1, word] for word in ("4", "May", "2021")]
    assert min(box[0] for box in outlined) == pytest.approx(drawn[0][0], abs=5)
    assert max(box[2] for box in outlined) == pytest.approx(drawn[-1][2], abs=5)
    assert all(box[1] == pytest.approx(drawn[0][1], abs=5) for box in outlined)
    shots(page, "answer")
    page.get_by_label("Question").fill("Who won the football match?")
    page.get_by_role("button", name="Ask").click()
    assert expect(page, ".answer .said.none").text_content() == "Not found."
    assert live.complaints == []
