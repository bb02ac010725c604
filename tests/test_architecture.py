"""Taste as tests: what may import what, how long files are, what the README must name."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docproc.cli import COMMANDS
from docproc.engines import ENGINES, LAYOUT_ENGINES
from docproc.exports import EXPORTS
from docproc.settings import Settings
from web import create_app

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for top in ("docproc", "worker", "web", "migrations") for path in (ROOT / top).rglob("*.py"))

ONLY_IN: dict[str, tuple[str, ...]] = {
    "flask": ("web/",),
    "flask_openapi3": ("web/",),
    "werkzeug": ("web/",),
    "gunicorn": ("web/",),
    "celery": ("worker/",),
    "kombu": ("worker/",),
    "worker": ("worker/", "web/"),
    "web": ("web/",),
    "sqlalchemy": ("docproc/store/", "migrations/"),
    "alembic": ("docproc/store/", "migrations/"),
    "torch": ("docproc/engines/", "docproc/learn/"),
    "safetensors": ("docproc/engines/", "docproc/learn/"),
    "transformers": ("docproc/engines/", "docproc/learn/"),
    "peft": ("docproc/engines/", "docproc/learn/"),
    "jax": ("docproc/learn/jax/",),
    "optax": ("docproc/learn/jax/",),
    "torchao": ("docproc/engines/", "docproc/learn/"),
    "bitsandbytes": ("docproc/engines/", "docproc/learn/"),
    "huggingface_hub": ("docproc/registry/hub.py",),
    "onnxruntime": ("docproc/engines/", "docproc/learn/"),
    "openvino": ("docproc/engines/",),
    "rapidocr": ("docproc/engines/",),
    "pymupdf": ("docproc/engines/", "docproc/parsers/", "docproc/synth/", "docproc/exports/", "docproc/learn/"),
    "pdf2image": ("docproc/parsers/",),
    "docling_core": ("docproc/exports/",),
}
"""Package -> where it may be imported."""


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_folder_may(path):
    place = str(path.relative_to(ROOT))
    for name in imports(path):
        package = name.split(".")[0]
        allowed = ONLY_IN.get(package)
        assert allowed is None or place.startswith(allowed), f"{place} imports {name}; only {allowed} may"


def test_the_web_process_reads_no_page():
    """It shows and queues; engines and the jobs that use them live in workers.

    `docproc.embed` it may: the vector of one query takes milliseconds, and waiting for a worker would take seconds.
    """
    for path in (ROOT / "web").rglob("*.py"):
        for name in imports(path):
            assert not name.startswith(("docproc.engines", "docproc.pipeline")), f"{path} imports {name}"
            assert not name.startswith("worker") or name == "worker.queue", f"{path} imports {name}"


def test_parsers_are_only_imported_in_the_sandbox():
    """`wire`, the protocol, and `limits` are the two that both sides know."""
    for path in MODULES:
        place = str(path.relative_to(ROOT))
        if place.startswith("docproc/parsers/") or place == "docproc/sandbox.py":
            continue
        found = {name for name in imports(path) if name.startswith("docproc.parsers.")}
        assert found <= {"docproc.parsers.wire"}, f"{place} imports {found}: call it through the sandbox"


def test_the_environment_is_read_in_one_place():
    for path in MODULES:
        if path.relative_to(ROOT) not in {Path("docproc/settings.py"), Path("docproc/__init__.py")}:
            assert "os.environ" not in path.read_text("utf-8"), f"{path}: read it in docproc/settings.py"


def test_whatever_goes_wrong_is_caught_in_one_place():
    """Where pages are read; elsewhere errors are caught by name, or cleaned up after and raised again."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (names := broad(node)) and not raises_again(node):
                place = str(path.relative_to(ROOT))
                assert place in {"worker/jobs.py", "web/errors.py"}, f"{place}:{node.lineno} catches {names}"


def broad(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"everything"}
    names = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}
    return names & {"Exception", "BaseException"}


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("path", sorted((ROOT / "web" / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_a_template_escapes_everything_and_obeys_the_policy(path):
    text = path.read_text("utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape", text), "what is shown was written by strangers"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text, re.IGNORECASE), "the policy refuses it"
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), "scripts lie in files"


def test_every_route_of_the_api_is_told(tmp_path):
    """In the OpenAPI document, or in the README what no program calls twice."""
    app = create_app(Settings(data_dir=tmp_path))
    readme = (ROOT / "README.md").read_text("utf-8")
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if path.startswith("/api/") and not path.startswith("/api/v1/docs/"):  # the parts of a page
            assert path in app.api_doc["paths"] or path in readme, path


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_readme_names_what_operators_ask_for(path):
    assert path in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=lambda path: path.name)
def test_no_file_is_over_400_lines(path):
    if path.parent.name == "versions":
        return  # a migration is a list, read once
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_help_and_import_load_no_model():
    code = (
        "import sys, docproc\n"
        "from docproc.cli import run\n"
        "run(['--help'])\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'openvino', 'cv2', 'pymupdf', 'docling_core'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "process" in done.stdout


@pytest.mark.parametrize(
    "name",
    [
        *(f"`{name}`" for name in [*ENGINES, *LAYOUT_ENGINES, *EXPORTS]),
        *(f"`{variable}`" for variable, _, _ in Settings.table()),
        *(f"docproc {name}" for name in COMMANDS),
    ],
)
def test_the_readme_names_it(name):
    assert name in (ROOT / "README.md").read_text("utf-8")
