"""The portal in the large: many documents at once, searches narrowed, work, engines and webhooks."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from portal_site import Person, Portal
from search_pages import page as made_page

from docproc.store import webhooks
from docproc.store.access import Principal
from docproc.store.database import Database


@pytest.fixture
def portal(database: Database, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(database, tmp_path, webhook_networks="127.0.0.0/8")
    yield made
    made.close()


@pytest.fixture
def root(portal: Portal) -> Person:
    return portal.person("root", "admin")


def chosen(portal: Portal, who: Person, what: str, *ids: str, **more: str) -> str:
    return who.act("/documents/bulk", {"what": what, "id": list(ids), **more})


def test_many_documents_get_a_label_or_go_to_the_trash(portal: Portal, root: Person):
    ada, bob = portal.person("ada"), portal.person("bob")
    one, two = (portal.document(ada, [made_page("x")], filename=f"{name}.pdf") for name in ("one", "two"))
    other = portal.document(bob, [made_page("x")], filename="bobs.pdf")
    assert "2 documents labelled" in chosen(portal, ada, "label", one, two, label="tax")
    assert chosen(portal, ada, "trash", one, other).count("There is no such document") == 1
    assert portal.row(one).deleted_at
    assert not portal.row(other).deleted_at
    assert not portal.row(two).deleted_at
    assert "tax" in ada.see("/?view=grid")
    for what, ids in (("", [one]), ("label", []), ("drop tables", [one])):
        assert "Choose documents" in chosen(portal, ada, what, *ids)
    assert "That is no label" in chosen(portal, ada, "label", two, label=" ")
    viewer = portal.person("vera", "viewer")
    viewer.send("/documents/bulk", {"what": "trash", "id": [two]}, status=403)


def test_a_failed_document_is_tried_again_from_the_list(portal: Portal, root: Person):
    broken = portal.document(root, [made_page("one"), None], filename="broken.pdf")
    assert "1 document in the queue again" in chosen(portal, root, "retry", broken, view="grid")
    assert "broken.pdf, page 2" in root.see("/status")
    assert portal.row(broken).status in {"queued", "running"}
    chosen(portal, root, "cancel", broken)
    assert portal.row(broken).status != "running"


def test_status_tells_what_waits_what_failed_and_what_reads(portal: Portal, root: Person):
    portal.document(root, [made_page("one"), None], filename="broken.pdf")
    portal.hand_in(root, "waits.pdf")
    text = root.see("/status")
    assert "waits.pdf: intake" in text
    assert "The reader crashed on this page." in text
    assert "ocr: rapid 3" in text
    assert "PP-OCRv6_det_small" in text
    assert re.search(r'action="/documents/\w+/retry"', text)


def test_a_webhook_is_added_tested_and_sent_to_once_more(portal: Portal, root: Person):
    made = root.send("/webhooks", {"url": "http://127.0.0.1:9/hook"}, status=200).text
    secret = re.search(r'id="secret" value="([^"]+)"', made)
    assert secret
    listed = root.see("/webhooks")
    assert secret[1] not in listed, "it is shown once"
    where = re.search(r'href="(/webhooks/\w+)"', listed)
    assert where
    assert "A test is sent" in root.act(f"{where[1]}/change", {"what": "ping"})
    with portal.database.read() as session:
        [hook] = webhooks.listing(session, Principal(root.user_id, "root", "admin"))
        [sent] = webhooks.deliveries(session, hook)
    assert "It is sent once more" in root.act(f"{where[1]}/replay/{sent.id}")
    assert "Stopped" in root.act(f"{where[1]}/change", {"what": "stop"})
    assert "The webhook is deleted" in root.act(f"{where[1]}/change", {"what": "delete"})
    other = portal.person("ada")
    other.see(where[1], 404)


def test_an_address_that_may_not_be_told_is_refused(portal: Portal, root: Person):
    text = root.act("/webhooks", {"url": "http://10.0.0.1/hook"})
    assert 'class="flash error"' in text
    assert "There are none" in text


def test_names_that_look_like_forms_are_text(portal: Portal, root: Person):
    evil = '"><script>alert(1)</script>.pdf'
    portal.document(root, [made_page("x")], filename=evil)
    for path in ("/", "/?view=grid", "/review", "/status"):
        assert "<script>alert" not in root.see(path)


def test_search_can_be_narrowed_and_says_why_nothing_was_found(portal: Portal):
    ada = portal.person("ada")
    lines = [made_page("Dear Mr Falk", "the water bill"), made_page("yours truly", number=2)]
    letter_id = portal.document(ada, lines, filename="letter.pdf")
    ada.send(f"/documents/{letter_id}/label", {"label": "tax 2024"})
    assert "letter.pdf, page 1" in ada.see("/search?q=water+OR+dear&label=tax+2024&own=1&since=2020-01-01")
    for narrow in ("label=other", "until=2020-01-01", "since=2999-01-01"):
        assert "No page holds this" in ada.see(f"/search?q=water&{narrow}"), narrow
    assert "letter.pdf, page 1" in ada.see("/search?q=water&since=never")
    text = ada.see("/search?q=water+xyzzy")
    assert "“water” is on some page; “xyzzy” is on <strong>no page</strong>." in text
    assert "They are never on the same one" in ada.see("/search?q=water+truly")


def test_a_search_without_hits_says_what_to_try(portal: Portal):
    ada, bob = portal.person("ada"), portal.person("bob")
    letter = [made_page("Dear Mr Falk", "the harbour dues"), made_page("the harbour again", number=2)]
    portal.document(ada, letter, filename="letter.pdf")
    text = ada.see("/search?q=harbuor+dues")
    assert re.search(r'Did you mean <a href="[^"]*q=harbour\+dues[^"]*">harbour</a> instead of “harbuor”', text)
    assert "<button" not in text.partition('id="results"')[2], "it is no question"
    narrowed = ada.see("/search?q=harbour&until=2020-01-01")
    assert re.search(r'<a href="/search\?q=harbour&amp;mode=text">2 pages</a> hold it', narrowed)
    assert 'data-question="who pays the dues?"' in ada.see("/search?q=who+pays+the+dues?")
    nothing = bob.see("/search?q=harbuor&own=1")
    assert "harbour" not in nothing, "what others wrote is not guessed at"


def test_the_list_is_sorted_as_its_address_says_and_keeps_that(portal: Portal, root: Person):
    ada = portal.person("ada")
    portal.document(root, [made_page("x")], filename="b.pdf")
    portal.document(ada, [made_page("x"), made_page("y", number=2)], filename="a.pdf")

    def names(path: str) -> list[str]:
        return re.findall(r'class="name"[^>]*>([ab])\.pdf<', root.see(path))

    assert names("/") == names("/?sort=-added") == names("/?sort=name") == names("/?sort=nonsense") == ["a", "b"]
    assert names("/?sort=-name") == names("/?sort=added") == names("/?sort=pages") == ["b", "a"]
    assert names("/?sort=owner&view=grid") == names("/?sort=-pages") == ["a", "b"]
    shown = root.see("/?sort=-name&name=pdf")
    assert 'aria-sort="descending"' in shown
    assert "sort=name&amp;" in shown or "sort=name" in shown
    assert '<option value="-name" selected>' in shown


def test_the_list_is_narrowed_to_one_owner(portal: Portal, root: Person):
    ada = portal.person("ada")
    portal.document(root, [made_page("x")], filename="b.pdf")
    portal.document(ada, [made_page("x")], filename="a.pdf")

    def names(path: str) -> list[str]:
        return re.findall(r'class="name"[^>]*>([ab])\.pdf<', root.see(path))

    assert names("/") == ["a", "b"]
    assert names("/?owner=ada") == ["a"]
    assert names("/?owner=me&view=grid") == ["b"]
    assert names("/?owner=root") == ["b"]
    assert names("/?owner=eve") == []
    assert 'href="/?owner=ada"' in root.see("/")
    assert "<option selected>ada</option>" in root.see("/?owner=ada&sort=name")
    assert "owner=ada" in root.see("/?owner=ada&sort=name"), "the headings keep it"
    assert 'id="owner"' not in ada.see("/"), "there is nobody else"


def test_a_whole_document_is_approved_rejected_or_given_to_somebody(portal: Portal, root: Person):
    letter = portal.document(root, [made_page("x"), made_page("y", number=2)], filename="letter.pdf")
    portal.person("ada")
    assert "0 of 2 pages approved" in root.see(f"/documents/{letter}")
    assert "2 pages approved" in root.act(f"/documents/{letter}/review", {"verdict": "approved"})
    assert "2 of 2 pages approved" in root.see(f"/documents/{letter}")
    assert "0 of 2 pages approved, 2 rejected" in root.act(f"/documents/{letter}/review", {"verdict": "rejected"})
    assert "2 pages open again" in root.act(f"/documents/{letter}/review", {"verdict": ""})
    assert "All pages are given to ada" in root.act(
        f"/documents/{letter}/review", {"verdict": "give", "reviewer": "ada"}
    )
    assert "There is no user eve" in root.act(f"/documents/{letter}/review", {"verdict": "give", "reviewer": "eve"})
    root.see("/review?show=mine")
    bob = portal.person("bob")
    bob.send(f"/documents/{letter}/review", {"verdict": "approved"}, status=404)
