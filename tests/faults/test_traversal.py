"""500 names that climb out of a project, given to the verbs that make files of them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from tests.journeys.command import neuroembed

pytestmark = pytest.mark.faults

ENDS = (
    "evil",
    "runs/evil",
    ".ssh/evil",
    "evil/",
    "evil.tif",
    "evil\0.tif",
    "con",
    "..",
)
HEADS = (
    "../",
    "../../",
    "..\\",
    "..\\..\\",
    "/",
    "//host/",
    "\\\\host\\",
    "C:\\",
    "C:/",
)
HEADS += ("./", "./../", "a/../../", "a\\..\\..\\", "....//", "..;/", "%2e%2e/", "~/")
HEADS += ("%2e%2e%2f", "..%c0%af", "file:///", "\u2024\u2024/", "\uff0e\uff0e\uff0f")
HEADS += (
    "\u202e/",
    "$HOME/",
    "`x`/",
    "a\n../",
    "\t../",
    " ../",
    "fly1/../../",
    "-/../",
)
HEADS += ("../\u0000", "..%00/")
PAYLOADS = [head + end for head, end in itertools.product(HEADS, ENDS)]
PAYLOADS += [("../" * n) + "evil" for n in range(3, 123)]
PAYLOADS += ["." * n for n in range(1, 60)]
PAYLOADS += ["a" * n + "/../" * n + "evil" for n in range(1, 66)]


def words(project: Path, verb: str, name: str) -> list[object]:
    """Return a command that would make, or look for, something of that name."""
    flag = f"={name}"  # so that a name that begins with - is one
    source = project / "source.npy"
    return {
        "animal": ["import", project, source, "--rate", 10, f"--animal{flag}"],
        "recording": [
            *("import", project, source, "--rate", 10, "--animal", "fly9"),
            f"--recording{flag}",
        ],
        "run": ["train", project, f"--run{flag}"],
        "embed": ["embed", project, "--", name],
        "set": ["embed", project, "r", f"--set-name{flag}"],
        "evaluation": ["evaluate", project, "r", f"--name{flag}"],
        "job": ["jobs", "show", project, "--", name],
        "stream": ["import", project, source, "--rate", 10, "--trace", f"{name}=x.npy"],
    }[verb]


VERBS = ("animal", "recording", "run", "embed", "set", "evaluation", "job", "stream")


def everything(folder: Path) -> set[Path]:
    """Return what lies in a folder, but for the logs of jobs."""
    found = {path for path in folder.rglob("*") if ".neuroembed" not in path.parts}
    return {path for path in found if "jobs" not in path.parts}


def test_no_name_makes_a_file_outside_or_inside(project: Path) -> None:
    np.save(project / "source.npy", np.zeros((50, 8, 8), np.uint16))
    assert len(set(PAYLOADS)) >= 500
    before, wrong = everything(project.parent), []
    for i, name in enumerate(PAYLOADS):
        verb = VERBS[i % len(VERBS)]
        told = neuroembed(*words(project, verb, name))
        if told.code != 2 or "Traceback" in told.err:
            wrong.append((verb, name, told.code, told.err[-300:]))
    assert wrong == []
    assert everything(project.parent) == before


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_the_plain_ones(project: Path, verb: str) -> None:
    np.save(project / "source.npy", np.zeros((50, 8, 8), np.uint16))
    before = everything(project.parent)
    for name in ("../evil", "/evil", "..\\evil", "..", "a/../../evil"):
        assert neuroembed(*words(project, verb, name)).code == 2, name
    assert everything(project.parent) == before
