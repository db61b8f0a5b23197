"""What the command line returns."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every verb."""

    DONE = 0
    SOME_FAILED = 1
    MISTAKE = 2
    INTERNAL = 3
    CANCELLED = 130


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.SOME_FAILED: "some items failed and a table names them, or the disk "
    "refused; the same command goes on",
    ExitCode.MISTAKE: "a mistake in what was asked or found; one plain message",
    ExitCode.INTERNAL: "an error of the program itself; its log has the traceback",
    ExitCode.CANCELLED: "stopped on request; what was finished is kept",
}
"""One line per exit code, for the reference page."""
