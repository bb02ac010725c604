"""`docproc ...`: the commands, and one place where errors become one line and an exit code."""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from docproc.errors import DocprocError

COMMANDS = {
    "process": ("docproc.commands.process:command", "Read PDFs and images into one format."),
    "ask": ("docproc.commands.ask:command", "Answer questions about a file, with the words they rest on."),
    "extract": ("docproc.commands.extract:command", "Fill in a JSON Schema from a file, with evidence."),
    "caption": ("docproc.commands.prompt:caption", "Say what the pages of a file show."),
    "detect": ("docproc.commands.prompt:detect", "Find things on pages: boxes."),
    "segment": ("docproc.commands.prompt:segment", "Find things on pages: boxes and masks."),
    "refer": ("docproc.commands.prompt:refer", "Find the one thing that a description means."),
    "parity": ("docproc.commands.parity:command", "Compare two vision engines on the same prompts."),
    "prompt": ("docproc.commands.prompt:prompt", "Ask a vision model for any task: ocr, describe, table, ..."),
    "evaluate": ("docproc.evaluate.cli:command", "Read labelled documents and print error rates."),
    "synth": ("docproc.synth.cli:command", "Draw documents with known truth."),
    "dataset": ("docproc.commands.dataset:command", "Make datasets to fine-tune models on."),
    "finetune": ("docproc.commands.finetune:command", "Train the models that docproc trains itself."),
    "doctor": ("docproc.commands.doctor:command", "Say what is here and what is missing."),
    "models": ("docproc.commands.models:command", "List and check the models."),
    "reindex": ("docproc.commands.reindex:command", "Make the search index again."),
    "user": ("docproc.commands.user:command", "Manage users, links to sign in, tokens."),
    "db": ("docproc.commands.db:command", "Bring the database to the tables of this version."),
    "backup": ("docproc.commands.backup:write", "Write everything that is kept to one file."),
    "restore": ("docproc.commands.backup:read", "Restore what was backed up."),
    "settings": ("docproc.commands.settings:command", "List the settings."),
}
"""Name -> `module:command`, imported when used, and what `docproc --help` says of it without importing it."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *(point.name for point in _plugged_in())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return next((point.load() for point in _plugged_in() if point.name == cmd_name), None)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, text) for name, (_, text) in COMMANDS.items()]
        rows += [(point.name, f"See docproc {point.name} --help.") for point in _plugged_in()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _plugged_in() -> list[EntryPoint]:
    """Return the commands of the packages beside this one, and of others that are installed."""
    return sorted(entry_points(group="docproc.commands"), key=lambda point: point.name)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="docproc")
def commands() -> None:
    """Read PDFs and scans into text, layout and tables; offline, on a CPU."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with 0 done, 1 internal error, 2 usage, 3 not found, 4 rejected, 5 partial."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; tracebacks are shown with `--debug` only."""
    try:
        return int(commands.main(args=arguments, prog_name="docproc", standalone_mode=False) or 0)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DocprocError as error:
        return show(error, as_json="--json-errors" in arguments, debug="--debug" in arguments)
    except BrokenPipeError:  # `docproc ... | head`
        return 0
    except OSError as error:
        wrapped = DocprocError(f"{error.strerror or error}: {error.filename or ''}".rstrip(": ") + ".")
        wrapped.__cause__ = error
        return show(wrapped, as_json="--json-errors" in arguments, debug="--debug" in arguments)


def show(error: DocprocError, *, as_json: bool, debug: bool = False, file: str = "", page: int | None = None) -> int:
    """Tell `error` on stderr, as a line of words or of JSON; return its exit code."""
    if debug:
        traceback.print_exception(error)
    if as_json:
        fields: dict[str, Any] = {
            "file": file or None,
            "page": page,
            "code": error.code,
            "message": error.message,
            "hint": error.hint,
        }
        click.echo(json.dumps({key: value for key, value in fields.items() if value is not None}), err=True)
    else:
        place = f"{file}, page {page}: " if file and page else f"{file}: " if file else ""
        click.echo(f"{place}{error}", err=True)
    return error.exit_code
