"""The command ``neuroembed``: one module per group of verbs, imported when used."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.parser import build_parser
from napari_neuroembed.cli.progress import choose_display
from napari_neuroembed.cli.running import VerbReport, exit_code_of, running_job
from napari_neuroembed.cli.verbs import VERBS, Verb, find_verb
from napari_neuroembed.disk import disk_errors_told

__all__ = ["main"]


def main(argv: Sequence[str] | None = None, verbs: Sequence[Verb] = VERBS) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        Arguments after the program's name; default those of this process.
    verbs
        The verbs to know.

    Returns
    -------
    int
        See :class:`ExitCode`. Errors are printed, never raised.

    Examples
    --------
    >>> main(["jobs", "list", "no-such-folder"])
    2
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _print_any_character()
    try:
        return int(_run(arguments, verbs))
    except SystemExit as done:  # --help
        return done.code if isinstance(done.code, int) else ExitCode.DONE
    except BrokenPipeError:  # e.g. `neuroembed jobs list flies | head -1`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        return int(ExitCode.SOME_FAILED)
    except BaseException as error:  # noqa: BLE001 - told to the user, by its kind
        _tell(error, as_json="--json" in arguments, debug="--debug" in arguments)
        return int(exit_code_of(error))


def _run(arguments: list[str], verbs: Sequence[Verb]) -> int:
    name = next((a for a in arguments if not a.startswith("-")), None)
    verb = None if name is None else find_verb(name, verbs)
    parser = build_parser(verbs, loaded=() if verb is None else (verb.name,))
    args = parser.parse_args(arguments)
    if args.version:
        from importlib.metadata import version

        print(f"neuroembed {version('napari-neuroembed')}")
        return ExitCode.DONE
    if verb is None:
        parser.print_help()
        return ExitCode.DONE
    module = verb.load()
    is_quick = verb.job == "none" or getattr(args, "dry_run", False)
    with contextlib.ExitStack() as stack:
        display = choose_display(as_json=args.json, quiet=args.job is not None)
        stack.enter_context(display)
        stack.enter_context(disk_errors_told())
        if is_quick:
            return module.run(verb.name, args, VerbReport(display))
        job = running_job(
            args.project, arguments, display, kind=verb.job, folder=args.job
        )
        report = stack.enter_context(job)
        stack.enter_context(disk_errors_told())
        code = module.run(verb.name, args, report)
        report.set_exit_code(code)
    return code


def _tell(error: BaseException, *, as_json: bool, debug: bool) -> None:
    """Say what went wrong, as much as its kind needs."""
    code = exit_code_of(error)
    notes = getattr(error, "__notes__", [])
    text = str(error) or "Stopped."
    if code is ExitCode.INTERNAL:
        text = f"Internal error: {type(error).__name__}: {error}"
    if as_json:
        row = {"event": "error", "error": type(error).__name__, "message": text}
        print(json.dumps({**row, "exit_code": code, "notes": notes}), flush=True)
    else:
        print("\n".join([f"neuroembed: {text}", *notes]), file=sys.stderr, flush=True)
    if debug or (code is ExitCode.INTERNAL and not notes):
        traceback.print_exception(error, file=sys.stderr)


def _print_any_character() -> None:
    """Let no terminal's alphabet end a job, e.g. at a Greek letter on Windows."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
