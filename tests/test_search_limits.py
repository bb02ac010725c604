"""What limits a search is told, and what showing hits takes is kept."""

from datetime import UTC, datetime

import pytest
from search_pages import Library, page
from sqlalchemy import select, update

from docproc.store import documents, search
from docproc.store.search import postgres
from docproc.store.search.texts import Text
from docproc.store.tables import DocumentRow, SearchPage


@pytest.fixture
def library(session):
    return Library(session)


@pytest.fixture
def anna(library):
    return library.user("anna")


def test_more_matches_than_are_ranked_are_told(session, library, anna, monkeypatch):
    monkeypatch.setattr(search, "CANDIDATES", 2)
    for number in range(3):
        library.document(anna, page("apple pear" if number else "apple"), filename=f"{number}.pdf")
    assert search.find(session, anna, "pear").limits == ()
    found = search.find(session, anna, "apple")
    assert found.limits == ("candidates",)
    assert not found.complete
    assert {hit.filename for hit in found.hits} == {"1.pdf", "2.pdf"}
    assert search.find(session, anna, "name:pdf").limits == ("candidates",)


def test_matches_in_many_windows_are_found_and_time_that_ran_out_is_told(session, library, anna, monkeypatch):
    monkeypatch.setattr(postgres, "WINDOW", 2)
    monkeypatch.setattr(postgres, "FEW", 0)
    for number in range(30):
        library.document(anna, page("apple"), filename=f"{number}.pdf")
    monkeypatch.setattr(postgres, "SECONDS", 60.0)
    found = search.find(session, anna, "apple", limit=100)
    assert sorted(hit.filename for hit in found.hits) == sorted(f"{number}.pdf" for number in range(30))
    assert found.complete
    monkeypatch.setattr(postgres, "QUICK", 0.0)
    monkeypatch.setattr(postgres, "SECONDS", 0.0)
    hurried = search.find(session, anna, "apple", limit=100)
    if session.get_bind().dialect.name == "sqlite":  # takes the time it needs
        assert hurried == found
    else:
        assert hurried.limits == ("time",)
        assert 0 < len(hurried.hits) < 30
        assert "29.pdf" in {hit.filename for hit in hurried.hits}


QUERIES = (
    "apple",
    '"apple pear"',
    "pl* NOT plum",
    "apple date:2024-02",
    "apple (label:red OR plum)",
    "in:nothing apple",
)


@pytest.mark.parametrize("near", [3, 1_000])
def test_few_documents_and_windows_of_all_pages_find_the_same(session, library, anna, monkeypatch, near):
    monkeypatch.setattr(postgres, "WINDOW", 2)
    for number in range(24):
        text = "apple pear" if number % 3 else "apple plum pear" if number % 2 else "pear apple plain"
        row = library.document(anna, page(text), filename=f"{number}.pdf")
        row.created_at = datetime(2024, 1 + number % 3, 5, tzinfo=UTC)
        if number % 4 == 0:
            documents.label(session, row, "red")
    session.flush()
    few = [search.find(session, anna, query, limit=100) for query in QUERIES]
    assert [len(one.hits) for one in few[:5]] == [24, 16, 4, 8, 10]
    for name, value in {"FEW": 0, "NEAR": near, "QUICK": 60.0, "SECONDS": 60.0}.items():
        monkeypatch.setattr(postgres, name, value)
    for query, found in zip(QUERIES, few, strict=True):
        assert search.find(session, anna, query, limit=100) == found, query


def test_what_an_older_version_indexed_is_shown_from_its_reading(session, library, anna):
    library.document(anna, page("apple Pie-", "chart pear"))
    session.execute(update(SearchPage).values(shown=None))
    older = search.find(session, anna, '"piechart pear"')
    session.expire_all()
    for row in session.scalars(select(DocumentRow)):
        search.index_document(session, row.id)
    assert search.find(session, anna, '"piechart pear"') == older
    assert len(older.hits[0].boxes) == 3


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (
            "\ud800 \u4e2d\u6587 caf\u00e9-",
            "au lait",
        ),
        (
            "1,234.50 well-",
            "known",
        ),
    ],
)
def test_a_text_is_unpacked_as_it_was(lines):
    text = Text.of_page(page(*lines)) if lines else Text.of_json({"lines": [], "regions": []})
    back = Text.unpack(text.pack())
    assert (back.lines, back.starts, back.tokens) == (text.lines, text.starts, text.tokens)
    assert list(map(tuple, back.places)) == text.places
    assert list(map(list, back.boxes)) == text.boxes


def test_file_names_are_found_without_case_and_accents(session, library, anna):
    library.document(anna, page("apple"), filename="Caf\u00e9 Z\u00fcrich.pdf")
    for name in ("name:cafe", 'name:"fe zu"', "apple name:CAF\u00c9*", "apple name:Z\u00dc"):
        assert len(search.find(session, anna, name).hits) == 1, name
    assert not search.find(session, anna, "name:coffee").hits
