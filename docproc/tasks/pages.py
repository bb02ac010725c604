"""A task on a page: the model is shown views of it, and what it found in them is brought back to the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from docproc.document import Page
from docproc.engines import Generation, Limits, VisionEngine, VisionRequest
from docproc.errors import EngineFailed, Unavailable, Usage
from docproc.findings import Finding
from docproc.geometry import Box
from docproc.raster import PageImage
from docproc.tasks import TASKS
from docproc.tasks.asking import Ask, Seen, Task, View
from docproc.tasks.grammar import Rules, Trained
from docproc.tasks.join import join
from docproc.tasks.masks import MaskDecoder
from docproc.tasks.views import views_of


@dataclass(frozen=True, slots=True)
class Found:
    """What a task found on a page.

    `invalid` objects the model wrote made no sense; in `unfinished` views it had more to write than it could.
    """

    findings: tuple[Finding, ...]
    views: tuple[View, ...]
    invalid: int = 0
    unfinished: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A vision engine with what its prompts and masks need: `own` templates of a fine-tune, the mask decoder.

    `adapters` are task -> the adapter of the engine's model that answers it; other tasks are the model's own.
    """

    engine: VisionEngine
    own: Rules = field(default_factory=dict)
    decoder: MaskDecoder | None = None
    adapters: Mapping[str, str] = field(default_factory=dict)

    @property
    def trained(self) -> Trained:
        """What it was trained for."""
        return Trained(self.engine.variant, self.own)


def find(
    model: Model,
    ask: Ask,
    image: PageImage,
    *,
    number: int = 1,
    page: Box | None = None,
    seconds: float | None = None,
) -> Found:
    """Ask a model about page `number`, drawn whole in `image`; `seconds` is the time for all its views.

    `page` is its rectangle, in points, where that is a bit less than the whole pixels of the image.

    Raises Usage when the model does not know the task or something is missing, Unavailable when it cannot make
    masks, EngineFailed when it fails.
    """
    return find_all(model, [ask], image, number=number, page=page, seconds=seconds)[0]


def find_all(
    model: Model,
    asks: Sequence[Ask],
    image: PageImage,
    *,
    number: int = 1,
    page: Box | None = None,
    seconds: float | None = None,
) -> list[Found]:
    """Ask a model several things about a page in one batch; the rest is as in `find`."""
    looks = [_look(model, ask, image) for ask in asks]
    requests = [
        VisionRequest(view.image, prompt, Limits(look.task.tokens, seconds), model.adapters.get(look.task.name, ""))
        for look in looks
        for view, prompt in look.views
    ]
    written = model.engine.generate(requests)
    if len(written) != len(requests):
        raise EngineFailed(f"{model.engine.name} answered {len(written)} of {len(requests)} prompts.")
    rest = iter(written)
    sheet = _Sheet(number, (page or image.box).clipped(image.box))
    return [_found(look, [next(rest) for _ in look.views], sheet, model.decoder) for look in looks]


def task_called(name: str) -> Task:
    """Return the task of that name; raise Usage when there is none."""
    if name not in TASKS:
        raise Usage(f"There is no task called {name!r}.", hint=f"Tasks: {', '.join(TASKS)}.")
    return TASKS[name]


def describe_pictures(model: Model, page: Page, image: PageImage, *, language: str = "en") -> Page:
    """Return the page with a caption as alt text of every picture region that has none.

    Exports write it. Raises what `find` does.
    """
    bare = [one for one in page.regions if one.label == "picture" and not one.alt_text and one.box.overlap(image.box)]
    asks = [Ask(task="caption", language=language, box=region.box) for region in bare]
    found = find_all(model, asks, image, number=page.number, page=Box(0, 0, page.width, page.height)) if asks else []
    texts = {
        region.id: one.findings[0].text for region, one in zip(bare, found, strict=True) if one.findings
    }  # fmt: skip
    regions = (replace(one, alt_text=texts[one.id]) if one.id in texts else one for one in page.regions)
    return replace(page, regions=tuple(regions))


@dataclass(frozen=True, slots=True)
class _Look:
    """A task that is asked, and each view with its prompt."""

    ask: Ask
    task: Task
    views: list[tuple[View, str]]


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A page by its number and rectangle."""

    number: int
    box: Box


def _look(model: Model, ask: Ask, image: PageImage) -> _Look:
    task = task_called(ask.task)
    if task.name == "segment" and model.decoder is None:
        raise Unavailable(
            "Masks need the weights of their decoder, vae-oid.npz.",
            hint="Put the file of big_vision beside the model, or use detect for boxes.",
            code="no-mask-decoder",
        )
    views = views_of(task, ask, image, model.trained, model.engine.side)
    return _Look(ask, task, [(view, task.prompt(ask, view, model.trained)) for view in views])


def _found(look: _Look, written: Sequence[Generation], sheet: _Sheet, decoder: MaskDecoder | None) -> Found:
    parsed = [
        look.task.parse(
            Seen(
                ask=look.ask,
                number=sheet.number,
                page=sheet.box,
                view=view,
                prompt=prompt,
                generation=generation,
                decoder=decoder,
            )
        )
        for (view, prompt), generation in zip(look.views, written, strict=True)
    ]
    boxes = [view.box.clipped(sheet.box) for view, _ in look.views]
    if look.task.reads == "text":  # each text belongs to its view
        findings = [replace(found, box=box) for box, one in zip(boxes, parsed, strict=True) for found in one.findings]
    else:
        within = look.ask.box.clipped(sheet.box) if look.ask.box else sheet.box
        findings = join(within, [(box, one.findings) for box, one in zip(boxes, parsed, strict=True)])
        if look.task.name == "answer":  # asked of every line, it has one answer: the surest
            findings = sorted(findings, key=lambda found: -(found.confidence or 0.0))[:1]
    return Found(
        tuple(findings),
        tuple(view for view, _ in look.views),
        sum(one.invalid for one in parsed),
        sum(generation.stopped != "end" for generation in written),
    )
