"""The first minutes with docproc, from nothing: `docproc serve`, its examples, the real engines, two people."""

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymupdf
import pytest
from browser_live import PLACES, Live, serving, until
from browser_site import expect

from docproc.store import users

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def fresh(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("fresh")
    with serving(chromium, folder, DOCPROC_WEBHOOK_NETWORKS="127.0.0.0/8") as made:
        yield made


@pytest.fixture(scope="module")
def scan_id(fresh: Live) -> str:
    """Wait until all examples are read; return which is the scan."""
    page = fresh.open()
    for name in ("invoice-scan.pdf", "invoice.pdf", "report.pdf"):
        page.locator(f'tr:has(a.name:text-is("{name}")) .chip.done').wait_for(timeout=300_000)
    return fresh.document("invoice-scan.pdf")


def api(page: Any, live: Live, path: str) -> Any:
    return page.request.get(f"{live.url}/api/v1{path}").json()


def test_the_link_signs_in_once_and_the_examples_are_there_to_play_with(fresh: Live, shots: Any):
    page = fresh.open(who="")
    page.goto(fresh.link)
    shots(page, "link")
    page.get_by_role("button", name="Sign in").click()
    expect(page, "text=You are signed in by a link")
    assert page.locator("table.list .name").all_inner_texts() == ["report.pdf", "invoice.pdf", "invoice-scan.pdf"]
    assert page.locator('table.list a.tag:has-text("example")').count() == 3
    expect(page, "#tour")
    shots(page, "documents")
    stranger = fresh.open(who="")
    stranger.goto(fresh.link)
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger, "text=This link was used before")
    page.get_by_role("link", name="Set a password").click()
    page.get_by_label("New password").fill("quite a long one")
    page.get_by_role("button", name="Save the password").click()
    expect(page, "text=The password is changed.")
    stranger.get_by_label("Name").fill("admin")
    stranger.get_by_label("Password").fill("quite a long one")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger, "h1:has-text('Documents')")
    assert stranger.locator("text=You are signed in by a link").count() == 0
    fresh.complaints = [text for text in fresh.complaints if "401" not in text]
    assert fresh.complaints == []


def test_boxes_a_word_an_answer_and_a_correction_within_minutes(fresh: Live, scan_id: str, shots: Any):
    page = fresh.open()
    page.get_by_role("link", name="invoice-scan.pdf").click()
    page.locator("ol.pages a").first.click()
    desk = expect(page, ".desk[data-ready]")
    page.wait_for_timeout(500)
    bare = desk.screenshot()
    page.get_by_label("Words", exact=True).check()
    page.mouse.move(0, 0)
    until(lambda: desk.screenshot() != bare, 20)
    shots(page, "boxes")

    page.locator("#find").fill("Sandoval")
    page.keyboard.press("Enter")
    expect(page, "#results > ol mark:text-is('Sandoval')")
    shots(page, "search")
    page.locator("#results h2 a").first.click()
    expect(page, ".marks .hit")
    reading = api(page, fresh, f"/documents/{scan_id}/pages/1")
    said = {tuple(word["box"]) for line in reading["lines"] for word in line["words"] if "Sandoval" in word["text"]}
    painted = page.locator(".marks .hit").evaluate_all(PLACES)
    assert len(painted) == len(said)
    for one, two in zip(sorted(painted), sorted(said), strict=True):
        assert one == pytest.approx(two, abs=0.6)
    shots(page, "hit")

    page.get_by_label("Question").fill("What is the total?")
    page.get_by_role("button", name="Ask").click()
    answer = expect(page, ".answer .said").inner_text()
    expect(page, ".marks .evidence")
    assert re.search(r"\d", answer)
    assert page.url.rpartition("#")[2].startswith("evidence=")
    shots(page, "answer")

    desk.focus()
    page.keyboard.press("0")
    page.wait_for_timeout(800)  # the picture comes to rest
    line = page.locator('.text-layer span:has-text("Tilda Sandoval")').bounding_box()
    page.mouse.click(line["x"] + line["width"] * 0.7, line["y"] + line["height"] / 2)
    expect(page, "#word-card")
    page.get_by_role("link", name="Correct it").click()
    expect(page, "#bench[data-ready]")
    assert "Sandoval" in page.locator("#said").input_value()
    page.locator("#said").fill("Sandokan")
    shots(page, "bench")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('told').textContent.includes('Saved')")
    page.goto(f"{fresh.url}/search?q=sandokan")
    expect(page, "#results > ol mark:text-is('Sandokan')")
    exported = page.request.get(f"{fresh.url}/api/v1/documents/{scan_id}/exports/pdf").body()
    with pymupdf.open("pdf", exported) as pdf:
        assert "Sandokan" in pdf[0].get_text()
    assert fresh.complaints == []


def test_what_is_alike_in_meaning_stands_apart_from_the_words(fresh: Live, scan_id: str, shots: Any):
    page = fresh.open()

    def alike() -> Any:  # vectors are made when nothing else is to be done
        page.goto(f"{fresh.url}/search?q=where+does+the+water+get+lost")
        return page.locator(".alike h3 a").all_inner_texts()

    assert any(name.startswith("report.pdf") for name in until(alike))
    assert page.locator("#results > ol").count() == 0
    expect(page, "text=No page holds this.")
    shots(page, "alike")
    page.goto(f"{fresh.url}/search?q=leakage")
    exact = page.locator("#results > ol h2 a").all_inner_texts()
    assert exact
    assert not {*exact} & {*page.locator(".alike h3 a").all_inner_texts()}
    page.goto(f"{fresh.url}/search?q=who+sent+the+bill?")
    page.get_by_role("button", name="ask it").click()
    expect(page, "#ask .answer .said")
    assert fresh.complaints == []


def test_words_to_look_at_become_fewer_until_the_page_is_good_enough(fresh: Live, scan_id: str):
    page = fresh.open(f"/documents/{scan_id}/pages/1/review")
    expect(page, "#bench[data-ready]")

    def expected() -> tuple[float, int]:
        """The share of words that are right by their confidences, and how many it takes to make it 99.5 %."""
        lines = api(page, fresh, f"/documents/{scan_id}/pages/1")["lines"]
        doubts = sorted((1 - (word["confidence"] or 1) for line in lines for word in line["words"]), reverse=True)
        takes = next(count for count in range(len(doubts)) if sum(doubts[count:]) / len(doubts) <= 0.005)
        return 1 - sum(doubts) / len(doubts), takes

    share, takes = expected()
    told = page.locator("#target").inner_text()
    assert told.startswith(f"{share * 100:.1f} % of the words")
    assert (f"{takes} more looked at makes it 99.5 %" in told) == bool(takes)
    before = page.locator("#said").input_value()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('told').textContent.includes('Saved')")
    again, still = expected()
    assert before
    assert again > share
    assert still <= takes
    page.wait_for_function("(begins) => document.getElementById('target').textContent.startsWith(begins)",
                           arg=f"{again * 100:.1f} %")  # fmt: skip
    assert fresh.complaints == []


def test_two_reviewers_disagree_and_the_figures_tell_what_came_of_it(fresh: Live, scan_id: str, shots: Any):
    fresh.secret("ben")
    page = fresh.open(f"/documents/{scan_id}")
    page.get_by_label("Name of a user").fill("ben")
    page.get_by_label("may change it").check()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page, "text=ben may change it now.")
    page.goto(f"{fresh.url}/documents/{scan_id}/pages/1/review")
    expect(page, "#bench[data-ready]")
    page.keyboard.press("Alt+a")
    page.wait_for_url(lambda url: f"{scan_id}/pages/1" not in url)
    ben = fresh.open("/review?show=second", "ben")
    ben.locator("#tasks a.name").click()
    expect(ben, "#bench[data-ready]")
    assert "admin: approved" in ben.locator("#opinions").inner_text()
    ben.keyboard.press("Alt+r")
    ben.wait_for_url(lambda url: f"{scan_id}/pages/1" not in url)
    for one in (page, ben):
        one.goto(f"{fresh.url}/review?show=disagreements")
        assert one.locator("#tasks a.name").all_inner_texts() == ["invoice-scan.pdf, page 1"]
        assert {*one.locator("#tasks .chip").all_inner_texts()} == {"admin: approved", "ben: rejected"}
    shots(page, "disagreement")
    page.get_by_role("link", name="Figures").click()
    expect(page, "svg.plot")
    said = api(page, fresh, f"/documents/{scan_id}/pages/1/corrections")["items"]
    assert said
    wrong = [one for one in said if one["operation"]["text"] not in {was["text"] for was in one["anchor"].values()}]
    for name, count in (("looked", len(said)), ("wrong", len(wrong)), ("approved", 1)):
        bars = page.locator(f'[aria-labelledby="plot-{name}"] rect title').all_text_contents()
        assert [int(text.rpartition(": ")[2]) for text in bars] == [count], name
    lines = api(page, fresh, f"/documents/{scan_id}/pages/1")["lines"]
    words = sum(len(line["words"]) for line in lines)
    for name in ("by-engine", "by-type"):
        [point] = page.locator(f'[aria-labelledby="{name}"] circle title').all_text_contents()
        assert point.endswith(f": {len(wrong)} of {words} words")
    assert page.locator('[aria-labelledby="by-type"] thead th').first.inner_text() == "Type"
    assert page.locator('[aria-labelledby="by-type"] tbody th').inner_text().strip() == "application/pdf"
    shots(page, "figures")
    assert fresh.complaints == []


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A program that is told things: its address, and what it was told."""
    told: list[dict[str, Any]] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append({"id": self.headers["webhook-id"], **json.loads(body)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", told
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_messages_to_a_webhook_are_listed_and_sent_once_more(
    fresh: Live, scan_id: str, receiver: tuple[str, list[dict[str, Any]]], shots: Any
):
    address, told = receiver
    page = fresh.open("/webhooks")
    page.get_by_label("Address").fill(address)
    page.get_by_role("button", name="Add").click()
    assert expect(page, "#secret").input_value()
    page.goto(f"{fresh.url}/webhooks")
    assert page.locator("#secret").count() == 0
    page.get_by_role("link", name=address).click()
    page.get_by_role("button", name="Send a test").click()
    expect(page, "text=A test is sent")

    def arrived() -> Any:
        page.reload()
        return page.locator(".chip.done:text-is('delivered')").count()

    until(arrived)
    assert page.locator("td[data-label=Answer]").inner_text().startswith("204")
    page.locator("summary:has-text('What was sent')").click()
    assert '"type": "ping"' in page.locator("pre").inner_text()
    shots(page, "webhook")
    page.get_by_role("button", name="Send again").click()
    expect(page, "text=It is sent once more.")
    until(lambda: len(told) == 2)
    assert told[0]["id"] == told[1]["id"]
    assert fresh.complaints == []


def test_the_status_page_tells_what_reads_and_what_failed(fresh: Live, scan_id: str, tmp_path: Path):
    page = fresh.open()
    (tmp_path / "damaged.pdf").write_bytes(b"%PDF-1.4 nothing that could be opened")
    page.locator("#files").set_input_files(str(tmp_path / "damaged.pdf"))
    expect(page, "table.list .chip.rejected")
    page.goto(f"{fresh.url}/status")
    assert page.locator('[aria-label="Health"] .chip.done').count() == 4
    assert "damaged.pdf" in page.locator('[aria-labelledby="failed-title"]').inner_text()
    assert page.locator('[aria-labelledby="engines-title"] tbody tr').count() >= 2
    assert page.locator('[aria-labelledby="models-title"] tbody tr:has-text("missing")').count() == 0
    with fresh.write() as session:
        assert {user.name for user in users.listing(session)} == {"admin", "ben"}
    fresh.complaints = [text for text in fresh.complaints if "422" not in text]
    assert fresh.complaints == []
