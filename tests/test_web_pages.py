"""The portal: what people see, what their forms do to the store, and what files and scans cannot do to them."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from portal_site import Person, Portal
from search_pages import page as made_page
from services import empty
from web_client import EXAMPLES

from docproc.errors import NotFound
from docproc.settings import Settings
from docproc.store import access, documents, shares, users
from docproc.store.database import Database
from docproc.store.documents import Filter
from docproc.store.tables import AuditRow, DocumentRow

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


@pytest.fixture
def portal(database_urls: dict[str, str], tmp_path: Path) -> Iterator[Portal]:
    """On SQLite alone: pages ask the store's verbs, which have their own tests on PostgreSQL."""
    database = Database(Settings(database_url=database_urls["sqlite"]))
    made = Portal(database, tmp_path)
    yield made
    made.close()
    empty(database)
    database.close()


@pytest.fixture
def ada(portal: Portal) -> Person:
    return portal.person("ada")


@pytest.fixture
def letter_id(portal: Portal, ada: Person) -> str:
    return portal.document(ada, [made_page("Dear Mr Falk", "the water bill"), made_page("yours truly", number=2)])


class Dangers(HTMLParser):
    """Collects what our own pages never have: scripts and styles inline, handlers, script addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "style" or (tag == "script" and not dict(attrs).get("src")):
            self.found.append(f"{tag} without src")
        self.found += [f"{name} on {tag}" for name, _ in attrs if name.startswith("on") or name == "style"]
        self.found += [
            f"javascript: in {tag}" for _, value in attrs if (value or "").lower().startswith("javascript:")
        ]


def dangers(text: str) -> list[str]:
    parser = Dangers()
    parser.feed(text)
    return parser.found


def listed(portal: Portal, who: Person, *, trash: bool = False) -> list[DocumentRow]:
    with portal.database.read() as session:
        ways = access.ways(users.principal(users.get(session, who.user_id)), trash=trash)
        return [item.row for item in documents.page_of(session, ways, Filter(trash=trash)).items]


def test_without_signing_in_every_page_leads_to_the_form(portal: Portal, letter_id: str):
    client = portal.app.test_client()
    for path in ("/", "/trash", "/search?q=water", "/status", f"/documents/{letter_id}"):
        answer = client.get(path)
        assert answer.status_code == 303, path
        assert "/sign-in" in answer.headers["Location"]


def test_the_empty_list_says_what_to_do(ada: Person):
    text = ada.see("/")
    assert "Nothing here yet." in text
    assert 'type="file"' in text
    assert "multiple" in text


def test_several_files_are_handed_in_at_once_and_each_refusal_costs_itself(portal: Portal, ada: Person):
    report = (EXAMPLES / "report.pdf").read_bytes()
    files = [(BytesIO(report), "a.pdf"), (BytesIO(b"PK\x03\x04"), "b.docx"), (BytesIO(report + b"\n"), "c.pdf")]
    text = ada.act("/documents", {"file": files})
    assert "a.pdf is in the queue." in text
    assert "b.docx is not a PDF or an image that we read." in text
    assert sorted(row.filename for row in listed(portal, ada)) == ["a.pdf", "c.pdf"]
    assert "You have again.pdf already, as a.pdf." in ada.act("/documents", {"file": (BytesIO(report), "again.pdf")})
    assert len(listed(portal, ada)) == 2


def test_whoever_has_too_much_in_the_queue_is_asked_to_wait(portal: Portal, tmp_path: Path):
    full = Portal(portal.database, tmp_path, max_queued_pages=1)
    bert = full.person("bert")
    report = (EXAMPLES / "report.pdf").read_bytes()
    files = [(BytesIO(report), "a.pdf"), (BytesIO(report + b"\n"), "b.pdf")]
    text = bert.act("/documents", {"file": files})
    assert "a.pdf is in the queue." in text
    assert "the most that may" in text
    assert [row.filename for row in listed(full, bert)] == ["a.pdf"]
    full.close()


def test_an_upload_without_a_file_is_told(ada: Person):
    assert "Choose at least one file." in ada.act("/documents")


def test_a_viewer_hands_in_nothing(portal: Portal):
    viewer = portal.person("vera", "viewer")
    viewer.send("/documents", {"file": (BytesIO(b"%PDF-1.4"), "a.pdf")}, status=403)
    assert 'type="file"' not in viewer.see("/")
    assert listed(portal, viewer) == []


def test_a_form_from_elsewhere_does_nothing(portal: Portal, ada: Person, letter_id: str):
    answer = ada.client.post(f"/documents/{letter_id}/discard", data={"csrf_token": "0" * 64})
    assert answer.status_code == 403
    assert len(listed(portal, ada)) == 1


def test_the_list_filters_by_name_status_and_label(portal: Portal, ada: Person, letter_id: str):
    portal.hand_in(ada, "waiting invoice.pdf")
    ada.send(f"/documents/{letter_id}/label", {"label": "  tax   2024 "})
    text = ada.see("/")
    assert "letter.pdf" in text
    assert "waiting invoice.pdf" in text
    for query, there, missing in (
        ("name=INVOICE", "waiting invoice.pdf", "letter.pdf"),
        ("status=done", "letter.pdf", "waiting invoice.pdf"),
        ("label=tax+2024", "letter.pdf", "waiting invoice.pdf"),
    ):
        found = ada.see(f"/?{query}")
        assert there in found, query
        assert missing not in found, query
    assert "No document fits these filters." in ada.see("/?name=nothing")


def test_the_list_goes_on_by_cursor_and_keeps_its_filters(portal: Portal, ada: Person):
    for number in range(27):
        portal.hand_in(ada, f"file {number:02}.pdf")
    first = ada.see("/?name=file")
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    assert "name=file" in following[1]
    second = ada.see(following[1].replace("&amp;", "&"))
    names = re.findall(r'class="name"[^>]*>([^<]+)<', first + second)
    assert names == [f"file {number:02}.pdf" for number in reversed(range(27))]


def test_progress_is_shown_while_pages_are_read(portal: Portal, ada: Person):
    document_id = portal.hand_in(ada)
    assert "waiting to be opened" in ada.see("/")
    portal.plan(3)
    portal.read([made_page("one")])
    for path in ("/", f"/documents/{document_id}"):
        text = ada.see(path)
        assert "1 of 3 pages read" in text, path
        assert "data-live" in text, path
    portal.read([made_page("two", number=2), made_page("three", number=3)])
    portal.finish()
    for path in ("/", f"/documents/{document_id}"):
        assert "data-live" not in ada.see(path), path


def test_a_document_shows_its_pages_downloads_and_why_one_failed(portal: Portal, ada: Person):
    document_id = portal.document(ada, [made_page("one"), None])
    text = ada.see(f"/documents/{document_id}")
    assert "Partly read" in text
    assert "The reader crashed on this page." in text
    assert "1 page could not be read" in text
    for name in ("text", "markdown", "json", "hocr", "alto", "page", "pdf", "pdfa", "docling"):
        assert f"/exports/{name}?partial=true" in text
    failed = ada.see(f"/documents/{document_id}/pages/2")
    assert "The reader crashed on this page." in failed
    assert "Try it again." in failed
    assert "Read it again first." in ada.see(f"/documents/{document_id}/pages/2/review", status=409)


def test_a_page_that_is_not_read_yet_is_not_reviewed(portal: Portal, ada: Person):
    document_id = portal.hand_in(ada)
    portal.plan(2)
    portal.read([made_page("one")])
    assert "not read yet" in ada.see(f"/documents/{document_id}/pages/2/review", status=409)
    assert "Approve this page" in ada.see(f"/documents/{document_id}/pages/1/review")


def test_every_download_link_leads_to_a_file(portal: Portal, ada: Person, letter_id: str):
    links = re.findall(r'href="(/api/v1/documents/[^"]+)" download', ada.see(f"/documents/{letter_id}"))
    assert len(links) == 10
    for link in links:
        if "pdf" not in link:  # the searchable PDFs need a real original; what is put here is none
            with ada.client.get(link) as answer:
                assert answer.status_code == 200, (link, answer.text)
                assert answer.data


def test_cancel_then_retry(portal: Portal, ada: Person):
    document_id = portal.hand_in(ada)
    portal.plan(2)
    portal.read([made_page("one")])
    assert "the pages that were read stay" in ada.act(f"/documents/{document_id}/cancel")
    assert portal.row(document_id).status == "cancelled"
    assert "in the queue again" in ada.act(f"/documents/{document_id}/retry")
    assert portal.row(document_id).status in ("queued", "running")
    assert "The document is being read." in ada.act(f"/documents/{document_id}/retry")


def test_a_locked_pdf_asks_for_its_password(portal: Portal, ada: Person):
    document_id = portal.hand_in(ada, "locked.pdf")
    portal.reject({"code": "password", "message": "A password is needed to open this PDF.", "hint": "--password"})
    text = ada.see(f"/documents/{document_id}")
    assert 'name="password"' in text
    assert "--password" not in text
    ada.send(f"/documents/{document_id}/unlock", {"password": "hunter2"})
    row = portal.row(document_id)
    assert row.status == "queued"
    assert row.sealed_password
    assert b"hunter2" not in row.sealed_password


def test_trash_restore_and_delete_for_good(portal: Portal, ada: Person, letter_id: str):
    assert "letter.pdf is in the trash." in ada.act(f"/documents/{letter_id}/discard")
    assert listed(portal, ada) == []
    ada.see(f"/documents/{letter_id}", 404)
    assert "letter.pdf" in ada.see("/trash")
    assert "letter.pdf is back." in ada.act(f"/trash/{letter_id}/restore")
    assert len(listed(portal, ada)) == 1
    ada.send(f"/trash/{letter_id}/purge", status=404)  # only what is in the trash
    ada.send(f"/documents/{letter_id}/discard")
    assert "letter.pdf is deleted." in ada.act(f"/trash/{letter_id}/purge")
    with portal.database.read() as session, pytest.raises(NotFound):
        documents.get(session, letter_id)


def test_what_is_in_the_trash_while_it_is_read_is_no_longer_read(portal: Portal, ada: Person):
    document_id = portal.hand_in(ada)
    ada.send(f"/documents/{document_id}/discard")
    assert portal.row(document_id).status == "cancelled"


def test_labels_come_and_go(portal: Portal, ada: Person, letter_id: str):
    where = f"/documents/{letter_id}"
    ada.send(f"{where}/label", {"label": "tax"})
    assert "Remove label tax" in ada.see(where)
    assert "That is no label." in ada.act(f"{where}/label", {"label": " "})
    ada.send(f"{where}/unlabel", {"label": "tax"})
    assert "Remove label tax" not in ada.see(where)


def test_sharing_opens_a_document_as_far_as_was_said(portal: Portal, ada: Person, letter_id: str):
    bob, where = portal.person("bob"), f"/documents/{letter_id}"
    bob.see(where, 404)
    assert "bob may read it now." in ada.act(f"{where}/share", {"name": "bob"})
    assert "Move to the trash" not in bob.see(where)
    bob.send(f"{where}/label", {"label": "mine"}, status=403)
    ada.send(f"{where}/share", {"name": "bob", "may_write": "1"})
    assert "Remove label mine" in bob.act(f"{where}/label", {"label": "mine"})
    bob.send(f"{where}/discard", status=403)
    ada.send(f"{where}/unshare", {"name": "bob"})
    bob.see(where, 404)
    assert "There is no user nobody." in ada.act(f"{where}/share", {"name": "nobody"})
    with portal.database.read() as session:
        assert not shares.listing(session, documents.get(session, letter_id))


def test_everyone_may_read_what_is_published_until_it_is_private_again(portal: Portal, ada: Person, letter_id: str):
    bob, where = portal.person("bob", "viewer"), f"/documents/{letter_id}"
    ada.send(f"{where}/publish", {"public": "1"})
    assert "letter.pdf" in bob.see("/")
    bob.see(where)
    ada.send(f"{where}/publish", {"public": "0"})
    bob.see(where, 404)


@pytest.mark.parametrize(
    "verb", ["cancel", "retry", "unlock", "discard", "label", "unlabel", "share", "unshare", "publish"]
)
def test_nobody_acts_on_what_they_may_not_see(portal: Portal, letter_id: str, verb: str):
    mallory = portal.person("mallory")
    before = portal.row(letter_id).status
    mallory.send(f"/documents/{letter_id}/{verb}", {"label": "x", "name": "mallory", "public": "1"}, status=404)
    row = portal.row(letter_id)
    assert (row.status, row.public, row.deleted_at) == (before, False, None)
    for path in (f"/trash/{letter_id}/restore", f"/trash/{letter_id}/purge"):
        mallory.send(path, status=404)


def test_what_people_do_is_in_the_audit_log(portal: Portal, ada: Person, letter_id: str):
    ada.send(f"/documents/{letter_id}/publish", {"public": "1"})
    ada.send(f"/documents/{letter_id}/discard")
    with portal.database.read() as session:
        rows = [row for row in session.query(AuditRow) if row.target == letter_id]
    assert {row.action for row in rows} >= {"document.publish", "document.trash"}
    assert {row.user_id for row in rows} == {ada.user_id}


def test_a_page_shows_its_image_lines_and_layers(ada: Person, letter_id: str):
    text = ada.see(f"/documents/{letter_id}/pages/1")
    assert 'viewBox="0 0 612.0 792.0"' in text
    assert text.count('data-line="l1"') == 1
    assert f"/api/v1/documents/{letter_id}/pages/1/image" in text
    assert f'data-tiles="/api/v1/documents/{letter_id}/pages/1/tiles"' in text
    assert 'rel="next"' in text
    assert 'rel="prev"' not in text
    ada.see(f"/documents/{letter_id}/pages/3", 404)
    ada.see(f"/documents/{letter_id}/pages/0", 404)


def test_a_search_outlines_its_hits_on_the_page(ada: Person, letter_id: str):
    text = ada.see(f"/documents/{letter_id}/pages/1?q=water")
    assert "<mark>water</mark>" in text
    assert "<strong>1</strong> place on this page" in text
    assert 'data-hits="[[100' in text
    hits = text.partition('<g class="hits">')[2].partition("</g>")[0]
    assert re.findall(r'x="([\d.]+)" y="([\d.]+)"', hits) == [("100", "20")]
    for odd in ("%22", "(((", "date:never", "%00", "-", "*"):
        ada.see(f"/documents/{letter_id}/pages/1?q={odd}")


def test_search_shows_the_place_and_links_to_it(ada: Person, letter_id: str):
    text = ada.see("/search?q=water")
    assert "letter.pdf, page 1" in text
    assert f'href="/documents/{letter_id}/pages/1?q=water"' in text
    assert "<mark>water</mark>" in text
    crop = re.search(r'viewBox="([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)"[^>]*aria-label="The place', text)
    assert crop
    left, top, width, height = map(float, crop.groups())
    assert left <= 100
    assert left + width >= 190
    assert top <= 20
    assert top + height >= 35
    assert "No page holds this." in ada.see("/search?q=elephant")
    assert "How to ask" in ada.see("/search")


def test_one_may_search_by_meaning_instead(ada: Person, letter_id: str):
    text = ada.see("/search?q=elephant")
    assert 'href="/search?mode=both&amp;q=elephant"' in text
    text = ada.see("/search?q=water&mode=both")
    assert '<option value="both" selected>Words and meaning' in text
    assert "Not all pages are compared by their meaning" in text
    assert "letter.pdf" in text
    assert '<option value="text" selected>These words' in ada.see("/search?q=water&mode=%3Cscript%3E")


def test_search_finds_only_what_one_may_read(portal: Portal, letter_id: str):
    assert "letter.pdf" not in portal.person("bob").see("/search?q=water")


def test_a_query_that_means_nothing_is_explained(ada: Person, letter_id: str):
    text = ada.see("/search?q=date:never")
    assert "is no date" in text


def test_status_is_for_admins(portal: Portal, ada: Person):
    portal.document(ada, [made_page("one"), None])
    ada.see("/status", 403)
    assert ">Status</a>" not in ada.see("/")
    text = portal.person("root", "admin").see("/status")
    assert "The reader crashed on this page." in text
    assert "No worker has been heard of lately." in text
    assert "Jobs waiting" in text


def test_names_labels_text_and_queries_cannot_inject(portal: Portal, ada: Person):
    document_id = portal.document(ada, [made_page(f"before {EVIL} after", "needle here")], filename=f"{EVIL}.pdf")
    ada.send(f"/documents/{document_id}/label", {"label": EVIL})
    where = f"/documents/{document_id}"
    paths = ["/", where, f"{where}/pages/1", f"{where}/pages/1?q={EVIL}", f"/search?q={EVIL}", "/search?q=needle"]
    for path in paths:
        assert dangers(ada.see(path)) == [], path
    assert dangers(ada.act(f"{where}/discard")) == []
    assert dangers(ada.see("/trash")) == []


def test_the_test_for_injections_finds_them():
    assert dangers(f'<p title="{EVIL}">') == ["script without src", "onerror on img"]
    assert dangers('<p style="x"><a href="javascript:1">') == ["style on p", "javascript: in a"]


def test_pages_forbid_inline_scripts_and_styles(ada: Person):
    answer = ada.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_error_is_a_page_with_a_way_back(ada: Person):
    text = ada.see("/documents/nothing", 404)
    assert "There is no such document." in text
    assert 'href="/"' in text
