import numpy as np
import pytest

from docproc.embed import LENGTH, SIZE, Embedder, embedder, wordpieces


def cosine(first, second):
    vectors = embedder().embed([first, second])
    return float(vectors[0] @ vectors[1])


def test_vectors_have_the_length_of_one_in_the_order_of_the_texts():
    texts = ["a short one", "a much longer text " * 10, "", "a short one"]
    vectors = embedder().embed(texts)
    assert vectors.shape == (4, SIZE)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] @ vectors[3] > 0.99
    assert embedder().embed([]).shape == (0, SIZE)


def test_what_means_the_same_is_nearer_than_what_shares_words():
    assert cosine("How much do I have to pay?", "The total amount due is 12.50") > 0.3
    assert cosine("The cat sat on the mat", "A kitten rests on the rug") > cosine(
        "The cat sat on the mat", "The bill for the mat is overdue"
    )


def test_a_text_means_the_same_beside_others():
    """Padding changes nothing but the rounding of activations."""
    alone = embedder().embed(["invoice number 17"])[0]
    beside = embedder().embed(["invoice number 17", "many words " * 50])[0]
    assert alone @ beside > 0.97


def test_it_gives_what_the_original_gives():
    """First numbers of the vector that sentence-transformers makes of this sentence."""
    [vector] = Embedder().embed(["This is an example sentence"])
    assert vector[:4] == pytest.approx([0.0677, 0.0635, 0.0487, 0.0793], abs=0.02)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [101, 102]),
        ("Hello, World!", [101, 7592, 1010, 2088, 999, 102]),
        ("hello\x00 \u200bworld", [101, 7592, 2088, 102]),
        ("CAFÉ café", [101, 7668, 7668, 102]),
        ("x" * 101, [101, 100, 102]),
        ("unaffable", [101, 14477, 20961, 3468, 102]),
    ],
)
def test_words_are_divided_as_bert_does(text, ids):
    assert wordpieces(text) == ids


def test_long_texts_are_cut():
    assert len(wordpieces("word " * 10_000)) == LENGTH
    assert len(wordpieces("a" * 10_000_000)) == 3
