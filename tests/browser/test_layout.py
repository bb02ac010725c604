"""Regions and tables corrected in the browser, by keyboard and by mouse, alone and by two at once."""

from dataclasses import replace
from typing import Any

import pytest
from browser_site import Site, expect
from exports_samples import table_page
from read_documents import letter
from search_pages import page as made_page
from web_client import EXAMPLES

pytestmark = pytest.mark.browser
REPORT = (EXAMPLES / "report.pdf").read_bytes()


def opened(site: Site, document_id: str) -> Any:
    page = site.open(f"/documents/{document_id}/pages/1/review")
    expect(page, "#bench[data-ready]")
    page.keyboard.press("Alt+o")
    expect(page, "#regions select")
    return page


def reading(page: Any, site: Site, document_id: str) -> Any:
    return page.request.get(f"{site.url}/api/v1/documents/{document_id}/pages/1").json()


def saved(page: Any, act: Any) -> None:
    """Do something, and wait until it is kept."""
    with page.expect_response(
        lambda answer: "/corrections" in answer.url and answer.request.method == "POST"
    ) as told:
        act()
    assert told.value.ok, told.value.text()
    page.wait_for_function("() => /Saved|Undone/.test(document.getElementById('told').textContent)")


def cells(page: Any, site: Site, document_id: str) -> dict[tuple[int, int], str]:
    [table] = reading(page, site, document_id)["tables"]
    return {(cell["row"], cell["column"]): " ".join(cell["text"].split()) for cell in table["cells"]}


def test_the_grid_of_a_table_is_corrected_by_keyboard(site: Site):
    document_id = site.portal.document(site.ada, [table_page()], filename="table.pdf", data=REPORT)
    page = opened(site, document_id)

    def press(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).focus()
        saved(page, lambda: page.keyboard.press("Enter"))

    page.get_by_role("textbox", name="Row 1, column 1").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.ariaLabel") == "Row 2, column 1"
    page.get_by_role("textbox", name="Row 3, column 2").focus()
    page.keyboard.type("none")
    saved(page, lambda: page.keyboard.press("Tab"))
    before = cells(page, site, document_id)
    assert before[2, 1] == "none"
    assert before[0, 0] == "Wide | head"
    page.get_by_role("textbox", name="Row 2, column 1").focus()
    press("Join with the row below")
    assert cells(page, site, document_id)[1, 0] == "a d"
    assert page.evaluate("document.activeElement.textContent") == "Join with the row below", "the focus stays"
    saved(page, lambda: page.keyboard.press("Alt+z"))
    assert cells(page, site, document_id) == before
    page.get_by_role("textbox", name="Row 2, column 2").focus()
    press("Join with the cell after")
    assert cells(page, site, document_id)[1, 1] == "b c 3"
    page.get_by_role("textbox", name="Row 1, column 1").focus()
    press("Part the cell")
    page.get_by_role("textbox", name="Row 3, column 3").focus()
    press("Part the column")
    [table] = reading(page, site, document_id)["tables"]
    assert (table["rows"], table["columns"], len(table["cells"])) == (3, 4, 10)
    assert site.complaints == []


def test_regions_are_drawn_resized_and_taken_away(site: Site):
    document_id = site.portal.document(site.ada, [letter()], filename="another.pdf", data=REPORT)
    page = opened(site, document_id)

    def regions() -> list[tuple[str, list[str]]]:
        return [(one["label"], one["line_ids"]) for one in reading(page, site, document_id)["regions"]]

    saved(page, lambda: page.locator("#regions select").first.select_option("caption"))
    assert regions()[:2] == [("caption", ["t"]), ("text", ["a", "b"])]
    left, top, right, bottom = next(
        one["box"] for one in reading(page, site, document_id)["lines"] if one["id"] == "b"
    )
    page.keyboard.press("Alt+g")
    expect(page, ".marks .drawn")
    page.keyboard.press("0")
    page.wait_for_timeout(1000)  # the picture comes to rest
    frame = page.locator(".desk").bounding_box()
    scale, x, y = page.evaluate(
        "() => { const at = new DOMMatrix(getComputedStyle(document.querySelector('.ground')).transform);"
        " return [at.a, at.e, at.f]; }"
    )

    def at(px: float, py: float) -> tuple[float, float]:
        return frame["x"] + x + px * scale, frame["y"] + y + py * scale

    page.mouse.move(*at(right + 250, top - 1))
    page.mouse.down()
    page.mouse.move(*at(left - 20, bottom + 3), steps=4)
    page.mouse.up()
    page.locator("#drawn-label").select_option("list-item")
    saved(page, lambda: page.keyboard.press("Enter"))
    page.locator("#drawing").wait_for(state="hidden")
    assert regions()[:3] == [("caption", ["t"]), ("text", ["a"]), ("list-item", ["b"])]
    box = reading(page, site, document_id)["regions"][2]["box"]
    assert box == pytest.approx([left - 20, top - 1, right + 250, bottom + 3], abs=2)

    page.get_by_label("Move or resize region 1").click()
    for _ in range(14):
        page.keyboard.press("Shift+ArrowDown")
    saved(page, lambda: page.keyboard.press("Enter"))
    assert regions()[0] == ("caption", ["t", "a", "b"]), "it took the lines of two others, which are gone"
    saved(page, lambda: page.keyboard.press("Alt+z"))
    assert regions()[:3] == [("caption", ["t"]), ("text", ["a"]), ("list-item", ["b"])]
    page.get_by_label("Region 3 is not there").focus()
    saved(page, lambda: page.keyboard.press("Enter"))
    assert regions()[:2] == [("caption", ["t"]), ("text", ["a", "b"])]
    page.get_by_label("Region 3 is not there").click()
    expect(page, "#told:has-text('no region')")
    assert len(regions()) == 4
    site.complaints = [text for text in site.complaints if "400" not in text and "422" not in text]
    assert site.complaints == []


def test_what_the_engine_would_have_read_next_is_taken_by_a_key(site: Site):
    page_ = made_page("the watcr bill")
    [line] = page_.lines
    words = [replace(word, confidence=0.99) for word in line.words]
    words[1] = replace(words[1], confidence=0.5, alternatives=("water", "watch"))
    doubted = replace(page_, lines=(replace(line, words=tuple(words)),))
    document_id = site.portal.document(site.ada, [doubted], filename="bill.pdf", data=REPORT)
    page = site.open(f"/documents/{document_id}/pages/1/review")
    expect(page, "#bench[data-ready]")
    assert page.locator("#said").input_value() == "watcr"
    shown = page.locator("#alternatives button").all_inner_texts()
    assert [text.split()[0] for text in shown[:2]] == ["water", "watch"]
    saved(page, lambda: page.keyboard.press("Alt+1"))
    assert reading(page, site, document_id)["text"] == "the water bill"
    assert page.evaluate("document.activeElement.dataset.act") == "approve", "nothing is left to check"
    assert site.complaints == []


def test_two_who_change_the_same_region_are_told(site: Site):
    document_id = site.portal.document(site.ada, [made_page("one line", "another")], filename="two.pdf", data=REPORT)
    first, second = opened(site, document_id), opened(site, document_id)
    saved(first, lambda: first.locator("#regions select").first.select_option("title"))
    second.locator("#regions select").first.select_option("caption")
    assert expect(second, "#conflict-told").inner_text() == "“text” is “title” by now. You said “caption”."
    second.locator("#keep-theirs").click()
    second.wait_for_function("() => document.querySelector('#regions select').value === 'title'")
    assert reading(second, site, document_id)["regions"][0]["label"] == "title"
    site.complaints = [text for text in site.complaints if "412" not in text]
    assert site.complaints == []
