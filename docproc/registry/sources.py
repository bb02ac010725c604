"""What `docproc models add` takes: folders, files of big_vision, adapters, repositories of Hugging Face."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from docproc.engines import load_masks
from docproc.engines.paligemma import checkpoint, lora
from docproc.errors import Conflict, Unavailable, Usage, no_extra
from docproc.registry import hub
from docproc.registry.card import CARD, Card
from docproc.registry.folder import Registry
from docproc.registry.licences import Accept, licence_called, require
from docproc.tasks import TASKS
from docproc.tasks.grammar import GRAMMAR, variant_of

MASKS = "vae-oid.npz"
WANTED = ("*.json", "*.safetensors", "tokenizer.model")
"""Pickled weights are left behind: loading one runs what is in it."""
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a person says of a model beside its source; what is left empty is found out, or asked for by an error.

    `tokenizer` is the folder of any PaliGemma, for an .npz; `base`, `tasks` and `prompts` are for an adapter.
    """

    name: str = ""
    variant: str = ""
    revision: str = ""
    base: str = ""
    tokenizer: Path | None = None
    tasks: tuple[str, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)


def add(registry: Registry, source: str, wanted: Wanted, *, accept: Accept, endpoint: str | None = None) -> Card:
    """Add the model at `source` to the registry; return its card.

    `source` is a folder (a checkpoint in the format of transformers, or a LoRA adapter), an .npz of big_vision (a
    checkpoint, or the decoder of masks), or the id of a repository of Hugging Face, which alone is downloaded.
    Raises Usage, Unavailable or Conflict when it cannot be used, before anything is registered.
    """
    _check(wanted)
    path = Path(source).expanduser()
    if path.exists():
        name = wanted.name or _plain(path.resolve().stem if path.is_file() else path.resolve().name)
        registry.check_free(name)
        with registry.staged() as staged:
            card = _stage(registry, path, staged, replace(wanted, name=name), source=str(path.resolve()))
            return registry.put(staged, card)
    if _HUB.fullmatch(source):
        return _from_hub(registry, source, wanted, accept, endpoint)
    raise Unavailable(
        f"There is no {source}.",
        hint="Give a folder, an .npz file, or a repository of Hugging Face like google/paligemma2-3b-mix-448.",
        code="no-source",
    )


def _from_hub(registry: Registry, repo: str, wanted: Wanted, accept: Accept, endpoint: str | None) -> Card:
    name = wanted.name or _plain(repo.rpartition("/")[2])
    registry.check_free(name)
    found = hub.look_up(repo, wanted.revision, endpoint=endpoint)
    if licence := licence_called(found.licence, gated=found.gated, page=found.page):
        require(registry, licence, accept)
    with registry.staged(f"{repo}@{found.commit}") as fetched:
        hub.fetch(found, fetched, endpoint=endpoint)
        variant = wanted.variant or variant_of(repo)
        with registry.staged() as staged:
            archives = sorted(fetched.glob("*.npz"))
            source = archives[0] if archives else fetched
            card = _stage(registry, source, staged, replace(wanted, name=name, variant=variant), source=repo)
            put = registry.put(staged, replace(card, revision=found.commit, licence=found.licence))
        shutil.rmtree(fetched)
        return put


def _stage(registry: Registry, path: Path, staged: Path, wanted: Wanted, *, source: str) -> Card:
    """Put the files of a model into `staged`; return what they are, files and number left open."""
    card = Card(
        name=wanted.name, kind="paligemma", source=source, added=datetime.now(UTC).isoformat(timespec="seconds"),
        prompts=dict(wanted.prompts),
    )  # fmt: skip
    if path.is_file() and path.suffix != ".npz":
        raise Usage(f"{path} is no .npz file.", hint="Give its folder.", code="wrong-source")
    if path.is_file() and _is_masks(path):
        load_masks(path)
        _link([path], staged, name=MASKS)
        return replace(card, kind="masks")
    if path.is_file():
        _convert(registry, path, staged, wanted)
        return describe(staged, card, checkpoint.variant_of_folder(staged))
    if (path / lora.CONFIG).is_file():
        return _stage_adapter(registry, path, staged, wanted, card)
    _link((one for pattern in WANTED for one in path.glob(pattern) if one.name != CARD), staged)
    return describe(staged, card, wanted.variant or checkpoint.variant_of_folder(path))


def describe(folder: Path, card: Card, variant: str) -> Card:
    """Return the card of a checkpoint's folder, and write the variant into it, as the folder's name will change."""
    found = checkpoint.check(folder)
    checkpoint.write_variant(folder, variant)
    return replace(
        card, variant=variant, generation=found.generation, side=found.side, dtype=found.dtype,
        parameters=found.parameters, weights=found.version,
    )  # fmt: skip


def _stage_adapter(registry: Registry, path: Path, staged: Path, wanted: Wanted, card: Card) -> Card:
    _link([path / lora.CONFIG, path / lora.WEIGHTS], staged)
    says = str(checkpoint.read_json(path / lora.CONFIG).get("base_model_name_or_path") or "")
    base = _base(registry, wanted.base, says)
    found = lora.check(staged, registry.path(base))
    for other in registry.adapters(base):
        if shared := sorted(set(other.tasks) & set(wanted.tasks)):
            raise Conflict(
                f"{other.name} answers {', '.join(shared)} for {base.name} already.",
                hint="Each task has one adapter: remove that one, or leave the task out and name the adapter.",
                code="task-taken",
            )
    return replace(
        card, kind="adapter", weights=found.weights, variant=base.variant, generation=base.generation,
        side=base.side, base=base.name, base_weights=base.weights, tasks=wanted.tasks,
    )  # fmt: skip


def _base(registry: Registry, name: str, says: str) -> Card:
    """Return the registered model of an adapter: the one that is named, which must not be another than it says."""
    models = [card for card in registry.cards() if card.kind == "paligemma"]
    if not name:
        meant = [card for card in models if says and says in {card.source, card.name}]
        if len(meant) != 1:
            raise Usage(
                f"The adapter says that it was trained on {says or 'nothing'}; no one model here is that.",
                hint="Add that model first, or name it with --base.",
                code="no-base",
            )
        return meant[0]
    base = next((card for card in models if card.name == name), None)
    if base is None:
        raise Unavailable(f"There is no model {name}.", hint="`docproc models list` shows them.", code="no-base")
    if _HUB.fullmatch(says) and _HUB.fullmatch(base.source) and says != base.source and not Path(says).exists():
        raise Usage(
            f"The adapter was trained on {says}; {name} is {base.source}.",
            hint=f"Add {says} and name that with --base.",
            code="wrong-base",
        )
    return base


def _convert(registry: Registry, path: Path, staged: Path, wanted: Wanted) -> None:
    try:
        from docproc.engines.paligemma.convert import convert  # noqa: PLC0415  (needs the extra)
    except ModuleNotFoundError as error:
        raise no_extra("Converting needs", error) from error
    variant = wanted.variant or variant_of(path.name.split(".")[0])
    convert(path, wanted.tokenizer or _tokenizer(registry, path), staged, variant=variant)


def _tokenizer(registry: Registry, path: Path) -> Path:
    """Return a folder with the tokenizer of all PaliGemmas: beside the file, or that of one that was added."""
    beside = (path.with_suffix(""), path.parent)
    here = (registry.path(card) for card in registry.cards() if card.kind == "paligemma" and card.version)
    found = next((folder for folder in (*beside, *here) if (folder / "tokenizer.json").is_file()), None)
    if found is None:
        raise Unavailable(
            "big_vision keeps its tokenizer elsewhere, and there is none here.",
            hint="Put the tokenizer.json of any PaliGemma beside the file, or give its folder with --tokenizer.",
            code="no-tokenizer",
        )
    return found


def _is_masks(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("_vq_vae.") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError) as error:
        raise Usage(f"{path} is no whole .npz file.", hint="Download it again.", code="truncated") from error


def _link(paths: Iterable[Path], folder: Path, *, name: str = "") -> None:
    """Put files into a folder, without a copy where the file system can; later deletion of either harms no other."""
    for path in paths:
        if not path.is_file():
            raise Unavailable(f"{path} is missing.", hint="Copy all files.", code="incomplete")
        target, real = folder / (name or path.name), path.resolve()
        try:
            target.hardlink_to(real)
        except OSError:  # another file system, or one without links
            shutil.copyfile(real, target)


def _check(wanted: Wanted) -> None:
    if wanted.variant and wanted.variant not in GRAMMAR:
        raise Usage(f"There is no variant {wanted.variant!r}.", hint=f"Known are {', '.join(GRAMMAR)}.")
    for task in (*wanted.tasks, *wanted.prompts):
        if task not in TASKS:
            raise Usage(f"There is no task called {task!r}.", hint=f"Tasks: {', '.join(TASKS)}.")


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "model"
