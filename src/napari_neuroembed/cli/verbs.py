"""The verbs of the command line and where they are found."""

from __future__ import annotations

import argparse
import difflib
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, cast

from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.cli.running import VerbReport

JobKind = Literal["none", "project", "new project"]


class VerbModule(Protocol):
    """What a module of verbs offers."""

    def add_arguments(self, verb: str, parser: argparse.ArgumentParser) -> None:
        """Add the arguments of `verb`; those of all verbs are there already."""

    def run(self, verb: str, args: argparse.Namespace, report: VerbReport) -> int:
        """Do it and return an exit code."""


@dataclass(frozen=True)
class Verb:
    """One verb.

    Parameters
    ----------
    name
        What is typed.
    module
        Full name of its module, imported only when the verb is used.
    help
        One line, without a full stop.
    job
        Whether it runs inside a job folder: `project` in that of the existing project
        ``args.project``; `new project` likewise, but the project may be made by the
        verb; `none` for quick verbs.
    """

    name: str
    module: str
    help: str
    job: JobKind = "none"

    def load(self) -> VerbModule:
        """Import the module."""
        return cast(VerbModule, importlib.import_module(self.module))


_HERE = "napari_neuroembed.cli"

VERBS: tuple[Verb, ...] = (
    Verb(
        "demo",
        f"{_HERE}.demo_verbs",
        "make synthetic animals and run the whole job on them",
        job="new project",
    ),
    Verb(
        "import",
        f"{_HERE}.import_verb",
        "add recordings to a project",
        job="new project",
    ),
    Verb("check", f"{_HERE}.check_verb", "look for problems before they cost a day"),
    Verb("relink", f"{_HERE}.relink_verb", "find sources again that were moved"),
    Verb(
        "annotations",
        f"{_HERE}.annotation_verbs",
        "import or export the labels of a project",
    ),
    Verb(
        "preprocess",
        f"{_HERE}.run_verbs",
        "register, dF/F, resize: make recordings comparable",
        job="project",
    ),
    Verb("train", f"{_HERE}.run_verbs", "train encoders and embed", job="project"),
    Verb("embed", f"{_HERE}.run_verbs", "embed with a trained run", job="project"),
    Verb(
        "calibrate",
        f"{_HERE}.calibrate_verb",
        "correct the subspace for one animal by its own poses",
        job="project",
    ),
    Verb(
        "evaluate",
        f"{_HERE}.run_verbs",
        "actions, decoding and identity leakage of a run",
        job="project",
    ),
    Verb(
        "compare",
        f"{_HERE}.compare_verb",
        "train and judge many methods, and put them into one table",
        job="new project",
    ),
    Verb(
        "reproduce",
        f"{_HERE}.reproduce_verb",
        "the paper's tables from its own data set, beside the published numbers",
        job="new project",
    ),
    Verb(
        "figures",
        f"{_HERE}.figures_verb",
        "the figures of the paper, from this project",
        job="project",
    ),
    Verb(
        "report",
        f"{_HERE}.report_verb",
        "write one page with data, runs, methods and figures, or check one",
        job="project",
    ),
    Verb(
        "bundle",
        f"{_HERE}.bundle_verbs",
        "write one run into one file for a colleague",
        job="project",
    ),
    Verb(
        "unbundle",
        f"{_HERE}.bundle_verbs",
        "open a colleague's bundle as a project",
    ),
    Verb("suggest", f"{_HERE}.suggest_verb", "which stretches to label next"),
    Verb(
        "preview",
        f"{_HERE}.preview_verb",
        "compute previews for a window: JSON lines in and out",
    ),
    Verb("jobs", f"{_HERE}.job_verbs", "list, show, cancel or resume jobs"),
    Verb("info", f"{_HERE}.demo_verbs", "versions and devices, for a bug report"),
)
"""All verbs, in the order a newcomer meets them."""


def find_verb(name: str, verbs: Sequence[Verb] = VERBS) -> Verb:
    """Return a verb by its name.

    Raises
    ------
    ConfigError
        Naming the nearest verb and all of them.
    """
    for verb in verbs:
        if verb.name == name:
            return verb
    names = [verb.name for verb in verbs]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ConfigError(f"{name} is not a verb.{hint} Verbs: {', '.join(names)}.")
