"""What the pictures of a document show, in words: their alt text in every export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from docproc.document import Page, Problem
from docproc.errors import EngineFailed, Unavailable
from docproc.intake import Upload
from docproc.pipeline import Reader
from docproc.tasks.pages import Model, describe_pictures


def captioned(reader: Reader, upload: Upload, pages: Iterable[Page], model: Model) -> Iterator[Page]:
    """Yield the pages with a caption of every picture that has none; the others are passed on as they are.

    A page with pictures is drawn once more and the model asked once per picture: on a GPU that is a fraction of a
    second each, with 3 billion parameters on a CPU most of a minute. Where the model fails the page comes without
    captions and says so in `problems`.
    """
    for page in pages:
        if not any(region.label == "picture" and not region.alt_text for region in page.regions):
            yield page
            continue
        try:
            yield describe_pictures(model, page, reader.draw(upload, page.number, rotation=page.rotation))
        except (EngineFailed, Unavailable) as error:
            yield replace(page, problems=(*page.problems, Problem(error.code, error.message, error.hint)))
