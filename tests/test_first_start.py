"""What `docproc serve` does at its first start: a link for the admin, examples that nobody has to wait for."""

from pathlib import Path

from docproc.settings import Settings
from docproc.store import documents, jobs, sessions
from docproc.store.access import Principal, visible
from docproc.store.documents import Incoming
from docproc.store.files import Files
from web import first_start


def test_examples_are_handed_in_and_ones_own_file_is_read_before_them(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / "data")
    database = first_start.prepare(settings)
    admin, link = first_start.welcome(database)
    assert admin
    assert link
    first_start.add_sample(settings, database, admin)
    own = tmp_path / "own.pdf"
    own.write_bytes(b"%PDF-1.4 own")
    with own.open("rb") as file:
        stored = Files(settings).put(file, limit=1000)
    with database.write() as session:
        incoming = Incoming(filename="own.pdf", media_type="application/pdf")
        document_id = documents.add(session, admin.id, stored, incoming)[0].id
    claimed = jobs.claim(database, ["cpu"], "tester", settings)
    assert claimed
    assert claimed.document_id == document_id
    with database.read() as session:
        assert documents.labels(session, visible(Principal(admin.id, admin.name, "admin"))) == [("example", 3)]
    database.close()


def test_while_nobody_signed_in_every_start_makes_a_link(tmp_path: Path):
    database = first_start.prepare(Settings(data_dir=tmp_path))
    first, again = first_start.welcome(database), first_start.welcome(database)
    assert first[0]
    assert again[0] is None
    assert first[1] != again[1]
    with database.write() as session:
        assert sessions.redeem(session, again[1] or "", "192.0.2.1")
    assert first_start.welcome(database) == (None, None)
    database.close()
