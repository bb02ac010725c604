"""Questions about a file put to a vision model: it sees the pages that they are about, words are the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docproc.document import Page
from docproc.findings import Answer
from docproc.intake import Upload, open_upload
from docproc.raster import PageImage, rasterize
from docproc.sandbox import Sandbox
from docproc.settings import Settings
from docproc.tasks.answering import answer_pages, best_answer
from docproc.tasks.pages import Model


def ask_model(
    file: Path, password: str | None, model: Model, asked: Sequence[tuple[str, list[Page]]]
) -> list[Answer]:
    """Return the best answer of a model to each question, from the pages of the file that stand beside it.

    Raises Usage for a question that is wrong, or a model that was not trained for questions; EngineFailed.
    """
    settings = Settings.from_environment()
    answers = []
    with Sandbox(settings) as sandbox:
        upload = open_upload(file, sandbox, password=password, settings=settings)
        for question, pages in asked:
            seen = [(page, _drawn(upload, page, sandbox, settings)) for page in pages]
            found = best_answer(answer_pages(model, question, seen)) if seen else None
            name = f"{model.engine.name} {model.engine.version}"
            answers.append(found or Answer(text="", not_found=True, engine=name))
    return answers


def _drawn(upload: Upload, page: Page, sandbox: Sandbox, settings: Settings) -> PageImage:
    """Return the picture of a page, upright as its reading says."""
    image = rasterize(upload, page.number, sandbox, settings=settings).image
    return PageImage(np.ascontiguousarray(np.rot90(image.pixels, -(page.rotation // 90))), image.dpi)
