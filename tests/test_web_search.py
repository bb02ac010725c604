import pytest
from search_pages import Library, page

from docproc.embed import embedder
from docproc.store.access import Principal
from docproc.store.search import nearest
from worker.meaning import embed_waiting


@pytest.fixture
def anna(service):
    client = service.client()
    with service.database.write() as session:
        Library(session).document(
            Principal(client.user_id, "anna", "reviewer"),
            page("The <b>total</b> is", "1,234.50 EUR", number=1),
            page("total total", number=2),
            filename="<i>invoice.pdf",
        )
    return client


def test_hits_say_page_snippet_and_boxes(anna):
    answer = anna.get('/search?q="is 1234.50"')
    assert answer.status_code == 200, answer.text
    assert answer.json["next"] is None
    (hit,) = answer.json["hits"]
    assert {"document", "page", "score", "snippet", "boxes"} <= hit.keys()
    assert hit["page"] == 1
    assert hit["boxes"] == [[200, 0, 290, 15], [0, 20, 90, 35]]
    assert hit["snippet"] == "The <b>total</b> is 1,234.50 EUR"
    assert {"text": "is 1,234.50", "match": True} in hit["parts"]


def test_hits_are_read_on_from_next(anna):
    first = anna.get("/search", query_string={"q": "total", "limit": 1}).json
    second = anna.get("/search", query_string={"q": "total", "limit": 1, "after": first["next"]}).json
    assert [first["hits"][0]["page"], second["hits"][0]["page"]] == [2, 1]
    assert second["next"] is None


@pytest.fixture
def prepared(service, anna, monkeypatch):
    """Pages with their vectors, the real ones."""
    monkeypatch.setattr(nearest, "FRESH_SECONDS", 0.0)
    with service.database.write() as session:
        Library(session).document(
            Principal(anna.user_id, "anna", "reviewer"),
            page("The patient may eat nothing", "before the operation", number=1),
            page("Payment is due within thirty days", number=2),
            filename="letter.pdf",
        )
    assert embed_waiting(service.database, embedder(), 10)
    return anna


@pytest.mark.parametrize(
    ("question", "number"), [("fasting before surgery", 1), ("when must the bill be settled?", 2)]
)
def test_pages_are_found_by_their_meaning(prepared, question, number):
    assert prepared.get("/search", query_string={"q": question}).json["hits"] == []
    for mode in ("meaning", "both"):
        answer = prepared.get("/search", query_string={"q": question, "mode": mode}).json
        first = answer["hits"][0]
        assert (first["filename"], first["page"], first["found_by"]) == ("letter.pdf", number, ["meaning"])
        assert first["boxes"]
        assert answer["complete"]


def test_words_and_meaning_together_find_more_than_words(prepared):
    answer = prepared.get("/search", query_string={"q": "payment", "mode": "both"}).json
    assert answer["hits"][0]["found_by"] == ["text", "meaning"]
    assert prepared.get("/search", query_string={"q": "payment", "mode": "magic"}).status_code == 422
    assert prepared.get("/search", query_string={"q": "NOT x", "mode": "both"}).status_code == 422


def test_a_stranger_finds_nothing_by_meaning(service, prepared):
    ben = service.client("ben")
    for mode in ("meaning", "both"):
        assert ben.get("/search", query_string={"q": "payment", "mode": mode}).json["hits"] == []


def test_the_answer_says_when_pages_are_not_prepared_yet(service, prepared):
    with service.database.write() as session:
        Library(session).document(Principal(prepared.user_id, "anna", "reviewer"), page("more"))
    assert not prepared.get("/search?q=payment&mode=both").json["complete"]
    assert prepared.get("/search?q=payment").json["complete"]


def test_a_stranger_learns_nothing(service, anna):
    ben = service.client("ben")
    assert ben.get("/search?q=total").json == {"hits": [], "next": None, "complete": True, "limits": []}
    assert service.app.test_client().get("/api/v1/search?q=total").status_code == 401


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 422),
        ({"q": ""}, 200),
        ({"q": "NOT x"}, 422),
        ({"q": "date:never"}, 422),
        ({"q": "x" * 10_000}, 422),
        ({"q": "x" * 30_000}, 422),
        ({"q": "x", "limit": 0}, 422),
        ({"q": "x", "limit": 101}, 422),
        ({"q": "x", "after": "nowhere"}, 422),
        ({"q": "x", "after": ""}, 200),
        ({"q": "\x00'\"; DROP TABLE users; --"}, 200),
        ({"q": 'tokens:x NEAR(a b) {a}^"*'}, 200),
    ],
)
def test_what_is_asked_wrongly_is_told_as_a_problem(anna, query, status):
    answer = anna.get("/search", query_string=query)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.mimetype == "application/problem+json"
        assert answer.json["detail"]
