"""Labels of values, looked for by `key:`."""

from dataclasses import replace

import pytest
from search_pages import Library, page
from sqlalchemy import update

from docproc.document import KeyValue
from docproc.errors import Rejected
from docproc.store import search
from docproc.store.search import rebuild
from docproc.store.tables import SearchPage


@pytest.fixture
def library(session):
    return Library(session)


@pytest.fixture
def anna(library):
    return library.user("anna")


def pages(session, who, query, **values):
    return {(hit.filename, hit.page) for hit in search.find(session, who, query, **values).hits}


def boxes(hit):
    return [tuple(box.as_list()[:2]) for box in hit.boxes]


def labelled(key, value, *more):
    """Return a page on which a value stands below its label, and other lines."""
    made = page(key, value, *more)
    words = [tuple(word.id for word in line.words) for line in made.lines]
    pair = KeyValue("k0", key, value, made.lines[0].box, made.lines[1].box, words[0], words[1])
    return replace(made, key_values=(pair,))


@pytest.mark.parametrize("query", ["key:total", "KEY:Total", 'key:"total amount"', "key:amo*", "12.50 key:total"])
def test_labels_of_values_are_found_with_both_boxes(session, library, anna, query):
    library.document(anna, labelled("Total amount:", "12.50", "thank you"))
    library.document(anna, page("the total amount is 12.50"), filename="prose.pdf")
    [hit] = search.find(session, anna, query).hits
    assert hit.filename == "file.pdf"
    assert [box[:2] for box in boxes(hit)] == [(0, 0), (100, 0), (0, 20)]


def test_labels_disturb_no_other_search(session, library, anna):
    library.document(anna, labelled("Date", "3 May", "due"))
    assert not pages(session, anna, '"due date"')
    assert not pages(session, anna, "key:due")
    assert not pages(session, anna, "key:date -key:date")
    assert pages(session, anna, "date -key:total")
    assert search.meant("key:total 5") == "total 5"
    with pytest.raises(Rejected):
        search.find(session, anna, "-key:date")


def test_labels_are_found_again_after_reindexing(database):
    with database.write() as session:
        library = Library(session)
        who = library.user("anna")
        library.document(who, labelled("Total", "5"))
        session.execute(update(SearchPage).values(tokens="total 5" if database.is_sqlite else "'total':1 '5':2"))
        assert not pages(session, who, "key:total")
    list(rebuild.rebuild(database))
    with database.read() as session:
        assert pages(session, who, "key:total") == {("file.pdf", 1)}
