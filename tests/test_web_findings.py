"""The portal's page about findings: what is asked by a form, what came of it, who may."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_site import Person, Portal
from search_pages import page as made_page
from services import empty

from docproc.findings import Finding
from docproc.geometry import Box
from docproc.settings import Settings
from docproc.store import jobs, shares
from docproc.store.database import Database
from docproc.store.findings import Outcome
from docproc.store.tables import DocumentRow

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def portal(database_urls: dict[str, str], tmp_path: Path) -> Iterator[Portal]:
    database = Database(Settings(database_url=database_urls["sqlite"]))
    made = Portal(database, tmp_path, vision_engine="fake", vision_model="x")
    yield made
    made.close()
    empty(database)
    database.close()


@pytest.fixture
def ada(portal: Portal) -> Person:
    return portal.person("ada")


@pytest.fixture
def path(portal: Portal, ada: Person) -> str:
    return f"/documents/{portal.document(ada, [made_page('Dear Mr Falk')])}/findings"


def answer(portal: Portal, **outcome: object) -> None:
    """Do the job that waits."""
    held = jobs.claim(portal.database, ["gpu"], "w", portal.settings)
    assert held is not None
    [asked] = jobs.asked(portal.database, held)
    assert jobs.found(portal.database, held, [Outcome(asked.id, **outcome)], "fake 1")  # type: ignore[arg-type]


def test_what_is_asked_by_the_form_appears_with_what_was_found(portal: Portal, ada: Person, path: str):
    assert "Nothing was asked yet" in ada.see(path)
    page = ada.act(path, {"task": "detect", "prompt": "stamp"})
    assert "It is asked" in page
    assert "1 page to go" in page
    assert 'data-live="poll"' in page
    box = Box(1, 2, 30, 40)
    finding = Finding(task="detect", prompt="detect stamp", page=1, label=EVIL, box=box, confidence=0.87)
    answer(portal, findings=[finding], invalid=2)
    page = ada.see(path)
    assert "87 %" in page
    assert "2 objects made no sense" in page
    assert EVIL not in page
    assert "&lt;script&gt;alert" in page
    assert 'data-live="poll"' not in page
    assert path in ada.see(path.removesuffix("/findings")), "the document leads to it"


def test_problems_are_told_and_requests_forgotten(portal: Portal, ada: Person, path: str):
    ada.act(path, {"task": "caption"})
    answer(portal, problem={"code": "usage", "message": "It was not trained for that.", "hint": "Take another."})
    page = ada.see(path)
    assert "Page 1: It was not trained for that. Take another." in page
    [forget] = [part.split('"')[0] for part in page.split('action="') if "/forget" in part.split('"')[0]]
    assert "Nothing was asked yet" in ada.act(forget)
    ada.send(forget, status=404)


def test_what_makes_no_sense_is_told_on_the_page(ada: Person, path: str):
    assert "needs things in `prompt`" in ada.act(path, {"task": "detect", "prompt": " ; "})
    assert "Nothing was asked yet" in ada.see(path)


def test_readers_see_and_cannot_ask(portal: Portal, ada: Person, path: str):
    bob = portal.person("bob")
    bob.see(path, 404)
    with portal.database.write() as session:
        row = session.get_one(DocumentRow, path.split("/")[2])
        shares.give(session, row, "bob", may_write=False)
    assert "<form class" not in bob.see(path)
    bob.send(path, {"task": "caption"}, status=403)


def test_without_a_model_there_is_no_form(portal: Portal, ada: Person, path: str, tmp_path: Path):
    bare = Portal(portal.database, tmp_path / "bare")
    eve = bare.person("eve")
    own = bare.document(eve, [made_page("Dear")])
    assert "has no vision model" in eve.see(f"/documents/{own}/findings")
    assert "has no vision model" in eve.act(f"/documents/{own}/findings", {"task": "caption"})
    bare.close()
