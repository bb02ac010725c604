"""The queue of pages to review: what comes first, what a verdict is about, who sees what."""

from dataclasses import replace

import pytest
from read_documents import add_pages, page_read

from docproc.document import Page
from docproc.errors import NotFound, Rejected
from docproc.store import access, corrections, review_figures, reviews, shares
from docproc.store.tables import DocumentRow, PageRow, User

ANN = access.Principal("ann", "ann", "reviewer")
BEN = access.Principal("ben", "ben", "reviewer")


def doubted(number: int, *confidences: float) -> Page:
    """Return a page of as many words as there are confidences."""
    page = page_read(" ".join(f"word{at}" for at in range(len(confidences))), number)
    line = page.lines_by_id["a"]
    words = tuple(replace(word, confidence=sure) for word, sure in zip(line.words, confidences, strict=True))
    title = replace(page.lines_by_id["t"], words=())
    return replace(page, lines=(title, replace(line, words=words)))


@pytest.fixture
def document(session) -> DocumentRow:
    session.add_all([User(id="ann", name="ann", role="reviewer"), User(id="ben", name="ben", role="reviewer")])
    session.flush()
    pages = [doubted(1, 0.99, 0.99), doubted(2, 0.5, 0.6, 0.99), doubted(3, 0.85, 1.0)]
    row = session.get_one(DocumentRow, add_pages(session, "ann", pages))
    assert reviews.measure_missing(session, access.writable(ANN)) == 3
    assert reviews.measure_missing(session, access.writable(ANN)) == 0
    return row


def numbers(session, show="open", who=ANN) -> list[int]:
    return [task.number for task in reviews.queue(session, who, show=show)]


def test_pages_come_by_the_errors_that_a_minute_finds(session, document):
    words, doubtful, errors, gain = reviews.measured(doubted(2, 0.5, 0.6, 0.99))
    assert (words, doubtful, errors) == (3, 2, pytest.approx(0.91))
    assert gain == pytest.approx(0.9 / (14 / 60), abs=0.001)
    assert numbers(session) == [2, 3, 1]
    first = reviews.queue(session, ANN)[0]
    assert (first.doubtful, first.minutes) == (2, pytest.approx(14 / 60))
    assert reviews.count(session, ANN) == 3
    assert reviews.errors_of(session, document) == {1: 0.02, 2: 0.91, 3: 0.15}


def test_a_verdict_is_about_the_page_as_it_was(session, document):
    assert reviews.decide(session, document, [2, 9], "ann", "approved", "fine") == 1
    assert numbers(session) == [3, 1]
    assert numbers(session, "approved") == [2]
    [opinion] = reviews.opinions_on(session, document, 2)
    assert (opinion.name, opinion.verdict, opinion.note, opinion.fresh) == ("ann", "approved", "fine", True)
    page = corrections.add(
        session, document, 2, [{"op": "replace", "id": "aw0", "text": "said"}], user_id="ann", expected=None
    )
    reviews.measure(session, document, 2, page)
    assert numbers(session) == [2, 3, 1]
    assert reviews.queue(session, ANN)[0].doubtful == 1
    assert not reviews.opinions_on(session, document, 2)[0].fresh
    reviews.decide(session, document, [2], "ann", "approved")
    reviews.decide(session, document, [2], "ann", None)
    assert 2 in numbers(session)


def test_a_second_reviewer_may_disagree(session, document):
    shares.give(session, document, "ben", may_write=True)
    assert numbers(session, "second", BEN) == []
    reviews.decide(session, document, [2], "ann", "approved")
    assert numbers(session, "second", BEN) == [2]
    assert numbers(session, "second") == []
    assert numbers(session, "disagreements") == []
    reviews.decide(session, document, [2], "ben", "rejected", "the total is wrong")
    assert numbers(session, "disagreements") == [2]
    assert numbers(session, "rejected") == [2]
    assert numbers(session, "approved") == []


def test_pages_are_given_to_reviewers(session, document):
    shares.give(session, document, "ben", may_write=True)
    reviews.assign(session, document, [1, 3], "ben")
    assert numbers(session, "mine", BEN) == [3, 1]
    reviews.decide(session, document, [3], "ben", "approved")
    assert numbers(session, "mine", BEN) == [1]
    reviews.take_back(session, document, 1, "ben")
    assert numbers(session, "mine", BEN) == []
    session.add(User(id="eve", name="eve", role="viewer"))
    session.flush()
    with pytest.raises(Rejected, match="viewer"):
        reviews.assign(session, document, [1], "eve")
    with pytest.raises(NotFound):
        reviews.assign(session, document, [1], "nobody")


def test_only_pages_that_one_may_change_are_shown(session, document):
    assert numbers(session, who=BEN) == []
    shares.give(session, document, "ben", may_write=False)
    assert numbers(session, who=BEN) == []
    assert numbers(session, who=access.Principal("ann", "ann", "viewer")) == []
    assert numbers(session, who=access.Principal("x", "x", "admin")) == [2, 3, 1]
    shares.give(session, document, "ben", may_write=True)
    assert numbers(session, who=BEN) == [2, 3, 1]


def test_after_a_page_comes_the_next_of_its_document(session, document):
    assert reviews.following(session, ANN, document, 1) == (document.id, 2)
    assert reviews.following(session, ANN, document, 3) == (document.id, 1)
    reviews.decide(session, document, [1, 2], "ann", "approved")
    assert reviews.following(session, ANN, document, 3) is None


def test_pages_that_are_not_read_wait(session, document):
    session.get_one(PageRow, (document.run_id, 3)).status = "failed"
    session.flush()
    assert numbers(session) == [2, 1]
    assert reviews.decide(session, document, [1, 2, 3], "ann", "approved") == 2


def test_figures_tell_what_was_looked_at_and_how_often_it_was_wrong(session, document):
    said = [{"op": "replace", "id": "aw0", "text": "other"}, {"op": "replace", "id": "aw1", "text": "word1"}]
    page = corrections.add(session, document, 2, said, user_id="ann", expected=None)
    corrections.add(session, document, 3, [{"op": "delete", "id": "aw0"}], user_id="ann", expected=None)
    corrections.undo(session, document, 3, expected=None)
    reviews.measure(session, document, 2, page)
    reviews.decide(session, document, [2], "ann", "approved")
    reviews.decide(session, document, [2], "ben", "approved")
    *before, today = review_figures.by_day(session, ANN)
    assert (today.looked, today.wrong, today.approved) == (2, 1, 2)
    assert not any(day.looked or day.approved for day in before)
    engines, types = review_figures.rates(session, ANN)
    assert [(one.name, one.all) for one in types] == [("application/pdf", (1, 3, 1))]
    assert engines[0].all.share == pytest.approx(1 / 3)
    assert engines[0].days == {today.day: (1, 3, 1)}
    assert review_figures.rates(session, BEN) == ([], [])
