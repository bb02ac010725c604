import numpy as np
import pytest
from search_pages import Library, page

from docproc.store import documents, readings, search
from docproc.store.search import Meaning, nearest, vectors
from docproc.store.tables import DocumentRow, SearchVectors, Share


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(nearest, "FRESH_SECONDS", 0.0)


@pytest.fixture
def library(session):
    return Library(session)


@pytest.fixture
def anna(library):
    return library.user("anna")


DIRECTIONS = np.random.default_rng(1).normal(size=(50, vectors.SIZE)).astype(np.float32)
TOPICS = ("fruit", "money", "weather", "war")


def vector(text):
    """A vector that points to the topics that a text names; texts that name none are alike to nothing."""
    words = text.split()
    made = sum(DIRECTIONS[TOPICS.index(word)] if word in TOPICS else DIRECTIONS[10 + len(word)] / 9 for word in words)
    return made / np.linalg.norm(made)


def embed_all(session):
    for waiting in vectors.claim(session, 100):
        made = np.stack([vector(text) for text in waiting.texts]) if waiting.texts else np.zeros((0, vectors.SIZE))
        vectors.keep(session, waiting, made)


def find(session, who, query, *, alone=True, **values):
    meaning = Meaning(vector(search.meant(query)), alone)
    return search.find(session, who, query, meaning=meaning, **values)


def names(session, who, query, **values):
    return [hit.filename for hit in find(session, who, query, **values).hits]


def test_what_is_alike_in_meaning_is_found_with_its_passage(session, library, anna):
    library.document(anna, page("apples are a fruit", "that grows"), filename="fruit.pdf")
    library.document(anna, page("money buys it"), filename="money.pdf")
    embed_all(session)
    (hit,) = find(session, anna, "fruit").hits
    assert (hit.filename, hit.page, hit.found_by) == ("fruit.pdf", 1, ("meaning",))
    assert hit.snippet == "apples are a fruit that grows"
    assert [box.as_list() for box in hit.boxes] == [[0, 0, 390, 35]]


def test_the_nearest_passage_of_a_long_page_is_shown(session, library, anna):
    filler = ["so many words that say nothing at all of what is looked for here"] * 12
    library.document(anna, page(*filler, "money money money", *filler))
    embed_all(session)
    (hit,) = find(session, anna, "money").hits
    assert "money money money" in hit.snippet
    (box,) = hit.boxes
    assert box.top <= 240 <= box.bottom
    assert box.height < 300


def test_words_and_meaning_are_merged_by_rank(session, library, anna):
    library.document(anna, page("pear and money"), filename="both.pdf")
    library.document(anna, page("pear"), filename="words.pdf")
    library.document(anna, page("money"), filename="meaning.pdf")
    embed_all(session)
    meaning = Meaning(vector("money"))
    found = search.find(session, anna, "pear", meaning=meaning).hits
    assert {hit.filename: hit.found_by for hit in found} == {
        "both.pdf": ("text", "meaning"), "words.pdf": ("text",), "meaning.pdf": ("meaning",),
    }  # fmt: skip
    assert found[0].filename == "both.pdf"
    assert found[0].score > found[1].score
    assert [box.left for box in found[0].boxes] == [0]


def test_strangers_and_the_trash_find_nothing_by_meaning(session, library, anna):
    ben = library.user("ben")
    row = library.document(anna, page("fruit"))
    embed_all(session)
    assert names(session, anna, "fruit") == ["file.pdf"]
    assert names(session, ben, "fruit") == []
    session.add(Share(document_id=row.id, user_id=ben.user_id))
    session.flush()
    assert names(session, ben, "fruit") == ["file.pdf"]
    documents.trash(session, row)
    session.flush()
    assert names(session, ben, "fruit") == names(session, anna, "fruit") == []


def test_what_one_may_not_see_takes_no_place_among_the_nearest(session, library, anna, monkeypatch):
    monkeypatch.setattr(search, "ALIKE", 2)
    library.document(anna, page("some fruit"), filename="mine.pdf")
    ben = library.user("ben")
    for _ in range(5):
        library.document(ben, page("fruit"))
    embed_all(session)
    assert names(session, anna, "fruit") == ["mine.pdf"]


def test_fields_and_words_to_leave_out_narrow_what_is_found_by_meaning(session, library, anna):
    library.document(anna, page("fruit apple"), filename="a.pdf")
    library.document(anna, page("fruit pear"), filename="b.pdf")
    embed_all(session)
    assert names(session, anna, "fruit name:a") == ["a.pdf"]
    assert names(session, anna, "fruit NOT apple") == ["b.pdf"]
    assert set(names(session, anna, "fruit (name:b OR apple)")) == {"a.pdf", "b.pdf"}


def test_a_page_that_changes_is_found_by_what_it_says_now_alone(session, library, anna):
    row = library.document(anna, page("fruit"))
    embed_all(session)
    assert names(session, anna, "fruit") == ["file.pdf"]
    readings.save(session, row.run_id, 1, page("war"))
    search.index_page(session, row, 1, page("war"))
    assert names(session, anna, "fruit") == []
    assert not find(session, anna, "fruit").complete
    embed_all(session)
    assert names(session, anna, "war") == ["file.pdf"]
    assert find(session, anna, "war").complete


def test_what_was_made_of_an_older_text_is_thrown_away(session, library, anna):
    row = library.document(anna, page("fruit"))
    (waiting,) = vectors.claim(session, 1)
    search.index_page(session, row, 1, page("war"))
    vectors.keep(session, waiting, np.stack([vector("fruit")]))
    assert names(session, anna, "fruit") == []
    assert vectors.any_waiting(session)


def test_an_old_copy_in_memory_finds_nothing_that_has_gone(session, library, anna, monkeypatch):
    rows = [library.document(anna, page("fruit"), filename=name) for name in ("gone", "changed", "kept")]
    embed_all(session)
    assert len(names(session, anna, "fruit")) == 3
    monkeypatch.setattr(nearest, "FRESH_SECONDS", 1000.0)
    session.execute(DocumentRow.__table__.delete().where(DocumentRow.id == rows[0].id))
    search.index_page(session, rows[1], 1, page("war"))
    assert names(session, anna, "fruit") == ["kept"]


def test_pages_that_are_claimed_wait_a_minute_and_are_given_up_after_three_times(session, library, anna, monkeypatch):
    library.document(anna, page("fruit"))
    assert len(vectors.claim(session, 10)) == 1
    assert vectors.claim(session, 10) == []
    monkeypatch.setattr(vectors, "PATIENCE", -vectors.PATIENCE)
    assert [len(vectors.claim(session, 10)) for _ in range(3)] == [1, 1, 0]
    assert not vectors.any_waiting(session)


def test_a_page_without_words_is_done_at_once(session, library, anna):
    from docproc.document import Page

    library.document(anna, Page(1, 612, 792))
    embed_all(session)
    assert session.query(SearchVectors.count).all() == [(0,)]
    assert not vectors.any_waiting(session)
    assert names(session, anna, "fruit") == []


def test_only_the_newest_are_compared_when_there_are_too_many(session, library, anna, monkeypatch):
    for index in range(5):
        library.document(anna, page("fruit"), filename=str(index))
    embed_all(session)
    assert find(session, anna, "fruit").complete
    monkeypatch.setattr(nearest, "MOST_PASSAGES", 3)
    assert set(names(session, anna, "fruit")) == {"2", "3", "4"}
    assert not find(session, anna, "fruit").complete


def test_results_by_meaning_are_read_on_from_a_cursor(session, library, anna):
    for index in range(5):
        library.document(anna, page("fruit " + "x" * index), filename=str(index))
    embed_all(session)
    expected = names(session, anna, "fruit")
    seen, after = [], None
    for _ in range(3):
        found = find(session, anna, "fruit", limit=2, after=after)
        seen += [hit.filename for hit in found.hits]
        after = found.next
        library.document(anna, page("fruit"), filename="late")
        embed_all(session)
    assert seen == expected
    assert after is None


def test_vectors_are_kept_nearly_as_they_are():
    made = DIRECTIONS / np.linalg.norm(DIRECTIONS, axis=1, keepdims=True)
    kept = vectors.unpack(vectors.pack(made)) / vectors.SCALE
    assert (kept * made).sum(axis=1) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("What is the total?", "what is the total"),
        ('"total amount" label:tax -paid', "total amount"),
        ("name:x", ""),
        ("", ""),
    ],
)
def test_the_meaning_of_a_query_is_in_its_words(query, words):
    assert search.meant(query) == words
