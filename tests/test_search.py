import pytest
from search_pages import Library, page

from docproc.store import search


@pytest.fixture
def session(database):
    with database.write() as opened:
        yield opened


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
