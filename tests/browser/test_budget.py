"""What the browser may take on a page of 5,000 words, in processor time: other work on the machine does not count."""

from dataclasses import replace
from typing import Any

import pytest
from browser_site import Site, expect
from exports_samples import a_line, page_of
from web_client import EXAMPLES

from docproc.document import Page

pytestmark = pytest.mark.browser
FIRST_VIEW, INTERACTION = 1.0, 0.1
"""Seconds of the page's main thread: until all can be used, and for one key."""
WORDS, PER_LINE, PER_REGION = 5_000, 25, 10
PAINTS = """new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.painted = one.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });"""


def dense_page() -> Page:
    """Return a page of 5,000 words, a tenth of them doubtful."""
    rows = WORDS // PER_LINE
    text = " ".join(f"word{number:02}" for number in range(PER_LINE))
    lines = [a_line(f"l{row}", text, 20, 20 + 560 * row / rows) for row in range(rows)]
    parts = [("text", lines[start : start + PER_REGION]) for start in range(0, rows, PER_REGION)]
    page = page_of(1, parts)
    doubted = (
        replace(
            line,
            words=tuple(replace(word, confidence=0.97 if at % 10 else 0.6) for at, word in enumerate(line.words)),
        )
        for line in page.lines
    )
    return replace(page, lines=tuple(doubted))


def opened(site: Site, path: str, ready: str) -> tuple[Any, Any]:
    """Open a page with warm caches; return it and what asks for the processor time that it took so far."""
    page = site.open(path)
    expect(page, ready)
    page.add_init_script(PAINTS)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.reload()
    expect(page, ready)

    def spent() -> float:
        found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        return float(found["TaskDuration"])

    return page, spent


def each(page: Any, spent: Any, key: str, count: int, rest: int) -> float:
    """Return the processor time of one key, on average, with all that follows it."""
    page.wait_for_timeout(500)
    before = spent()
    for _ in range(count):
        page.keyboard.press(key)
        page.wait_for_timeout(rest)
    return float(spent() - before) / count


def test_a_page_of_5000_words_is_quick(site: Site, record_property: Any):
    document_id = site.portal.document(
        site.ada, [dense_page()], filename="dense.pdf", data=(EXAMPLES / "report.pdf").read_bytes()
    )
    page, spent = opened(site, f"/documents/{document_id}/pages/1", ".desk[data-ready]")
    took = {"page": spent(), "painted": page.evaluate("window.painted") / 1000}
    page.locator(".desk").focus()
    took["zoom"] = each(page, spent, "+", 4, 400)
    page.get_by_label("Words", exact=True).check()
    page.locator(".desk").focus()
    took["zoom with words"] = each(page, spent, "-", 4, 400)
    bench, spent = opened(site, f"/documents/{document_id}/pages/1/review", "#bench[data-ready]")
    took["bench"] = spent()
    took["next word"] = each(bench, spent, "ArrowDown", 5, 200)
    took["accept"] = each(bench, spent, "Enter", 3, 1500)
    record_property("seconds", {name: round(value, 3) for name, value in took.items()})
    print({name: round(value, 3) for name, value in took.items()})
    assert took["page"] < FIRST_VIEW
    assert took["bench"] < FIRST_VIEW
    # Ten times the budget: machines differ and are busy, but work that grows with the square of the words is found.
    assert max(took[name] for name in ("zoom", "zoom with words", "next word", "accept")) < 10 * INTERACTION
    assert site.complaints == []
