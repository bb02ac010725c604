"""The installation's secret key: it signs sessions and seals what must not lie in the database in plain text."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from docproc.errors import Unavailable, Usage
from docproc.settings import Settings

FILE = "secret.key"
SHORTEST = 16
"""Characters that DOCPROC_SECRET_KEY must have at least."""


def key(settings: Settings) -> bytes:
    """Return 32 secret bytes: from DOCPROC_SECRET_KEY, else from a file that is made in the data folder.

    Raises Usage when the setting is too short to be a secret.
    """
    if settings.secret_key and len(settings.secret_key) < SHORTEST:
        raise Usage(
            f"DOCPROC_SECRET_KEY is shorter than {SHORTEST} characters.",
            hint="`openssl rand -hex 32` makes a good one.",
        )
    return hashlib.sha256(text(settings).encode()).digest()


def text(settings: Settings) -> str:
    """Return the secret as it is written in the setting or the file; for backups."""
    return settings.secret_key or _from_file(settings.data_dir.expanduser() / FILE)


def keep(settings: Settings, secret: str) -> None:
    """Write the secret of a backup into the data folder, in place of what is there."""
    path = settings.data_dir.expanduser() / FILE
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = _written(path, secret)
    made.replace(path)


def seal(settings: Settings, plain: str) -> bytes:
    """Encrypt and sign `plain`."""
    return _fernet(settings).encrypt(plain.encode())


def unseal(settings: Settings, data: bytes) -> str:
    """Return the text that was sealed; raise Unavailable when it was sealed with another key."""
    try:
        return _fernet(settings).decrypt(data).decode()
    except InvalidToken:
        raise Unavailable(
            "A stored secret was sealed with another key.",
            hint="DOCPROC_SECRET_KEY must be the same for all processes, and the same as when it was stored.",
            code="wrong-key",
        ) from None


def _fernet(settings: Settings) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"docproc seal").derive(key(settings))
    return Fernet(base64.urlsafe_b64encode(derived))


def _from_file(path: Path) -> str:
    """Read the key, or make one; of several processes that make one at a time, one wins and all get its key."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = _written(path, secrets.token_hex(32))
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return path.read_text("utf-8")


def _written(path: Path, secret: str) -> Path:
    """Write a file beside `path`, on to the disk, that only its owner may read."""
    made = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return made
