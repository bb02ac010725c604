"""The models that a person added: one folder for each below DATA/models, with a card that says what it is.

    models/NAME/current.json     which version is used, and which were before
    models/NAME/1/card.json      where it came from, its hashes, what it can
    models/NAME/1/...            its files
    models/licences.json         the licences that were accepted, and when

A version appears by a rename, whole or not at all, and is never edited; `current.json` is replaced by a rename too.
So any number of processes may read while one adds. The small PaliGemma that comes with docproc, `nano`, is found
here too, as a version 0 that lies in the package; models inside other packages are in `docproc.models`. Nothing here
imports torch, and nothing but `docproc.registry.hub`, which only `docproc models add` calls, connects to anything.
"""

from __future__ import annotations

from docproc.registry.card import Card, Kind
from docproc.registry.folder import Located, Registry

__all__ = ["Card", "Kind", "Located", "Registry"]
