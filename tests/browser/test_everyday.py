"""What people do each day besides reading and reviewing: copy, search in vain, keep users and webhooks."""

import pytest
from browser_site import Site, expect
from exports_samples import table_page
from search_pages import page as made_page
from web_client import EXAMPLES

pytestmark = pytest.mark.browser
REPORT = (EXAMPLES / "report.pdf").read_bytes()
COPIED = """async (type) => {
  const [item] = await navigator.clipboard.read();
  return (await item.getType(type)).text();
}"""


def test_a_page_is_copied_in_reading_order_and_a_table_as_a_table(site: Site):
    document_id = site.portal.document(site.ada, [table_page()], filename="table.pdf", data=REPORT)
    page = site.open(f"/documents/{site.letter}/pages/1", permissions=["clipboard-read", "clipboard-write"])
    expect(page, ".desk[data-ready]")
    page.get_by_role("button", name="Copy the text").click()
    expect(page, "text=Copied")
    assert page.evaluate(COPIED, "text/plain").split() == ["Dear", "Mr", "Falk", "the", "water", "bill"]
    page.goto(f"{site.url}/documents/{document_id}/pages/1")
    expect(page, ".desk[data-ready]")
    page.get_by_role("button", name="Copy this table").click()
    expect(page, "text=Copied")
    copied = page.evaluate(COPIED, "text/html")
    assert 'colspan="2"' in copied
    assert copied.count("<tr") == 3
    page.locator("summary:has-text('Download')").click()
    formats = page.locator(".menu li a").all_inner_texts()
    assert {"The file as handed in", "Searchable PDF", "hOCR", "Markdown", "ALTO XML"} <= set(formats)
    assert site.complaints == []


def test_layers_are_drawn_over_the_picture(site: Site):
    document_id = site.portal.document(site.ada, [table_page()], filename="table.pdf", data=REPORT)
    page = site.open(f"/documents/{document_id}/pages/1")
    expect(page, ".desk[data-ready]")
    page.wait_for_timeout(500)
    desk = page.locator(".desk")
    for name in ("Words", "Lines", "Regions", "Tables"):
        before = desk.screenshot()
        page.get_by_label(name, exact=True).check()
        page.mouse.move(0, 0)
        page.wait_for_timeout(200)
        assert desk.screenshot() != before, name
    assert site.complaints == []


def test_a_search_without_hits_says_why_and_hits_lead_from_page_to_page(site: Site):
    page = site.open("/search?q=water+truly")
    expect(page, "text=No page holds this.")
    assert "They are never on the same one" in page.locator(".nothing").inner_text()
    page.get_by_role("link", name="any of them").click()
    assert page.locator("#results mark").count() == 2
    page.locator("h2 a").first.click()
    expect(page, ".marks .hit")
    page.locator("text=hits on page").click()
    expect(page, ".marks .hit")
    assert site.complaints == []


def test_users_tokens_and_webhooks_are_made_and_their_secrets_shown_once(site: Site):
    page = site.open("/users")
    page.get_by_label("Name").fill("eve")
    page.get_by_role("button", name="Add").click()
    link = expect(page, "#link").input_value()
    page.goto(f"{site.url}/users")
    assert page.locator("#link").count() == 0
    other = site.browser.new_context().new_page()
    other.goto(link)
    other.get_by_role("button", name="Sign in").click()
    expect(other, "text=You are signed in by a link")
    other.get_by_role("link", name="Set a password").click()
    expect(other, "h1:has-text('Account of eve')")
    page.goto(f"{site.url}/account")
    page.get_by_label("What it is for").fill("backups")
    page.get_by_role("button", name="Make a token").click()
    token = expect(page, "#made").input_value()
    answer = page.request.get(f"{site.url}/api/v1/documents", headers={"Authorization": f"Bearer {token}"})
    assert answer.ok
    page.goto(f"{site.url}/account")
    assert page.locator("#made").count() == 0
    page.get_by_role("button", name="Revoke backups").click()
    expect(page, "text=You have none.")
    page.goto(f"{site.url}/webhooks")
    page.get_by_label("Address").fill("http://127.0.0.1:9/hook")
    page.get_by_role("button", name="Add").click()
    expect(page, "#secret, .flash.error")
    assert site.complaints == []


def test_work_that_failed_is_shown_and_tried_again(site: Site):
    site.portal.document(site.ada, [made_page("one"), None], filename="broken.pdf", data=REPORT)
    page = site.open("/status")
    expect(page, "text=broken.pdf, page 2")
    page.get_by_role("button", name="Retry").first.click()
    expect(page, "text=It is in the queue again.")
    assert site.complaints == []


def test_the_tour_comes_once(site: Site):
    page = site.open()
    expect(page, "#tour")
    page.get_by_role("link", name="Open a page").click()
    expect(page, ".desk[data-ready]")
    page.goto(site.url)
    page.get_by_role("button", name="Close the tour").click()
    page.goto(site.url)
    expect(page, "h1")
    assert not page.locator("#tour").is_visible()
    assert site.complaints == []
