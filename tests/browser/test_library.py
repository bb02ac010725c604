"""The library: chosen at once, as a grid, sorted; files pasted, from folders, stopped and tried again."""

import re
from pathlib import Path
from typing import Any

import pytest
from browser_site import Site, expect
from search_pages import page as made_page
from web_client import EXAMPLES

pytestmark = pytest.mark.browser
REPORT = (EXAMPLES / "report.pdf").read_bytes()
PASTE = """(name) => {
  const data = new DataTransfer();
  data.items.add(new File(["%PDF-1.4 pasted"], name, { type: "application/pdf" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
}"""


def names(page: Any) -> list[str]:
    return [text.removesuffix(".pdf") for text in page.locator(".name").all_inner_texts()]


def test_several_documents_are_chosen_labelled_and_thrown_away(site: Site):
    for name in ("one", "two"):
        site.portal.document(site.ada, [made_page(name)], filename=f"{name}.pdf", data=REPORT)
    page = site.open()
    page.get_by_label("Choose one.pdf").check()
    page.get_by_label("Choose two.pdf").check()
    expect(page, "text=2 chosen")
    page.locator("#what").select_option("label")
    page.locator("#bulk-name").fill("tax")
    page.get_by_role("button", name="Do it").click()
    expect(page, "text=2 documents labelled.")
    assert page.locator('a.tag:has-text("tax")').count() == 2
    page.get_by_role("link", name="Grid").click()
    expect(page, ".shelf")
    page.locator("#choose-all").check()
    expect(page, "text=3 chosen")
    page.locator("#what").select_option("trash")
    page.get_by_role("button", name="Do it").click()
    expect(page, "text=Nothing here yet.")
    assert "view=grid" in page.url
    assert site.complaints == []


def test_the_library_is_sorted_by_its_headings_and_the_grid_by_a_list(site: Site):
    site.portal.document(site.ada, [made_page("x")], filename="anna.pdf", data=REPORT)
    page = site.open()
    assert names(page) == ["anna", "letter"]
    page.get_by_role("link", name="Document", exact=True).click()
    page.wait_for_url("**/?sort=name")
    assert names(page) == ["anna", "letter"]
    page.get_by_role("link", name=re.compile("^Pages")).click()
    page.wait_for_url("**/?sort=-pages")
    assert names(page) == ["letter", "anna"]
    assert page.locator('th[aria-sort="descending"]').inner_text().startswith("Pages")
    page.get_by_role("link", name="Grid").click()
    assert names(page) == ["letter", "anna"]
    page.get_by_label("Sorted by").select_option("name")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page, ".shelf")
    assert names(page) == ["anna", "letter"]
    assert site.complaints == []


def test_files_are_pasted_and_taken_out_of_folders(site: Site, tmp_path: Path):
    (tmp_path / "scans" / "deep").mkdir(parents=True)
    (tmp_path / "scans" / "top.pdf").write_bytes(REPORT + b"t")
    (tmp_path / "scans" / "deep" / "below.pdf").write_bytes(REPORT + b"b")
    (tmp_path / "scans" / "notes.txt").write_text("not a scan")
    page = site.open()
    page.evaluate(PASTE, "pasted.pdf")
    expect(page, '#sending a:text-is("pasted.pdf")')
    page.locator("#folder").set_input_files(str(tmp_path / "scans"))
    expect(page, '#sending a:text-is("top.pdf")')
    expect(page, '#sending a:text-is("below.pdf")')
    assert page.locator("#sending li").count() == 3
    page.evaluate(PASTE, "again.pdf")
    expect(page, 'text="you have this document already"')
    assert site.complaints == []


def test_reading_is_stopped_and_taken_up_again_where_it_was_uploaded(site: Site):
    page = site.open()
    page.evaluate(PASTE, "long.pdf")
    expect(page, "#sending a")
    page.get_by_role("button", name="Stop reading: long.pdf").click()
    expect(page, '#sending span:text-is("cancelled")')
    page.get_by_role("button", name="Read again: long.pdf").click()
    expect(page, "text=uploaded, waiting to be opened")
    site.portal.plan(1)
    expect(page, "text=uploaded, 0 of 1 pages read")
    site.portal.read([made_page("here")])
    site.portal.finish()
    expect(page, '#sending span:text-is("read")')
    # What was pasted is no PDF that could be drawn; only the worker of these tests reads it.
    assert [text for text in site.complaints if "422" not in text] == []


def test_an_upload_that_was_refused_or_cut_off_is_tried_again(site: Site):
    page = site.open()
    page.route("**/api/v1/documents", lambda route: route.abort())
    page.evaluate(PASTE, "cut.pdf")
    expect(page, "text=the connection was lost; try again")
    page.unroute("**/api/v1/documents")
    page.get_by_role("button", name="Try again: cut.pdf").click()
    expect(page, '#sending a:text-is("cut.pdf")')
    assert [text for text in site.complaints if "ERR_FAILED" not in text] == []


def test_what_all_documents_were_asked_is_shown_again(site: Site):
    page = site.open("/search")
    for question in ("Who is the letter to?", "Who won the football match?"):
        page.get_by_label("Question").fill(question)
        page.get_by_role("button", name="Ask").click()
        expect(page, f'.answer .quiet:text-is("{question}")')
    page.reload()
    page.locator("summary:has-text('Asked before (2)')").click()
    expect(page, '.answer .quiet:text-is("Who won the football match?")')
    assert page.locator(".answer .said").count() >= 2
    assert site.complaints == []


def test_a_whole_document_is_approved_from_its_page_and_from_the_bench(site: Site):
    page = site.open(f"/documents/{site.letter}")
    page.get_by_role("button", name="Approve all pages").click()
    expect(page, "text=2 of 2 pages approved.")
    page.goto(f"{site.url}/documents/{site.letter}/pages/1/review")
    expect(page, "#bench[data-ready]")
    page.locator("#more summary").click()
    page.locator("#note").fill("the wrong letter")
    page.get_by_role("button", name="Reject all").click()
    expect(page, "text=0 of 2 pages approved, 2 rejected.")
    assert site.complaints == []
