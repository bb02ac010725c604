"""The portal in a real browser: by keyboard alone, live, without scripts, narrow, dark, and under its own CSP."""

from pathlib import Path
from urllib.parse import quote

import pytest
from browser_site import Site, expect
from search_pages import page as made_page
from web_client import EXAMPLES

pytestmark = pytest.mark.browser

CHECKS = Path(__file__).with_name("checks.js").read_text("utf-8")
REPORT = (EXAMPLES / "report.pdf").read_bytes()
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def test_every_page_is_sound_and_obeys_its_policy(site: Site):
    portal, ada = site.portal, site.ada
    broken = portal.document(ada, [made_page("one"), None], filename="broken.pdf", data=REPORT)
    running = portal.hand_in(ada, "running.pdf", REPORT)
    portal.plan(2)
    ada.send(f"/documents/{broken}/label", {"label": "to check"})
    paths = [
        "/", "/?name=nothing", "/trash", "/search", "/search?q=water", "/search?q=nothing", "/status", "/account",
        "/users", f"/documents/{broken}", f"/documents/{broken}/pages/2", f"/documents/{running}",
        f"/documents/{site.letter}/pages/1?q=water",
    ]  # fmt: skip
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 320)):
        page = site.open(color_scheme=scheme, viewport={"width": width, "height": 800})
        for path in paths:
            page.goto(site.url + path, wait_until="load")
            assert page.evaluate(CHECKS) == [], (path, scheme, width)
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, (path, width)
        page.context.close()
    assert site.complaints == []


def test_from_search_to_the_next_page_by_keyboard_alone(site: Site):
    page = site.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Shift+Tab")
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "find":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.type("water")
    page.keyboard.press("Enter")
    hit = expect(page, "h2 a")
    assert hit.inner_text() == "letter.pdf, page 1"
    hit.focus()
    page.keyboard.press("Enter")
    expect(page, ".marks .hit")
    page.locator(".desk[data-ready]").wait_for()
    page.locator(".row-line").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent").strip() == "the water bill"
    assert page.locator(".desk").get_attribute("data-lit") == "l1"
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/pages/2?q=water")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/pages/1?q=water")
    assert site.complaints == []


def test_a_line_under_the_pointer_lights_up_in_image_and_text(site: Site):
    page = site.open(f"/documents/{site.letter}/pages/1")
    page.locator(".desk[data-ready]").wait_for()
    page.locator('.text-layer [data-line="l1"]').hover()
    assert expect(page, ".row-line.on").inner_text().strip() == "the water bill"
    page.locator(".row-line").first.hover()
    assert page.locator(".desk").get_attribute("data-lit") == "l0"
    assert page.locator(".row-line.on").count() == 1


def test_layers_stay_from_page_to_page(site: Site):
    page = site.open(f"/documents/{site.letter}/pages/1")
    page.locator(".desk[data-ready]").wait_for()
    legend = page.locator(".legend-words")
    assert not legend.is_visible()
    page.get_by_label("Words", exact=True).check()
    legend.wait_for(state="visible")
    page.goto(f"{site.url}/documents/{site.letter}/pages/2")
    page.locator(".desk[data-ready]").wait_for()
    assert page.get_by_label("Words", exact=True).is_checked()
    assert site.complaints == []


def test_files_are_uploaded_one_by_one_and_appear_without_a_reload(site: Site):
    page = site.open()
    page.evaluate("window.here = true")
    files = [
        {"name": "one.pdf", "mimeType": "application/pdf", "buffer": REPORT + b"1"},
        {"name": "two.docx", "mimeType": "application/zip", "buffer": b"PK\x03\x04"},
        {"name": "three.pdf", "mimeType": "application/pdf", "buffer": REPORT + b"3"},
    ]
    page.locator("#files").set_input_files(files)
    expect(page, "#sending li:nth-child(3) a")
    states = page.locator("#sending li span.small").all_inner_texts()
    assert all(states[at].startswith("uploaded") for at in (0, 2))
    assert "ZIP" in states[1] or "accepted" in states[1]
    expect(page, 'table.list a.name:text-is("three.pdf")')
    assert page.evaluate("window.here") is True
    site.complaints = [text for text in site.complaints if "415" not in text and "422" not in text]
    assert site.complaints == []


def test_files_can_be_dropped(site: Site):
    page = site.open()
    page.evaluate(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "dropped.pdf", { type: "application/pdf" }));
          document.body.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        "%PDF-1.4 dropped",
    )
    expect(page, 'table.list a.name:text-is("dropped.pdf")')
    assert site.complaints == []


def test_progress_comes_by_itself_and_leaves_focus_where_it_is(site: Site):
    portal = site.portal
    document_id = portal.hand_in(site.ada, "running.pdf", REPORT)
    portal.plan(2)
    page = site.open(f"/documents/{document_id}")
    page.evaluate("window.here = true")
    page.locator("#new-label").fill("half typed")
    page.locator("#new-label").focus()
    portal.read([made_page("one")])
    expect(page, "text=1 of 2 pages read")
    expect(page, "#p-1 .chip.done")
    assert page.evaluate("document.activeElement.id") == "new-label"
    assert page.locator("#new-label").input_value() == "half typed"
    portal.read([made_page("two", number=2)])
    portal.finish()
    expect(page, ".heading .chip.done")
    assert page.evaluate("window.here") is True
    assert site.complaints == []


def test_a_page_that_is_being_read_shows_its_text_when_it_is_there(site: Site):
    document_id = site.portal.hand_in(site.ada, "running.pdf", REPORT)
    site.portal.plan(1)
    page = site.open(f"/documents/{document_id}/pages/1")
    expect(page, "text=This page is still being read")
    site.portal.read([made_page("here it is")])
    expect(page, '.row-line:has-text("here it is")')


def test_without_scripts_everything_on_the_main_path_works(site: Site):
    page = site.open(java_script_enabled=False)
    file = {"name": "plain.pdf", "mimeType": "application/pdf", "buffer": REPORT + b"p"}
    page.locator("#files").set_input_files([file])
    page.get_by_role("button", name="Upload").click()
    expect(page, "text=plain.pdf is in the queue.")
    page.locator("#find").fill("water")
    page.locator("#find").press("Enter")
    page.locator("h2 a").first.click()
    expect(page, ".hits rect")
    page.locator('a[rel="next"]').click()
    expect(page, '.row-line:has-text("yours truly")')
    page.goto(f"{site.url}/documents/{site.letter}")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page, "text=letter.pdf is in the trash.")


def test_a_hostile_name_and_text_run_nothing(site: Site):
    document_id = site.portal.document(site.ada, [made_page(f"needle {EVIL}")], filename=f"{EVIL}.pdf", data=REPORT)
    page = site.open(f"/documents/{document_id}")
    page.get_by_label("New label").fill(EVIL)
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".tag", has_text=EVIL).wait_for()
    page.get_by_placeholder("What is the total?").fill(EVIL)
    with page.expect_response(lambda answer: answer.url.endswith("/questions") and answer.request.method == "POST"):
        page.keyboard.press("Enter")
    page.locator(".answers").get_by_text(EVIL).first.wait_for()
    for path in ("/", f"/documents/{document_id}", f"/documents/{document_id}/pages/1?q=needle", "/search?q=needle",
        f"/documents/{document_id}/pages/1/review", "/review", "/?view=grid", f"/search?q={quote(EVIL)}",
    ):  # fmt: skip
        page.goto(site.url + path, wait_until="load")
        page.wait_for_timeout(200)
    file = {"name": "x<img src=x onerror=alert(3)>.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 x"}
    page.goto(site.url)
    page.locator("#files").set_input_files([file])
    expect(page, "#sending a")
    assert site.complaints == []
