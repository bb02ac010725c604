import pytest
from sqlalchemy import select

from docproc.errors import Forbidden, NotFound, Rejected
from docproc.store import access, shares, users
from docproc.store.access import Principal
from docproc.store.tables import DocumentRow, utc_now

KINDS = ("own", "public", "read-share", "write-share", "private", "trash")


@pytest.fixture
def world(database):
    """A document of each kind, seen from `eve`; all but the first are `ada`'s."""
    with database.write() as session:
        ada, eve = users.add(session, "ada", "reviewer"), users.add(session, "eve", "reviewer")
        rows = {kind: document(session, eve if kind == "own" else ada) for kind in KINDS}
        rows["public"].public = True
        rows["trash"].deleted_at = utc_now()
        shares.give(session, rows["read-share"], "eve", may_write=False)
        shares.give(session, rows["write-share"], "eve", may_write=True)
        shares.give(session, rows["trash"], "eve", may_write=True)
    return {kind: row.id for kind, row in rows.items()}, eve


def document(session, owner):
    row = DocumentRow(owner_id=owner.id, sha256="0" * 64, filename="a.pdf", media_type="application/pdf", size=1)
    session.add(row)
    session.flush()
    return row


def outcome(database, who, document_id, action, *, trash=False):
    with database.read() as session:
        try:
            return access.document(session, who, document_id, action, trash=trash).id == document_id
        except (Forbidden, NotFound) as error:
            return error.code


REVIEWER = {
    "own": (True, True, True),
    "public": (True, "forbidden", "forbidden"),
    "read-share": (True, "forbidden", "forbidden"),
    "write-share": (True, True, "forbidden"),
    "private": ("not-found",) * 3,
    "trash": ("not-found",) * 3,
}


def test_what_a_reviewer_may(database, world):
    ids, eve = world
    who = users.principal(eve)
    for kind, expected in REVIEWER.items():
        assert tuple(outcome(database, who, ids[kind], action) for action in ("read", "write", "own")) == expected, (
            kind
        )


@pytest.mark.parametrize(("role", "scope"), [("viewer", "admin"), ("reviewer", "read"), ("admin", "read")])
def test_a_viewer_and_a_token_to_read_only_read(database, world, role, scope):
    ids, eve = world
    who = Principal(eve.id, "eve", role, scope)
    for kind, expected in REVIEWER.items():
        assert outcome(database, who, ids[kind], "read") == expected[0]
        for action in ("write", "own"):
            assert outcome(database, who, ids[kind], action) in ("forbidden", "not-found")


def test_an_admin_may_everything_unless_the_token_is_less(database, world):
    ids, eve = world
    for kind in KINDS:
        who = Principal(eve.id, "eve", "admin")
        assert outcome(database, who, ids[kind], "own", trash=kind == "trash") is True
    assert outcome(database, Principal(eve.id, "eve", "admin", "write"), ids["private"], "read") == "not-found"


def test_the_trash_is_its_owners(database, world):
    ids, eve = world
    with database.read() as session:
        owner = session.get_one(DocumentRow, ids["trash"]).owner_id
    assert outcome(database, Principal(owner, "ada", "reviewer"), ids["trash"], "own", trash=True) is True
    assert outcome(database, users.principal(eve), ids["trash"], "read", trash=True) == "not-found"
    assert outcome(database, Principal(owner, "ada", "reviewer"), ids["own"], "read", trash=True) == "not-found"


@pytest.mark.parametrize("role", ["viewer", "reviewer", "admin"])
@pytest.mark.parametrize("scope", ["read", "write", "admin"])
@pytest.mark.parametrize("trash", [False, True])
def test_lists_show_exactly_what_may_be_read(database, world, role, scope, trash):
    ids, eve = world
    who = Principal(eve.id, "eve", role, scope)
    with database.read() as session:
        shown = set(session.scalars(select(DocumentRow.id).where(access.visible(who, trash=trash))))
    may_read = {one for one in ids.values() if outcome(database, who, one, "read", trash=trash) is True}
    assert shown == may_read
    assert len(shown) == {False: 5 if who.may("admin") else 4, True: int(who.may("admin"))}[trash]


def test_sharing_again_changes_what_they_may_and_taking_it_back_ends_it(database, world):
    ids, eve = world
    with database.write() as session:
        row = session.get_one(DocumentRow, ids["read-share"])
        shares.give(session, row, "EVE", may_write=True)
        assert [(one.name, one.may_write) for one in shares.listing(session, row)] == [("eve", True)]
    assert outcome(database, users.principal(eve), ids["read-share"], "write") is True
    with database.write() as session:
        shares.take(session, session.get_one(DocumentRow, ids["read-share"]), "eve")
    assert outcome(database, users.principal(eve), ids["read-share"], "read") == "not-found"


def test_what_cannot_be_shared(database, world):
    ids, _ = world
    with database.write() as session:
        row = session.get_one(DocumentRow, ids["own"])
        with pytest.raises(Rejected):
            shares.give(session, row, "eve", may_write=True)
        with pytest.raises(NotFound):
            shares.give(session, row, "nobody", may_write=True)
        with pytest.raises(NotFound):
            shares.take(session, row, "ada")


def test_messages_say_what_to_do():
    with pytest.raises(Forbidden, match="Ask an admin"):
        access.require(Principal("1", "eve", "viewer"), "write")
    with pytest.raises(Forbidden, match="docproc user token --scope write"):
        access.require(Principal("1", "eve", "admin", "read"), "write")
