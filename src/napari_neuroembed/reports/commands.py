"""The commands that make a run and a report again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from napari_neuroembed.options.base import to_dict
from napari_neuroembed.options.evaluation import resolved
from napari_neuroembed.reports.figure_files import DRAWN
from napari_neuroembed.reports.run_facts import RunRecord

PROGRAM = "neuroembed"


def run_commands(project: str, run: RunRecord) -> list[str]:
    """Return the commands that make a run and its evaluation again, as a new run.

    Parameters
    ----------
    project
        The project folder as it shall be written.
    run
        The run.
    """
    again = f"{run.name}-again"
    if run.folder.is_imported:
        made = _import(project, run, again)
    else:
        config = f"{project}/runs/{run.name}/config.yaml"
        made = [PROGRAM, "train", project, config, "--run", again]
    lines = [shlex.join(made)]
    if run.judged is not None:
        words = [PROGRAM, "evaluate", project, again]
        for path, value in _changed(run):
            words += ["--set", f"{path}={json.dumps(value)}"]
        lines.append(shlex.join(words))
    return lines


def report_command(
    project: str, name: str, runs: Sequence[str] | None, kinds: Sequence[str]
) -> str:
    """Return the command that makes a report again."""
    words = [PROGRAM, "report", project, "--name", name]
    if tuple(kinds) != DRAWN:
        words += ["--kinds", ",".join(kinds) or "none"]
    if runs is not None:
        words += ["--runs", ",".join(runs)]
    return shlex.join(words)


def verify_command(project: str, name: str) -> str:
    """Return the command that checks a report."""
    return shlex.join([PROGRAM, "report", project, "--name", name, "--verify"])


def _import(project: str, run: RunRecord, name: str) -> list[str]:
    """Return the import of an embedding; its files are named, not where they were."""
    words = [PROGRAM, "import", project]
    for one in run.info.get("sources", []):
        words += ["--embedding", f"{one.get('recording')}={one.get('file')}"]
    about = next(iter(run.sets.values()), {})
    words += ["--row-offset", str(about.get("row_offset", 0))]
    words += ["--row-frames", str(about.get("row_frames", 1))]
    words += ["--embedding-method", run.config.method, "--run", name]
    return [*words, "--one-space"] if run.info.get("one_space") else words


def _changed(run: RunRecord) -> Iterator[tuple[str, Any]]:
    """Return the options of the evaluation that are not those of the run."""
    if run.judged is None:
        return
    planned = dict(flat(to_dict(resolved(run.config.evaluation))))
    for path, value in flat(to_dict(run.judged.options)):
        if planned.get(path) != value:
            yield path, value


def flat(values: Mapping[str, Any], head: str = "") -> Iterator[tuple[str, Any]]:
    """Return dotted path and value of every option.

    Examples
    --------
    >>> list(flat({"a": {"b": 1}, "c": [2]}))
    [('a.b', 1), ('c', [2])]
    """
    for name, value in values.items():
        path = f"{head}.{name}" if head else str(name)
        if isinstance(value, Mapping) and value:
            yield from flat(value, path)
        else:
            yield path, value
