"""What the browser may take on pages of many words, in processor time: other work on the machine hardly counts."""

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
PER_LINE, PER_REGION = 25, 10
TRIES = 4
ALLOWED = {5_000: 1, 20_000: 2}
"""Words of a page -> by how much one key may exceed the budget: to a correction the server answers the whole page."""
PAINTS = """new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.painted = one.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });"""


def dense_page(words: int) -> Page:
    """Return a page of so many words, a tenth of them doubtful."""
    rows = words // PER_LINE
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


def least(page: Any, spent: Any, act: Any, rest: int = 500) -> float:
    """Return the least processor time that doing something took, of several tries, with all that follows it."""
    took = []
    for _ in range(TRIES):
        page.wait_for_timeout(300)
        before = spent()
        act()
        page.wait_for_timeout(rest)
        took.append(spent() - before)
    return float(min(took))


def saved(page: Any, key: str) -> None:
    """Press a key that changes the page, and wait until the answer is shown."""
    with page.expect_response(lambda answer: "/corrections" in answer.url):
        page.keyboard.press(key)
    page.wait_for_function("() => /Saved|Undone/.test(document.getElementById('told').textContent)")


@pytest.mark.parametrize("words", ALLOWED)
def test_pages_of_many_words_are_quick(site: Site, record_property: Any, words: int):
    document_id = site.portal.document(
        site.ada, [dense_page(words)], filename="dense.pdf", data=(EXAMPLES / "report.pdf").read_bytes()
    )
    page, spent = opened(site, f"/documents/{document_id}/pages/1", ".desk[data-ready]")
    views = {"page": spent(), "painted": page.evaluate("window.painted") / 1000}
    press = page.keyboard.press
    page.locator(".desk").focus()
    took = {"zoom": least(page, spent, lambda: press("+"))}
    page.get_by_label("Words", exact=True).check()
    page.locator(".desk").focus()
    took["zoom with words"] = least(page, spent, lambda: press("-"))
    bench, spent = opened(site, f"/documents/{document_id}/pages/1/review", "#bench[data-ready]")
    views["bench"] = spent()
    press = bench.keyboard.press
    took["next word"] = least(bench, spent, lambda: press("ArrowDown"))
    took["type"] = least(bench, spent, lambda: press("a"))
    press("ArrowDown")
    took["accept"] = least(bench, spent, lambda: saved(bench, "Enter"))
    took["undo"] = least(bench, spent, lambda: saved(bench, "Alt+z"))
    record_property("seconds", {name: round(value, 3) for name, value in (views | took).items()})
    print(words, {name: round(value, 3) for name, value in (views | took).items()})
    assert views["page"] < FIRST_VIEW
    assert views["bench"] < FIRST_VIEW
    assert [name for name, value in took.items() if value >= ALLOWED[words] * INTERACTION] == []
    assert site.complaints == []
