"""Many uploads of one page: followed over one stream of events, whatever becomes of it."""

import threading
from typing import Any

import pytest
from browser_site import Site, expect
from search_pages import page as made_page
from web_client import EXAMPLES

from web.api import events

pytestmark = pytest.mark.browser
MANY = 200
REPORT = (EXAMPLES / "report.pdf").read_bytes()


def choose(page: Any, names: list[str]) -> None:
    files = [{"name": name, "mimeType": "application/pdf", "buffer": REPORT + name.encode()} for name in names]
    page.locator("#files").set_input_files(files)


def streams(page: Any) -> dict[str, int]:
    """Count the streams of a page: those that are open now, the most at a time, and all."""
    count = {"now": 0, "most": 0, "all": 0}

    def began(request: Any) -> None:
        if "/events" in request.url:
            count["now"] += 1
            count["all"] += 1
            count["most"] = max(count["most"], count["now"])

    def ended(request: Any) -> None:
        count["now"] -= "/events" in request.url

    page.on("request", began)
    page.on("requestfinished", ended)
    page.on("requestfailed", ended)
    return count


def test_hundreds_of_uploads_are_followed_over_one_stream(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(events, "LONGEST", 2.0)  # it has to be opened again and again
    monkeypatch.setattr(events, "_slots", threading.BoundedSemaphore(1))  # a second one would be refused
    page = site.open()
    count = streams(page)
    choose(page, [f"scan {number}.pdf" for number in range(MANY)])
    page.set_default_timeout(240_000)
    expect(page, f'#sending li:nth-child({MANY}) a:text-is("scan {MANY - 1}.pdf")')
    last = page.locator("#sending li").last
    expect(last, "text=uploaded, waiting to be opened")
    for _ in range(MANY):
        site.portal.plan(1)
    expect(last, "text=uploaded, 0 of 1 pages read")
    site.portal.read([made_page("here")])
    site.portal.finish()
    expect(page, '#sending span:text-is("read")')
    page.wait_for_timeout(3000)
    assert count["most"] == 1
    assert count["all"] >= 2
    page.get_by_role("link", name="scan 7.pdf").first.click()
    page.wait_for_url("**/documents/*")
    assert site.complaints == []


def test_uploads_are_followed_where_no_stream_is_to_be_had(site: Site, monkeypatch: pytest.MonkeyPatch):
    none = threading.BoundedSemaphore(1)
    none.acquire()
    monkeypatch.setattr(events, "_slots", none)
    page = site.open()
    count = streams(page)
    choose(page, ["one.pdf", "two.pdf"])
    expect(page, "#sending li:nth-child(2) a")
    site.portal.plan(1)
    site.portal.plan(3)
    expect(page, "text=uploaded, 0 of 3 pages read")
    site.portal.read([made_page("here")])
    site.portal.finish()
    expect(page, '#sending span:text-is("read")')
    assert count["most"] == 1
    assert site.complaints
    assert all("503" in text for text in site.complaints)


def test_nothing_is_watched_once_all_is_read(site: Site):
    page = site.open()
    count = streams(page)
    choose(page, ["one.pdf"])
    expect(page, "#sending li a")
    site.portal.plan(1)
    site.portal.read([made_page("here")])
    site.portal.finish()
    expect(page, '#sending span:text-is("read")')
    page.wait_for_timeout(2500)
    assert count["now"] == 0
    assert site.complaints == []
