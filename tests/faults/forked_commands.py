"""A process that has imported everything and forks a `neuroembed` for every line.

Each line on standard input is a JSON list of arguments; the answer is the child's
process id and, when it has ended, its exit code (-9 when it was killed). Importing
torch takes longer than a tiny training, so that many kills would otherwise take many
minutes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import napari_neuroembed.api  # noqa: F401 - loaded before the first fork
from napari_neuroembed.cli import main


def say(number: int) -> None:
    print(number, flush=True)  # noqa: T201 - read by the test


def run_child(argv: list[str]) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        code = main(argv)
    os._exit(code)


if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_child(json.loads(line))
        say(child)
        _, status = os.waitpid(child, 0)
        say(os.waitstatus_to_exitcode(status))
