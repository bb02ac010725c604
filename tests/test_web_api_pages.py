"""Pages, pictures, exports and events of documents whose pages are read one after the other."""

import io
import json
import threading
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image
from web_client import EXAMPLES, Client, Service

from docproc.document import Line, Page, Region, Tile, Word
from docproc.exports import EXPORTS
from docproc.geometry import Box
from docproc.store import documents, events, jobs, readings
from docproc.store.tables import PageRow, Run
from web.api import events as stream
from web.grid import Grid

REPORT = (EXAMPLES / "report.pdf").read_bytes()
PNG = (EXAMPLES / "page-with-boxes.png").read_bytes()


def page(number: int, text: str = "Hello world", rotation: int = 0) -> Page:
    box = Box(72.0, 90.0, 200.0, 104.0)
    corners = ((72.0, 90.0), (200.0, 90.0), (200.0, 104.0), (72.0, 104.0))
    word = Word("w1", text, box, corners, 0.9)
    line = Line("l1", text, box, corners, 0.9, (word,))
    region = Region("r1", "text", box, 0, 0.9, ("l1",))
    tiles = (Tile(Box(0, 0, 595, 842), 2.0),)
    return Page(number, 595.0, 842.0, rotation, tiles=tiles, lines=(line,), regions=(region,))


class Work:
    """Does by hand what a worker does: counts the pages, reads one, ends the document."""

    def __init__(self, service: Service, document_id: str) -> None:
        self.service, self.document_id = service, document_id

    def count(self, pages: int) -> None:
        with self.service.database.write() as session:
            row = documents.get(session, self.document_id)
            run = session.get_one(Run, row.run_id)
            row.page_count = run.page_count = run.remaining = pages
            row.status = run.status = "running"
            session.add_all(PageRow(run_id=run.id, number=number) for number in range(1, pages + 1))

    def read(self, number: int, **more: Any) -> None:
        with self.service.database.write() as session:
            row = documents.get(session, self.document_id)
            state = session.get_one(PageRow, (row.run_id, number))
            state.status, state.width, state.height = "done", 595.0, 842.0
            session.get_one(Run, row.run_id).remaining -= 1
            readings.save(session, row.run_id or "", number, page(number, **more))
            events.emit(session, row.id, "page", {"number": number, "status": "done"})

    def fail(self, number: int) -> None:
        with self.service.database.write() as session:
            row = documents.get(session, self.document_id)
            state = session.get_one(PageRow, (row.run_id, number))
            session.get_one(Run, row.run_id).remaining -= 1
            state.status, state.problem = "failed", {"code": "parser-crash", "message": "It broke.", "hint": "Retry."}

    def end(self, status: Any = "done") -> None:
        with self.service.database.write() as session:
            row = documents.get(session, self.document_id)
            run = session.get_one(Run, row.run_id)
            row.status = run.status = status
            run.engines = {"ocr": "fake 1"}
            events.emit(session, row.id, "document", {"status": status})


@pytest.fixture
def work(service: Service, anna: Client) -> Work:
    return Work(service, anna.upload(REPORT, "Prüf „1“.pdf").json["id"])


def told(body: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Return (id, event, data) of a stream."""
    found = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_page_one_is_readable_while_others_wait(anna: Client, work: Work):
    where = f"/documents/{work.document_id}"
    answer = anna.get(f"{where}/pages/1")
    assert (answer.status_code, answer.json["code"]) == (409, "not-counted")
    work.count(3)
    work.read(1)
    work.fail(2)
    first = anna.get(f"{where}/pages/1")
    assert first.status_code == 200
    assert first.json["lines"][0]["words"][0]["text"] == "Hello world"
    assert first.json["lines"][0]["box"] == [72.0, 90.0, 200.0, 104.0]
    assert anna.get(f"{where}/pages/1", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert anna.get(f"{where}/pages/2").json["problems"][0]["code"] == "parser-crash"
    waiting = anna.get(f"{where}/pages/3")
    assert (waiting.status_code, waiting.json["code"]) == (409, "not-read")
    assert anna.get(f"{where}/pages/4").status_code == 404
    assert anna.get(f"{where}/pages/0").status_code == 422
    assert anna.get(f"{where}/pages/99999999999999999999").status_code in {404, 422}
    detail = anna.get(where).json
    assert detail["progress"] == {"pages": 3, "finished": 2, "done": 1, "failed": 1, "fraction": pytest.approx(2 / 3)}
    assert [one["status"] for one in detail["pages"]] == ["done", "failed", "queued"]
    assert detail["pages"][0]["width"] == 595.0
    assert detail["pages"][1]["problem"]["message"] == "It broke."


def test_a_correction_changes_the_tag_and_the_page(anna: Client, work: Work):
    where = f"/documents/{work.document_id}/pages/1"
    work.count(1)
    work.read(1)
    work.end()
    tag = anna.get(where).headers["ETag"]
    export = anna.get(f"/documents/{work.document_id}/exports/text")
    operation = {"op": "replace", "id": "w1", "text": "Good evening"}
    corrected = anna.post(f"{where}/corrections", json=[operation], headers={"If-Match": tag})
    assert corrected.status_code == 200, corrected.text
    after = anna.get(where, headers={"If-None-Match": tag})
    assert after.status_code == 200
    assert after.headers["ETag"] != tag
    again = anna.get(f"/documents/{work.document_id}/exports/text", headers={"If-None-Match": export.headers["ETag"]})
    assert again.status_code == 200
    assert again.text != export.text


def test_the_picture_of_a_page(service: Service, anna: Client, work: Work):
    where = f"/documents/{work.document_id}/pages/1/image"
    assert anna.get(where).json["code"] == "not-counted"
    work.count(2)
    drawn = anna.get(f"{where}?width=300")
    assert (drawn.status_code, drawn.mimetype) == (200, "image/jpeg")
    assert "private" in drawn.headers["Cache-Control"]
    upright = Image.open(io.BytesIO(drawn.data))
    assert upright.width == 300
    work.read(1, rotation=90)
    turned = Image.open(io.BytesIO(anna.get(f"{where}?width=300").data))
    assert turned.width == 300
    assert turned.height < turned.width < upright.height, "it lies on its side, as the reading says"
    files = list((service.settings.data_dir / "cache" / "pages").rglob("*.jpg"))
    assert len(files) == 2
    files[0].write_bytes(b"kept")
    files[1].write_bytes(b"kept")
    kept = anna.get(f"{where}?width=300")
    assert kept.data == b"kept", "it is drawn once"
    assert anna.get(f"{where}?width=300", headers={"If-None-Match": kept.headers["ETag"]}).status_code == 304
    assert anna.get(f"{where}?width=1").status_code == 422
    assert anna.get(f"{where}?width=100000").status_code == 422


def test_the_picture_of_a_part(anna: Client, work: Work):
    work.count(1)
    where = f"/documents/{work.document_id}/pages/1/image?width=400"
    whole = Image.open(io.BytesIO(anna.get(where).data)).convert("L")
    part = Image.open(io.BytesIO(anna.get(f"{where}&box=72,50,272,100.5").data)).convert("L")
    assert (part.width, part.height) == (400, pytest.approx(101, abs=2))
    scale = whole.width / 595
    there = whole.crop((round(72 * scale), round(50 * scale), round(272 * scale), round(100.5 * scale)))
    assert np.abs(np.asarray(part.resize(there.size), float) - np.asarray(there, float)).mean() < 12
    for wrong in ("1,2,3", "5,5,1,9", "1,1,1,9", "0,0,x,9", "900,10,950,20", "0,0,999999,5"):
        assert anna.get(f"{where}&box={wrong}").status_code == 422, wrong


def test_the_squares_of_a_page_are_its_picture(service: Service, anna: Client, work: Work):
    where = f"/documents/{work.document_id}/pages/1/tiles"
    work.count(1)
    assert anna.get(f"{where}/0/0/0").json["code"] == "not-read"
    work.read(1)
    grid = Grid.of(595.0, 842.0)
    assert (grid.dpi, grid.levels) == (76, 3)
    squares = {}
    for row in range(3):
        for column in range(2):
            answer = anna.get(f"{where}/1/{column}/{row}")
            assert answer.status_code == (200 if row < 2 else 404), (column, row)
            if row < 2:
                squares[column, row] = Image.open(io.BytesIO(answer.data))
    assert squares[0, 0].size == (896, 896)
    high = squares[0, 0].height + squares[0, 1].height
    whole = Image.new("L", (squares[0, 0].width + squares[1, 0].width, high))
    for (column, row), square in squares.items():
        whole.paste(square.convert("L"), (column * 896, row * 896))
    assert whole.size == (pytest.approx(595 * 152 / 72, abs=2), pytest.approx(842 * 152 / 72, abs=2))
    drawn = Image.open(io.BytesIO(anna.get(f"/documents/{work.document_id}/pages/1/image?width={whole.width}").data))
    there = np.asarray(drawn.convert("L").resize(whole.size), float)
    assert np.abs(there - np.asarray(whole, float)).mean() < 3
    first = anna.get(f"{where}/1/0/0")
    assert anna.get(f"{where}/1/0/0", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    run = anna.get(f"/documents/{work.document_id}").json["run"]
    assert "immutable" in anna.get(f"{where}/1/0/0?v={run}").headers["Cache-Control"]
    assert "immutable" not in anna.get(f"{where}/1/0/0?v=old").headers["Cache-Control"]
    for wrong in ("3/0/0", "0/1/0", "0/0/1", "1/9999/0"):
        assert anna.get(f"{where}/{wrong}").status_code == 404, wrong


def test_a_grid_is_bounded_however_large_the_page():
    for width, height in ((1, 1), (595, 842), (2384, 3370), (14400, 14400), (50, 90000)):
        grid = Grid.of(width, height)
        finest = grid.dpi_at(grid.levels - 1)
        assert 1 <= finest <= 600
        assert grid.levels == 1 or width * height * (finest / 72) ** 2 <= 120_000_000
        assert grid.has(0, 0, 0)
        assert not grid.has(grid.levels, 0, 0)


def test_no_picture_for_those_who_may_not_see_it(service: Service, anna: Client, work: Work):
    work.count(1)
    anna.get(f"/documents/{work.document_id}/pages/1/image?width=100")
    bert = service.client("bert")
    for path in (
        "/pages/1",
        "/pages/1/image?width=100",
        "/pages/1/tiles/0/0/0",
        "/exports/text",
        "/original",
        "/events",
    ):
        assert bert.get(f"/documents/{work.document_id}{path}").status_code == 404


def test_a_picture_of_what_cannot_be_drawn_is_a_clear_error(service: Service, anna: Client):
    broken = Work(service, anna.upload(b"%PDF-1.7\nnothing of use").json["id"])
    broken.count(1)
    answer = anna.get(f"/documents/{broken.document_id}/pages/1/image")
    assert answer.status_code == 422
    assert answer.json["detail"]


@pytest.mark.parametrize("name", list(EXPORTS))
def test_every_export(anna: Client, work: Work, name: str):
    where = f"/documents/{work.document_id}/exports/{name}"
    early = anna.get(where)
    assert (early.status_code, early.json["code"]) == (409, "not-finished")
    work.count(1)
    assert "0 of 1 pages" in anna.get(where).json["detail"]
    work.read(1)
    work.end()
    answer = anna.get(where)
    if answer.status_code == 503:
        pytest.skip(answer.json["detail"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == EXPORTS[name].media_type
    disposition = answer.headers["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "filename*=UTF-8''Pr%C3%BCf%20%E2%80%9E1%E2%80%9C" in disposition
    assert disposition.isascii()
    assert answer.data[:4] == b"%PDF" if name.startswith("pdf") else b"Hello" in answer.data
    assert anna.get(where, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_exports_of_what_is_partly_read(anna: Client, work: Work):
    where = f"/documents/{work.document_id}/exports/text"
    work.count(3)
    work.read(1)
    work.fail(2)
    refused = anna.get(where)
    assert (refused.status_code, refused.json["code"]) == (409, "not-finished")
    assert "1 of 3 pages" in refused.json["detail"]
    assert "Hello world" in anna.get(f"{where}?partial=true").text
    work.end("partial")
    assert anna.get(where).status_code == 200
    unknown = anna.get(f"/documents/{work.document_id}/exports/docx")
    assert unknown.status_code == 404
    assert "markdown" in unknown.json["hint"]


def test_the_reading_that_is_shown_stays_exportable_while_it_is_read_again(anna: Client, work: Work):
    work.count(1)
    work.read(1)
    work.end()
    with work.service.database.write() as session:
        jobs.start(session, documents.get(session, work.document_id), anna.user_id, {}, 0)
    assert anna.get(f"/documents/{work.document_id}").json["status"] == "queued"
    assert "Hello world" in anna.get(f"/documents/{work.document_id}/exports/text").text


def test_the_original_comes_back_byte_for_byte(anna: Client, work: Work):
    where = f"/documents/{work.document_id}/original"
    answer = anna.get(where)
    assert answer.data == REPORT
    assert answer.headers["Content-Disposition"].startswith("attachment")
    part = anna.get(where, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.data) == (206, b"%PDF")


def test_events_come_in_order_and_go_on_where_they_stopped(anna: Client, work: Work):
    where = f"/documents/{work.document_id}/events"
    work.count(2)
    work.read(1)
    work.read(2)
    work.end()
    everything = anna.get(where)
    assert everything.mimetype == "text/event-stream"
    assert everything.text.startswith("retry: ")
    found = told(everything.text)
    numbers = [number for number, _, _ in found]
    assert numbers == sorted(numbers)
    assert [(kind, data.get("number")) for _, kind, data in found[-3:]] == [
        ("page", 1),
        ("page", 2),
        ("document", None),
    ]
    assert found[-1][2]["status"] == "done"
    assert told(anna.get(where, headers={"Last-Event-ID": str(numbers[-2])}).text) == found[-1:]
    assert told(anna.get(f"{where}?after={numbers[-2]}").text) == found[-1:]
    assert anna.get(f"{where}?after={numbers[-1]}").status_code == 204, "browsers stop coming back"
    assert anna.get(where, headers={"Last-Event-ID": "x"}).status_code == 422


def test_events_are_told_as_they_happen(anna: Client, work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stream, "EVERY", 0.05)
    work.count(2)
    seen: list[tuple[float, str]] = []

    def watch() -> None:
        answer = anna.get(f"/documents/{work.document_id}/events", buffered=False)
        for chunk in answer.response:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            seen.extend((time.monotonic(), kind) for _, kind, _ in told(text))
        answer.close()

    watcher = threading.Thread(target=watch)
    watcher.start()
    time.sleep(0.4)
    work.read(1)
    time.sleep(0.4)
    assert watcher.is_alive()
    assert [kind for _, kind in seen][-1] == "page"
    work.read(2)
    work.end()
    watcher.join(5)
    assert not watcher.is_alive()
    assert [kind for _, kind in seen][-3:] == ["page", "page", "document"]


def test_a_stream_ends_after_a_while_and_there_are_only_so_many(
    anna: Client, work: Work, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stream, "LONGEST", 0.3)
    monkeypatch.setattr(stream, "EVERY", 0.05)
    monkeypatch.setattr(stream, "_slots", threading.BoundedSemaphore(1))
    where = f"/documents/{work.document_id}/events"
    began = time.monotonic()
    assert told(anna.get(where).text)[-1][1] == "document"
    assert time.monotonic() - began < 3
    open_one = anna.get(where, buffered=False)
    refused = anna.get(where)
    assert (refused.status_code, refused.json["code"]) == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) > 0
    open_one.close()
    assert anna.get(where).status_code == 200, "a stream that was left frees its place"
