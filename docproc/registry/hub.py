"""Models from Hugging Face: the only place of docproc that downloads, when a person asks for it by name.

Signing in is that of `hf auth login` or HF_TOKEN, as the library `huggingface_hub` does it.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from docproc.errors import DocprocError, Unavailable, Usage, no_extra
from docproc.registry.folder import hashes

WANTED = ("*.json", "*.safetensors", "*.npz", "tokenizer.model")
"""Pickled weights are never fetched: loading one runs what is in it."""
DISK = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT)
SITE = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit. `files` are path -> SHA-256, empty where the site knows none."""

    id: str
    commit: str
    licence: str
    gated: bool
    files: Mapping[str, str]

    @property
    def page(self) -> str:
        """The page on which its licence can be accepted."""
        return f"{SITE}/{self.id}"


def look_up(repo: str, revision: str = "", *, endpoint: str | None = None) -> Repository:
    """Return what Hugging Face says of a repository; nothing is downloaded yet.

    Raises Unavailable, with another code each: "no-network", "no-repository", "not-signed-in",
    "licence-not-accepted".
    """
    api = _library().HfApi(endpoint=endpoint)
    with _Told(repo):
        found = api.model_info(repo, revision=revision or None, files_metadata=True)
        api.auth_check(repo)
    card = found.card_data or {}
    names = {one.rfilename: one.lfs.sha256 if one.lfs else "" for one in found.siblings or []}
    return Repository(repo, str(found.sha), str(card.get("license") or ""), bool(found.gated), names)


def fetch(repository: Repository, folder: Path, *, endpoint: str | None = None) -> None:
    """Download the files of a model into `folder`, going on with what an attempt before left there.

    Raises as `look_up` does, and Usage when a file is not what the site says it is.
    """
    unwanted = ["*.npz"] if any(name.endswith(".safetensors") for name in repository.files) else None
    with _Told(repository.id):
        _library().snapshot_download(
            repository.id, revision=repository.commit, local_dir=folder, endpoint=endpoint,
            allow_patterns=list(WANTED), ignore_patterns=unwanted,
        )  # fmt: skip
    now = hashes(folder)
    for name, digest in repository.files.items():
        if digest and name in now and now[name] != digest:
            (folder / name).unlink()
            raise Usage(f"{name} is not whole.", hint="Run the command again: it is fetched anew.", code="truncated")


class _Told:
    """Turns what goes wrong on the way to Hugging Face into errors that say what to do."""

    def __init__(self, repo: str) -> None:
        self._repo = repo

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        errors = _library().errors
        network = (OSError, httpx.HTTPError, getattr(errors, "HTTPError", OSError), errors.HFValidationError)
        if isinstance(error, network) and getattr(error, "errno", None) not in DISK:
            raise self._meaning(error, errors) from error

    def _meaning(self, error: BaseException, errors: Any) -> DocprocError:
        status = getattr(getattr(error, "response", None), "status_code", 0)
        page = f"{SITE}/{self._repo}"
        if isinstance(error, errors.GatedRepoError) and status == 403:
            return Unavailable(
                f"You are signed in, but have not accepted the licence of {self._repo} on its page.",
                hint=f"Accept it at {page} and run the command again.",
                code="licence-not-accepted",
            )
        if isinstance(error, errors.GatedRepoError) or (
            status == 401 and not isinstance(error, errors.RepositoryNotFoundError)
        ):
            return Unavailable(
                f"{self._repo} is given out to people who are signed in; you are not, or your token has expired.",
                hint=f"Accept the licence at {page}, then `hf auth login`, or set HF_TOKEN.",
                code="not-signed-in",
            )
        if isinstance(
            error, (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.HFValidationError)
        ):
            return Unavailable(
                f"Hugging Face has no {self._repo} with that revision, or it is private and you are not signed in.",
                hint="Look for a typing error in its name.",
                code="no-repository",
            )
        if isinstance(error, errors.OfflineModeIsEnabled):
            why = "HF_HUB_OFFLINE is set"
        else:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Unavailable(
            f"Hugging Face could not be reached ({why}).",
            hint="Check the network, or download the files elsewhere and add their folder.",
            code="no-network",
        )


def _library() -> Any:
    try:
        import huggingface_hub  # noqa: PLC0415  (part of the extra)
        import huggingface_hub.errors  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise no_extra("Models from Hugging Face need", error) from error
    return huggingface_hub
