"""Searching in the browser: as one types, narrowed, in vain; and what the library does while reading goes on."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from browser_site import Site, expect
from PIL import Image
from search_pages import page as made_page
from web_client import EXAMPLES

from docproc.document import Tile
from docproc.geometry import Box

pytestmark = pytest.mark.browser
REPORT = (EXAMPLES / "report.pdf").read_bytes()


def hits(page: Any) -> list[str]:
    return [text.partition(",")[0] for text in page.locator("#results > ol h2 a").all_inner_texts()]


def test_results_come_while_typing_and_are_narrowed(site: Site):
    bob = site.portal.person("bob")
    mine = site.portal.document(site.ada, [made_page("the harbour crane")], filename="crane.pdf", data=REPORT)
    theirs = site.portal.document(bob, [made_page("harbour dues")], filename="dues.pdf", data=REPORT)
    bob.send(f"/documents/{theirs}/publish", {"public": "1"})
    site.ada.send(f"/documents/{mine}/label", {"label": "tax 2024"})
    page = site.open("/search")
    page.locator("#q").press_sequentially("harb", delay=20)
    expect(page, "text=No page holds this.")
    page.get_by_role("link", name="harbour", exact=True).click()
    expect(page, "#results > ol h2 a")
    assert sorted(hits(page)) == ["crane.pdf", "dues.pdf"]
    crops = page.locator("#results > ol .crop svg")
    assert crops.count() == 2
    assert crops.first.locator(".hits rect").count() == 1

    def narrowed(names: list[str]) -> None:
        page.wait_for_function(
            "(names) => [...document.querySelectorAll('#results > ol h2 a')].map((one) => one.textContent).sort()"
            ".join() === names.map((one) => `${one}.pdf, page 1`).join()",
            arg=names,
        )

    page.get_by_label("My own").check()
    narrowed(["crane"])
    page.get_by_label("My own").uncheck()
    narrowed(["crane", "dues"])
    page.get_by_label("Label", exact=True).select_option("tax 2024")
    narrowed(["crane"])
    assert "label=tax+2024" in page.url
    page.reload()
    narrowed(["crane"])
    page.get_by_label("Added until").fill("2020-01-01")
    narrowed([])
    expect(page, "text=No page holds this.")
    page.get_by_role("link", name="2 pages").click()
    narrowed(["crane", "dues"])
    assert site.complaints == []


def test_what_reads_like_a_question_can_be_asked(site: Site):
    page = site.open("/search?q=who+is+the+letter+to?")
    page.get_by_role("button", name="ask it").click()
    expect(page, '#ask .answer .quiet:text-is("who is the letter to?")')
    assert site.complaints == []


def test_searching_and_figures_need_no_script(site: Site):
    page = site.open("/search", java_script_enabled=False)
    page.get_by_label("Words").fill("watre bill")
    page.get_by_role("button", name="Search").last.click()
    assert "“watre” is on no page" in page.locator("#results").inner_text()
    assert page.get_by_role("button", name="ask it").count() == 0
    page.get_by_role("link", name="water", exact=True).click()
    assert hits(page) == ["letter.pdf"]
    site.ada.send(f"/documents/{site.letter}/review", {"verdict": "approved"})
    page.goto(f"{site.url}/review/figures")
    assert page.locator("svg.plot circle").count() == 2
    assert page.locator('[aria-labelledby="by-engine"] tbody td').all_inner_texts()[0] == "2"
    for name in ("Documents", "Review", "Status", "Users", "Webhooks", "Account", "Trash"):
        page.get_by_role("link", name=name, exact=True).first.click()
        assert page.locator("h1").inner_text()


def test_what_is_chosen_stays_chosen_while_others_come_and_are_read(site: Site):
    site.portal.hand_in(site.ada, "running.pdf", REPORT)
    site.portal.plan(2)
    page = site.open()
    page.get_by_label("Choose letter.pdf").check()
    page.locator("#choose-all").wait_for()
    site.portal.read([made_page("one")])
    expect(page, "text=1 of 2 pages read")
    site.portal.hand_in(site.ada, "newer.pdf", REPORT)
    expect(page, 'a.name:text-is("newer.pdf")')
    assert page.get_by_label("Choose letter.pdf").is_checked()
    assert not page.get_by_label("Choose newer.pdf").is_checked()
    assert page.locator("#choose-all").is_visible()
    assert site.complaints == []


def test_a_phone_offers_its_camera(site: Site):
    page = site.open(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    camera = page.locator("label.camera")
    camera.wait_for()
    taken = camera.locator("input")
    assert (taken.get_attribute("capture"), taken.get_attribute("accept")) == ("environment", "image/*")
    assert not page.locator("label.folder").is_visible(), "phones have no folders to choose"
    png = page.locator(".brand").screenshot()
    taken.set_input_files({"name": "IMG_0815.png", "mimeType": "image/png", "buffer": png})
    expect(page, '#sending a:text-is("IMG_0815.png")')
    desk = site.open()
    desk.locator("label.folder").wait_for()
    assert not desk.locator("label.camera").is_visible()
    assert site.complaints == []


def test_what_the_models_saw_is_outlined_with_its_seams(site: Site):
    left, right = Box(0, 0, 350, 792), Box(300, 0, 612, 792)
    views = (Tile(left, 2.0), Tile(right, 2.0))
    seen = replace(made_page("Dear Mr Falk"), tiles=views)
    document_id = site.portal.document(site.ada, [seen], filename="large.pdf", data=REPORT)
    page = site.open(f"/documents/{document_id}/pages/1", reduced_motion="reduce")
    desk = expect(page, ".desk[data-ready]")
    page.wait_for_load_state("networkidle")  # the picture is sharp
    corner = desk.bounding_box()

    def colours() -> list[Any]:
        """What is seen at two places of the page, in points: the middle of the seam, and one beside it."""
        page.wait_for_timeout(300)
        scale, x, y = page.evaluate(
            "() => { const at = new DOMMatrix(getComputedStyle(document.querySelector('.ground')).transform);"
            " return [at.a, at.e, at.f]; }"
        )
        with Image.open(BytesIO(page.screenshot())) as shot:
            places = [(corner["x"] + x + at * scale, corner["y"] + y + 700 * scale) for at in (325, 200)]
            return [shot.getpixel((round(across), round(down))) for across, down in places]

    before = colours()
    page.get_by_label("Views", exact=True).check()
    seam, beside = colours()
    assert seam != before[0], "what both views hold is shaded"
    assert beside == before[1], "what one of them holds is not"
    assert site.complaints == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/nowhere", 404, "There is nothing at this address."),
        ("/users", 403, "admin"),
        ("/documents/x", 404, "document"),
    ],
)
def test_errors_say_what_to_do_next(site: Site, path: str, status: int, words: str):
    vera = site.portal.person("vera", "viewer")
    context = site.browser.new_context()
    context.add_cookies([{"name": "docproc", "value": vera.secret, "url": site.url}])
    page = context.new_page()
    answer = page.goto(site.url + path)
    assert answer.status == status
    assert words in page.locator("main").inner_text()
    page.get_by_role("link", name="To the documents").click()
    expect(page, "h1:has-text('Documents')")
