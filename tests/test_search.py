from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from search_pages import Library, page

from docproc.errors import Rejected
from docproc.store import search
from docproc.store.access import Principal
from docproc.store.search import rebuild
from docproc.store.search.query import parse, phrases
from docproc.store.tables import DocumentLabel, DocumentRow, SearchPage, Share, new_id


@pytest.fixture
def library(session):
    return Library(session)


@pytest.fixture
def anna(library):
    return library.user("anna")


def pages(session, who, query, **values):
    return {(hit.filename, hit.page) for hit in search.find(session, who, query, **values).hits}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Invoice number 17", "invoice"),
        ("Invoice number 17", "INVO*"),
        ("Invoice number 17", '"number 17"'),
        ("Invoice number 17", "invoice AND 17"),
        ("Invoice number 17", "receipt OR invoice"),
        ("Invoice number 17", "invoice NOT receipt"),
        ("Invoice number 17", "invoice -receipt"),
        ("Invoice number 17", "(receipt OR invoice) (17 OR 18)"),
        ("Café crème brûlée", "cafe CREME"),
        ("Cafe creme", "café"),
        ("Straße nach Łódź", "strasse lodz"),
        ("Ελληνικά Ἀθῆναι", "ελληνικα αθηναι"),
        ("Война и мир, ёлка", "ВОЙНА елка"),
        ("東京都の天気", "東京"),
        ("東京都の天気", "京都"),
        ("東京都の天気", "天"),
        ("東京都の天気", "気"),
        ("請 求 書", "請求書"),
        ("학교에서 공부", "학교"),
        ("ประเทศไทย", "ไทย"),
        ("हिन्दी में लिखा", "हिन्दी"),
        ("ﬁnal ﬀect", "final"),
        ("Ref. INV-2024/001.", "INV-2024/001"),
        ("Ref. INV-2024/001.", "inv-20*"),
        ("Ref. INV-2024/001.", "2024"),
        ("Total $1,234.50", "1,234.50"),
        ("Total $1,234.50", "1234.50"),
        ("Summe 1.234,50 EUR", "1,234.50"),
        ("Date 2024-03-05", "2024-03-05"),
        ("mail a.b@example.com", "a.b@example.com"),
        ("don\u2019t panic", "don't"),
        ("AND OR NOT", '"AND OR NOT"'),
        ("C'est l'été", "ete"),
    ],
)
def test_it_is_found(session, library, anna, text, query):
    library.document(anna, page("something else", text, "and more"))
    library.document(anna, page("nothing of it"), filename="other.pdf")
    found = search.find(session, anna, query)
    assert [hit.filename for hit in found.hits] == ["file.pdf"]
    assert found.hits[0].boxes
    assert any(marked for _, marked in found.hits[0].parts)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Invoice number 17", "receipt"),
        ("Invoice number 17", "voice"),
        ("Invoice number 17", '"17 number"'),
        ("Invoice number 17", "invoice 18"),
        ("Invoice number 17", "invoice NOT number"),
        ("Invoice number 17", "number -(17 OR 18)"),
        ("東京都の天気", "東都"),
        ("東京、大阪", "京大"),
        ("학교 에서", "교에"),
        ("12 345", "12,345"),
        ("\u6771\x00\u6771", "\u6771\u6771"),
    ],
)
def test_it_is_not_found(session, library, anna, text, query):
    library.document(anna, page(text))
    assert search.find(session, anna, query).hits == ()


def boxes(hit):
    return [tuple(box.as_list()[:2]) for box in hit.boxes]


def test_a_phrase_is_found_and_boxed_across_a_line_end(session, library, anna):
    library.document(anna, page("pay the total", "amount due today"))
    (hit,) = search.find(session, anna, '"total amount"').hits
    assert boxes(hit) == [(200, 0), (0, 20)]
    assert hit.parts == (("pay the ", False), ("total amount", True), (" due today", False))


def test_a_word_divided_at_a_line_end_is_found_whole_and_both_halves_are_boxed(session, library, anna):
    library.document(anna, page("more infor-", "mation on this"))
    for query in ("information", '"more information on"', "informat*", "infor"):
        (hit,) = search.find(session, anna, query).hits
        assert {(100, 0), (0, 20)} >= set(boxes(hit)) - {(0, 0), (100, 20)} > set(), query
    (hit,) = search.find(session, anna, "information").hits
    assert boxes(hit) == [(100, 0), (0, 20)]


def test_a_compound_at_a_line_end_is_found_with_and_without_its_hyphen(session, library, anna):
    library.document(anna, page("a well-", "known fact"))
    for query in ("well-known", "wellknown", '"a well known"', '"a wellknown fact"'):
        assert [boxes(hit)[-2:] for hit in search.find(session, anna, query).hits], query


def test_cjk_is_boxed_where_it_stands_across_words_and_lines(session, library, anna):
    library.document(anna, page("請求 書の", "番 号"))
    (hit,) = search.find(session, anna, "求書").hits
    assert boxes(hit) == [(0, 0), (100, 0)]
    (hit,) = search.find(session, anna, "の番").hits
    assert boxes(hit) == [(100, 0), (0, 20)]
    (hit,) = search.find(session, anna, "号").hits
    assert boxes(hit) == [(100, 20)]


def test_words_under_not_and_words_of_other_places_are_not_boxed(session, library, anna):
    library.document(anna, page("due on receipt", "the amount due"))
    (hit,) = search.find(session, anna, '"amount due" NOT overdue').hits
    assert boxes(hit) == [(100, 20), (200, 20)]


def test_the_page_and_the_snippet_are_those_of_the_hit(session, library, anna):
    long = " ".join(f"word{index}" for index in range(100))
    row = library.document(anna, page("nothing"), page(long, number=2), filename="long.pdf")
    (hit,) = search.find(session, anna, "word50").hits
    assert (hit.document, hit.page, hit.filename) == (row.id, 2, "long.pdf")
    assert hit.snippet.startswith("\u2026 word42 ")
    assert hit.snippet.endswith(" \u2026")
    assert [text for text, marked in hit.parts if marked] == ["word50"]


def test_a_better_match_comes_first(session, library, anna):
    library.document(anna, page("apple apple apple"), filename="best.pdf")
    library.document(anna, page("apple and", "pears and plums and cherries and so many other words"))
    assert [hit.filename for hit in search.find(session, anna, "apple").hits] == ["best.pdf", "file.pdf"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("label:tax", {"a.pdf"}),
        ("label:tax apple", {"a.pdf"}),
        ("apple NOT label:tax", {"b.pdf"}),
        ("label:tax OR pear", {"a.pdf", "b.pdf"}),
        ("(label:tax OR name:b) apple", {"a.pdf", "b.pdf"}),
        ("label:tax NOT apple", set()),
        ("label:tax NOT nothing", {"a.pdf"}),
        ("apple (label:tax OR NOT pear)", {"a.pdf"}),
        ("name:B.PD", {"b.pdf"}),
        ('name:"%"', set()),
        ("owner:anna apple", {"a.pdf", "b.pdf"}),
        ("owner:me apple", {"a.pdf", "b.pdf"}),
        ("owner:ben apple", set()),
        ("date:2024 apple", {"a.pdf"}),
        ("date:2024-03 apple", {"a.pdf"}),
        ("date:2024-03-05 apple", {"a.pdf"}),
        ("date:2024-03-06 apple", set()),
        ("after:2024-03 apple", {"b.pdf"}),
        ("before:2024-03-06 apple", {"a.pdf"}),
        ("after:2024-03-04 before:2024-03-06", {"a.pdf"}),
        ("total:apple", set()),
    ],
)
def test_fields_narrow_the_search(session, library, anna, query, names):
    from datetime import UTC, datetime

    first = library.document(anna, page("apple"), filename="a.pdf", created_at=datetime(2024, 3, 5, 12, tzinfo=UTC))
    session.add(DocumentLabel(document_id=first.id, name="tax"))
    library.document(
        anna, page("apple pear"), page("no fruit", number=2), filename="b.pdf",
        created_at=datetime(2025, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    library.document(library.user("ben"), page("apple"), filename="hers.pdf")
    assert {name for name, _ in pages(session, anna, query)} == names


def test_in_searches_one_document(session, library, anna):
    library.document(anna, page("apple"))
    second = library.document(anna, page("apple"), filename="second.pdf")
    assert pages(session, anna, f"apple in:{second.id}") == {("second.pdf", 1)}


def test_a_stranger_finds_nothing_until_it_is_shared(session, library, anna):
    ben, admin = library.user("ben"), library.user("root", "admin")
    row = library.document(anna, page("secret plan"))
    assert pages(session, anna, "secret") == pages(session, admin, "secret") == {("file.pdf", 1)}
    for query in ("secret", "name:file", f"in:{row.id}", "owner:anna", "secret OR name:file"):
        assert search.find(session, ben, query) == search.Results((), None)
    session.add(Share(document_id=row.id, user_id=ben.user_id))
    session.flush()
    assert pages(session, ben, "secret") == {("file.pdf", 1)}


def test_what_one_may_not_see_takes_no_place_among_the_results(session, library, anna, monkeypatch):
    """Neither the pages nor their number show: hits of others do not use up the candidates."""
    monkeypatch.setattr(search, "CANDIDATES", 2)
    library.document(anna, page("secret"), filename="mine.pdf")
    ben = library.user("ben")
    for _ in range(5):
        library.document(ben, page("secret"))
    assert search.find(session, anna, "secret").next is None
    assert pages(session, anna, "secret") == {("mine.pdf", 1)}


def test_the_trash_is_not_searched(session, library, anna):
    from docproc.store import documents

    row = library.document(anna, page("apple"))
    documents.trash(session, row)
    session.flush()
    assert pages(session, anna, "apple") == set()
    documents.restore(session, row)
    session.flush()
    assert pages(session, anna, "apple") == {("file.pdf", 1)}


def test_deleting_a_document_deletes_its_index(session, library, anna):
    row = library.document(anna, page("apple"))
    session.execute(DocumentRow.__table__.delete().where(DocumentRow.id == row.id))
    assert session.query(SearchPage).count() == 0
    library.document(anna, page("pear"))
    assert pages(session, anna, "apple") == set()


def test_a_page_that_is_indexed_again_replaces_what_was_there(session, library, anna):
    from docproc.store import readings

    row = library.document(anna, page("aplpe"))
    readings.save(session, row.run_id, 1, page("apple"))
    search.index_page(session, row, 1, page("apple"))
    assert pages(session, anna, "aplpe") == set()
    assert pages(session, anna, "apple") == {("file.pdf", 1)}
    search.remove(session, row.id, 1)
    assert pages(session, anna, "apple") == set()


def test_a_transaction_that_fails_leaves_the_index_as_it_was(database):
    def fail():
        with database.write() as session:
            library = Library(session)
            library.document(library.user("anna"), page("apple"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.write() as session:
        assert session.query(SearchPage).count() == 0
        carl = Library(session).user("carl", "admin")
        assert search.find(session, carl, "apple").hits == ()


def test_results_are_read_on_from_a_cursor_whatever_comes_meanwhile(session, library, anna):
    for index in range(7):
        library.document(anna, page("apple " * (index % 3 + 1) + "tree"), filename=f"{index}.pdf")
    expected = [hit.filename for hit in search.find(session, anna, "apple", limit=100).hits]
    seen, after = [], None
    for _ in range(4):
        found = search.find(session, anna, "apple", limit=2, after=after)
        seen += [hit.filename for hit in found.hits]
        after = found.next
        library.document(anna, page("apple apple apple apple"), filename="late.pdf")
    assert seen == expected
    assert after is None


def test_reading_on_survives_the_deletion_of_the_last_hit_seen(session, library, anna):
    rows = {f"{index}.pdf": library.document(anna, page("apple"), filename=f"{index}.pdf") for index in range(4)}
    found = search.find(session, anna, "apple", limit=2)
    search.remove(session, rows[found.hits[-1].filename].id)
    later = search.find(session, anna, "apple", limit=2, after=found.next)
    assert {hit.filename for hit in later.hits} <= {"0.pdf", "1.pdf"}


@pytest.mark.parametrize(
    "query", ["", "   ", '"', '""', "()", ")(", "-", "AND", "OR OR", "!!!", "*", "NOT", "\x00", "name:"]
)
def test_a_query_without_anything_in_it_finds_nothing(session, library, anna, query):
    library.document(anna, page("apple"))
    assert search.find(session, anna, query) == search.Results((), None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("NOT apple", "leave out"),
        ("-apple -pear", "leave out"),
        ("pear OR NOT apple", "leave out"),
        ("date:yesterday", "no date"),
        ("date:2024-02-30", "no date"),
        ("before:0000", "no date"),
        ("date:9999-12-31", "no date"),
        ("a " * 5000, "longer than"),
        ("a " * 100, "more than 64 words"),
        ("(" * 100 + "a", "nested"),
        ("NOT " * 100 + "a", "nested"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_in_plain_words(session, anna, query, words):
    with pytest.raises(Rejected, match=words) as caught:
        search.find(session, anna, query)
    assert caught.value.hint


@pytest.mark.parametrize("cursor", ["", "x", "W10=", "WzEsMiwzLDRd", "WzEsMiwiMyJd", "WzEsMiwtM10=", "é", "bnVsbA=="])
def test_a_broken_cursor_is_refused(session, anna, cursor):
    if cursor:
        with pytest.raises(Rejected):
            search.find(session, anna, "apple", after=cursor)


def test_long_tokens_and_long_pages_are_kept(session, library, anna):
    words = (".".join(f"w{index + at}.and" for at in range(100)) for index in range(0, 9_000, 100))
    library.document(anna, page("a" * 5000, *words))
    assert pages(session, anna, "w8999")
    assert pages(session, anna, "a" * 1000)


def test_a_page_of_nothing_but_different_words_is_kept(session, library, anna):
    words = (".".join(f"{index + at}" + "x" * 60 for at in range(100)) for index in range(0, 20_000, 100))
    library.document(anna, page("first", *words))
    assert pages(session, anna, "first")


ODD = st.text(st.sampled_from(list("ab'\"\\*()-:&|!<>^~+{}[];%_#,. \n\t\x00¶東é\ud800\U0001f600")), max_size=20)
TERMS = st.lists(
    st.one_of(
        ODD,
        st.sampled_from(["AND", "OR", "NOT", "name:", "date:", "in:", "label:x", "owner:", "key:", "NEAR", "(", ")"]),
    ),
    max_size=12,
).map(" ".join)


@given(query=TERMS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_string_is_a_safe_query(session, query):
    who = Principal("nobody", "nobody", "admin")
    with suppress(Rejected):
        assert search.find(session, who, query) == search.Results((), None)


@given(lines=st.lists(ODD.map(str.split).filter(bool), max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_word_on_a_page_can_be_indexed_and_found(session, library, lines):
    with session.begin_nested() as nested:
        who = library.user(new_id(), "admin")
        library.document(who, page(*(" ".join(line) for line in lines)) if lines else page("x"))
        for word in {word for line in lines for word in line}:
            quoted = f'"{word}"'
            if '"' not in word and phrases_of(quoted):
                assert search.find(session, who, quoted).hits, quoted
        nested.rollback()


def phrases_of(query):
    return list(phrases(parse(query)))


def test_boxes_on_a_page_are_found_without_the_database():
    assert [box.left for box in search.boxes_on(page("the total amount"), "total OR amount")] == [100, 200]
    assert search.boxes_on(page("the total amount"), "name:x") == ()


def test_reindex_makes_the_whole_index_again(database):
    with database.write() as session:
        library = Library(session)
        anna = library.user("anna")
        row = library.document(anna, page("apple"), page("pear", number=2))
        search.remove(session, row.id, 1)
        search.index_page(session, row, 2, page("wrong"))
        search.index_page(session, row, 3, page("gone", number=3))
    with database.read() as session:
        assert rebuild.count(session) == 2
    assert sum(rebuild.rebuild(database)) == 2
    with database.read() as session:
        assert pages(session, anna, "apple OR pear OR wrong OR gone") == {("file.pdf", 1), ("file.pdf", 2)}
