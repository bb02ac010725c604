"""What a comparison of models says: for the terminal, and as one HTML file with pictures of what changed.

The HTML needs nothing from outside: pictures are data URIs, there is no script. Text is always escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from PIL import Image, ImageDraw

from docproc.evaluate.asking import MORE, Measured
from docproc.evaluate.compare import SURE, Row, changed, compare
from docproc.evaluate.examples import FIGURES, Scored, boxes
from docproc.evaluate.html import READ_COLOR, STYLE, TRUE_COLOR, difference, html_table, picture_tag
from docproc.evaluate.report import aligned

SHOWN = 8
"""Examples shown of those that got worse, and of those that got better."""
BOXED = ("detect", "segment")
"""Tasks whose pictures show boxes."""
SECOND_COLOR = (30, 90, 200)
SHORTEST, TALLEST = 160, 500
"""Pictures are made at least and at most so many pixels wide or high."""
OPENING = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
)
NOTE = (
    "Examples of a task count together; how sure a difference is, is told by the {sure:g} % interval of a paired "
    "bootstrap over documents. An answer is cut {more} tokens beyond as many as the right one has characters."
)


def table(models: Sequence[Measured]) -> str:
    """Return the figures of one or two models as lines of plain text, with what the figures mean."""
    found = rows(models)
    names = dict.fromkeys(one.figure for one in found)
    meaning = [f"{FIGURES[name].title}: {FIGURES[name].definition}" for name in names]
    return "\n\n".join([aligned(cells(models, found)), note(), "\n".join(meaning)])


def rows(models: Sequence[Measured]) -> list[Row]:
    """Return the figures of one or two models."""
    return compare(models[0].scored, models[1].scored if len(models) > 1 else None)


def note() -> str:
    """Return what is said below every table."""
    return NOTE.format(sure=SURE, more=MORE)


def cells(models: Sequence[Measured], found: Sequence[Row]) -> list[list[str]]:
    """Return rows of cells, a heading first."""
    two = len(models) > 1
    head = ["task", "kind", "figure", "examples", "documents", *(one.name for one in models)]
    body = []
    for row in found:
        cell = [row.task, row.kind or "all", FIGURES[row.figure].title, str(row.examples), str(row.documents)]
        cell.append(f"{row.first:.3f}")
        if two:
            cell += [f"{row.second:.3f}", f"{row.difference:+.3f}", _interval(row), _verdict(row)]
        body.append(cell)
    return [[*head, *(["difference", f"{SURE:g} % interval", ""] if two else [])], *body]


def html(models: Sequence[Measured], about: str) -> str:
    """Return the report; `about` says in a line on what was measured."""
    found = rows(models)
    title = " and ".join(one.name for one in models)
    engines = "".join(f"<li>{escape(one.name)}: <small>{escape(one.engine)}</small></li>" for one in models)
    meaning = "".join(
        f"<dt>{escape(FIGURES[name].title)}</dt><dd>{escape(FIGURES[name].definition)}</dd>"
        for name in dict.fromkeys(one.figure for one in found)
    )
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(about)}</p><ul>{engines}</ul>",
        f'<div class="wide">{html_table(cells(models, found), "figures")}</div><p>{escape(note())}</p>',
        *_examples(models),
        f"<h2>What the figures mean</h2><dl>{meaning}</dl>",
    ]
    return (
        f"{OPENING}<title>docproc evaluate: {escape(title)}</title><style>{STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _interval(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"[{row.low:+.3f}, {row.high:+.3f}]"


def _verdict(row: Row) -> str:
    _, low, high = row.gain
    if low is None or high is None:
        return ""
    return "better" if low > 0 else "worse" if high < 0 else ""


def _examples(models: Sequence[Measured]) -> Iterator[str]:
    if len(models) == 1:
        worst = sorted((one for one in models[0].scored if one.goodness < 1), key=lambda one: one.goodness)
        yield f"<h2>Worst</h2>{_figures(models, [(one,) for one in worst[:SHOWN]])}"
        return
    moved = changed(models[0].scored, models[1].scored)
    worse, better = [one for one in moved if one[0] < 0], [one for one in reversed(moved) if one[0] > 0]
    same = len(models[0].scored) - len(moved)
    yield f"<p>{len(better)} examples got better, {len(worse)} worse, {same} are as good as before.</p>"
    for name, some in (("worse", worse), ("better", better)):
        yield f"<h2>Got {name}</h2>{_figures(models, [(a, b) for _, a, b in some[:SHOWN]])}"


def _figures(models: Sequence[Measured], shown: Sequence[Sequence[Scored]]) -> str:
    return "".join(_figure(models, one) for one in shown) or "<p>None.</p>"


def _figure(models: Sequence[Measured], shown: Sequence[Scored]) -> str:
    example = shown[0].example
    name = " ".join(filter(None, (example.task, example.kind, example.document)))
    if example.task in BOXED:
        name += ". Green: right; red: the first model" + ("; blue: the second." if len(models) > 1 else ".")
    says = [
        f"<div><small>{escape(model.name)}, {one.goodness:.2f}</small> {difference(example.suffix, one.text)}</div>"
        for model, one in zip(models, shown, strict=False)
    ]
    return (
        f"<figure>{_picture(shown)}<figcaption><small>{escape(name)}</small> {escape(example.prefix)}"
        f"<div><small>right</small> {escape(example.suffix)}</div>{''.join(says)}</figcaption></figure>"
    )


def _picture(shown: Sequence[Scored]) -> str:
    """Return the image of an example; the true boxes green, those of the first model red, of the second blue."""
    example = shown[0].example
    with Image.open(example.image) as opened:
        image = opened.convert("RGB")
    scale = min(max(SHORTEST / image.width, 1.0), TALLEST / image.height)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    image = image.resize(size)
    if example.task in BOXED:
        pen = ImageDraw.Draw(image)
        texts = (example.suffix, *(one.text for one in shown))
        for text, color in zip(texts, (TRUE_COLOR, READ_COLOR, SECOND_COLOR), strict=False):
            for label, box in boxes(text, example.prefix):
                left, top = box.left * size[0], box.top * size[1]
                pen.rectangle((left, top, box.right * size[0], box.bottom * size[1]), outline=color, width=2)
                pen.text((left + 3, top + 1), label, fill=color)
    return picture_tag(image)
