"""JSON Schemas that say what to find: checked, resolved, and made into hints for each value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import jsonschema

from docproc.errors import Rejected, Usage
from docproc.labels import kinds, named, plain

Schema = Mapping[str, Any]
PRESETS = ("invoice", "receipt", "letter", "form")
MOST_BYTES, MOST_VALUES, DEEPEST = 64_000, 300, 8
"""Limits of a schema: characters as JSON, values in it, levels."""
MOST_PATTERN = 120

_NESTED = re.compile(r"\([^()]*[+*}|][^()]*\)\s*[+*{]|\\\d|\(\?")
"""Patterns that can take for ever, or look back: repeated groups with repetitions or choices in them."""
_PARTIES = {
    "seller": "seller", "vendor": "seller", "supplier": "seller", "merchant": "seller", "store": "seller",
    "shop": "seller", "issuer": "seller", "company": "seller", "provider": "seller", "sender": "sender",
    "author": "sender", "from": "sender", "buyer": "buyer", "customer": "buyer", "client": "buyer", "bill": "buyer",
    "billing": "buyer", "billed": "buyer", "recipient": "recipient", "addressee": "recipient", "to": "recipient",
    "shipping": "ship_to", "ship": "ship_to", "delivery": "ship_to", "partner": "seller", "restaurant": "seller",
}  # fmt: skip
_ALIASES = {
    "vat": "tax", "amount untaxed": "subtotal", "amount tax": "tax", "amount total": "total", "total tax": "tax",
    "untaxed": "subtotal", "gross": "total", "gross amount": "total", "vendor": "seller", "issuer": "seller",
    "total gross": "total", "total net": "subtotal", "net total": "subtotal", "issue date": "date",
    "number": "reference",
    "signatory": "sender", "signed by": "sender", "tax number": "tax_id", "vat id": "tax_id",
    "currency code": "currency", "shipping cost": "shipping", "tip": "service_charge", "paid": "cash",
    "greeting": "salutation",
    "salutation": "salutation", "closing": "closing", "items count": "quantity", "grand total": "total",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hint:
    """What is known of a value that is looked for.

    `wordings` are what the schema calls it, the name first; `roles` the fields of `docproc.labels` that it may be,
    and those with a party: "seller address". `kind` is date, time, money, number, integer, boolean, email, url or
    text; `choices` what it must be one of.
    """

    wordings: tuple[str, ...]
    roles: tuple[str, ...] = ()
    kind: str = "text"
    choices: tuple[Any, ...] = ()
    schema: Schema = field(default_factory=dict)


def preset(name: str) -> dict[str, Any]:
    """Return a schema that ships with docproc; raise Usage for a name that is none of `PRESETS`."""
    if name not in PRESETS:
        raise Usage(f"There is no preset {name!r}.", hint=f"There are {', '.join(PRESETS)}; or name a file.")
    found: dict[str, Any] = json.loads(files("docproc.fields").joinpath(f"presets/{name}.json").read_text("utf-8"))
    return found


def checked(schema: Any) -> dict[str, Any]:
    """Return the schema with its references put in; raise Rejected (code `bad-schema`) with what is wrong with it."""
    if not isinstance(schema, dict):
        raise _bad("The schema is no JSON object.", "Give an object with `properties`.")
    try:
        size = len(json.dumps(schema))
    except (TypeError, ValueError, RecursionError):
        raise _bad("The schema is no JSON.", "Give an object with `properties`.") from None
    if size > MOST_BYTES:
        raise _bad(f"The schema has {size:,} characters; the limit is {MOST_BYTES:,}.", "Ask for less at a time.")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise _bad(f"The schema is no JSON Schema: {error.message[:200]} (at /{place}).", _DRAFT) from None
    whole = _resolved(schema, schema, (), 0)
    if not isinstance(whole.get("properties"), dict) or not whole["properties"]:
        raise _bad("The schema names no properties.", 'Give {"type": "object", "properties": {...}}.')
    if sum(1 for _ in _leaves(whole)) > MOST_VALUES:
        raise _bad(f"The schema asks for more than {MOST_VALUES} values.", "Ask for less at a time.")
    return whole


def type_of(schema: Schema) -> str:
    """Return the type of a value that is not null: object, array, string, number, integer or boolean."""
    stated = schema.get("type")
    if isinstance(stated, list):
        stated = next((one for one in stated if one != "null"), "string")
    if stated is None:
        stated = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(stated)


def hint_of(name: str, schema: Schema, parents: tuple[str, ...] = ()) -> Hint:
    """Return what a property's name, title and description, and those of the objects it is in, tell about it."""
    said = [plain(_apart(name))]
    said += [plain(str(schema[key])) for key in ("title", "description") if schema.get(key)]
    context = [plain(_apart(parent)) for parent in parents]
    roles = dict.fromkeys(role for text in said for role in _roles(text, context))
    kind = _kind(schema, tuple(roles))
    choices = tuple(schema.get("enum", ())) or ((schema["const"],) if "const" in schema else ())
    return Hint(tuple(dict.fromkeys(filter(None, said))), tuple(roles), kind, choices, schema)


def _roles(text: str, context: list[str]) -> Iterator[str]:
    """Yield the fields that a wording names, the likeliest first."""
    words = text.split()
    party = next((_PARTIES[word] for word in (*words, *" ".join(context).split()) if word in _PARTIES), "")
    if party and "address" in words:
        yield f"{party} address"
    elif party and ("name" in words or (len(words) == 1 and words[0] in _PARTIES)):
        yield party
    if text in _ALIASES:
        yield _ALIASES[text]
    for one in named(text):
        if one.score >= 0.45:
            yield one.field
    if party and len(words) > 1 and not context and "name" not in words and "address" not in words:
        return


def _kind(schema: Schema, roles: tuple[str, ...]) -> str:
    stated, form = type_of(schema), schema.get("format")
    if stated in ("integer", "boolean"):
        return stated
    if stated == "number":
        return "percent" if roles and kinds().get(roles[0]) == "percent" else "money"
    return {"date": "date", "date-time": "date", "time": "time", "email": "email", "uri": "url"}.get(
        str(form), "text"
    )


def _apart(name: str) -> str:
    """Return invoiceNumber and invoice_number as words."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ")


def _resolved(part: Any, whole: Schema, seen: tuple[str, ...], depth: int) -> dict[str, Any]:
    """Return a part of a schema with local references and choices with null put in."""
    if depth > DEEPEST:
        raise _bad(f"The schema is deeper than {DEEPEST} levels.", "Ask for a flatter object.")
    if not isinstance(part, dict):
        raise _bad("A part of the schema is no object.", "Give every property a `type`.")
    found = dict(part)
    if "$ref" in found:
        reference = str(found.pop("$ref"))
        if reference in seen:
            raise _bad(f"The schema refers to itself through {reference}.", "Write out what is meant.")
        return _resolved({**_local(reference, whole), **found}, whole, (*seen, reference), depth)
    for key in ("anyOf", "oneOf"):
        options = [one for one in found.pop(key, ()) if isinstance(one, dict) and one.get("type") != "null"]
        if options:
            return _resolved({**options[0], **found}, whole, seen, depth)
    pattern = str(found.get("pattern", ""))
    if pattern and (len(pattern) > MOST_PATTERN or _NESTED.search(pattern)):
        raise _bad("The schema has a `pattern` that may take too long.", "Leave out repeated groups.")
    if isinstance(found.get("properties"), dict):
        inside = found["properties"].items()
        found["properties"] = {name: _resolved(one, whole, seen, depth + 1) for name, one in inside}
    if isinstance(found.get("items"), dict):
        found["items"] = _resolved(found["items"], whole, seen, depth + 1)
    return found


def _local(reference: str, whole: Schema) -> dict[str, Any]:
    if not reference.startswith("#/"):
        raise _bad(f"The schema refers to {reference[:80]}, which lies outside of it.", "Put it under `$defs`.")
    found: Any = whole
    for step in reference[2:].split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or key not in found:
            raise _bad(f"The schema has no {reference[:80]}.", "Put it under `$defs`.")
        found = found[key]
    if not isinstance(found, dict):
        raise _bad(f"{reference[:80]} is no schema.", "Put an object there.")
    return found


def _leaves(schema: Schema) -> Iterator[Schema]:
    kind = type_of(schema)
    if kind == "object":
        for one in schema.get("properties", {}).values():
            yield from _leaves(one)
    elif kind == "array" and isinstance(schema.get("items"), dict):
        yield from _leaves(schema["items"])
    else:
        yield schema


def _bad(message: str, hint: str) -> Rejected:
    return Rejected(message, hint=hint, code="bad-schema")


_DRAFT = "JSON Schema, draft 2020-12: see https://json-schema.org."
