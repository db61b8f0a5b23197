"""One self-contained report of a project: data, runs, methods, and how to check it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from napari_neuroembed import files
from napari_neuroembed.data.project import Project
from napari_neuroembed.errors import DataError, NeuroembedError
from napari_neuroembed.methods.references import bibliography
from napari_neuroembed.plotting.export import check_kinds
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.commands import (
    report_command,
    run_commands,
    verify_command,
)
from napari_neuroembed.reports.figure_files import (
    DRAWN,
    files_of,
    write_drawings,
    write_numbers,
)
from napari_neuroembed.reports.findings import lines_of
from napari_neuroembed.reports.inputs import inputs_of
from napari_neuroembed.reports.methods_text import MethodsText, methods_text
from napari_neuroembed.reports.project_facts import ProjectFacts, read_project
from napari_neuroembed.reports.report_page import PageContent, report_page
from napari_neuroembed.reports.run_facts import RunRecord, chosen_runs, read_run
from napari_neuroembed.reports.run_figures import RunFigure, run_figures
from napari_neuroembed.reports.verify import sealed
from napari_neuroembed.store.run_folder import check_name

FOLDER = "report"
PAGE = "report.html"
REPORT_FILES = {
    PAGE: "The report: one page that opens offline, loads nothing and sends nothing.",
    "methods.md": "The methods text, with every parameter and the works to be cited.",
    "references.bib": "BibTeX of exactly the works that the runs stand on.",
    "report.json": "Command, versions, runs, and what could not be read.",
    "tables/*.csv": "Recordings, streams, actions, the main lines and all scores.",
    "figures/<run>/<figure>_<panel>.csv": "The numbers drawn in each panel.",
    "figures/<run>/<figure>_89mm.svg": "The figure one column wide, text as text; "
    "also `.pdf`.",
    "figures/<run>/<figure>_183mm.svg": "The figure two columns wide; also `.pdf`.",
    "manifest.json": "Size and sha256 of the files beside it and of everything the "
    "report was made of; a seal over all of it.",
}
"""Files of ``report/<name>/``."""


@dataclass(frozen=True)
class Written:
    """What came of a report.

    Parameters
    ----------
    folder
        Where it is.
    runs
        Names of the runs in it.
    unread
        Run -> why it could not be read.
    problem
        Why figures could not be drawn as files; empty when they were.
    """

    folder: Path
    runs: tuple[str, ...]
    unread: Mapping[str, str]
    problem: str = ""

    @property
    def page(self) -> Path:
        """The page to open."""
        return self.folder / PAGE


def report_folder(project: Project, name: str) -> Path:
    """Return where the report of that name is."""
    check_name("Report", name)
    return project.path / FOLDER / name


def write_report(
    project: Project,
    *,
    name: str = "report",
    runs: Sequence[str] | None = None,
    kinds: Sequence[str] = DRAWN,
    report: Report = silent,
) -> Written:
    """Write ``report/<name>/``, or make it again.

    Parameters
    ----------
    project
        With or without labels, pre-processed data, runs and evaluations.
    name
        Of the report; the same name replaces what was written under it.
    runs
        Names of the runs; default all.
    kinds
        Of drawings beside the page: svg, pdf, png, html; empty for none. They need
        Chromium or Chrome; without it the report is written and says so.
    report
        Told about every part.

    Raises
    ------
    DataError
        When the project has no recording, or something else lies at that place.
    RunFolderError
        When a named run is not there, or `name` is no name.
    ConfigError
        When a kind is unknown.
    """
    check_kinds(kinds)
    folder = report_folder(project, name)
    if not project.recording_ids():
        raise DataError(f"{project.path} holds no recording. Import one first.")
    chosen = chosen_runs(project.runs_folder, None if runs is None else list(runs))
    records, unread = _read_runs(project, chosen, report)
    facts = read_project(project, report)
    paths = [record.folder.path for record in records]
    inputs = [one.to_dict() for one in inputs_of(project, paths)]
    files.recover_inside(folder.parent)
    with files.write_folder(
        folder, manifest=lambda content: sealed({**content, "inputs": inputs})
    ) as build:
        figures = _figures(build, records, report)
        problem = write_drawings(build / "figures", figures, kinds, report)
        methods = methods_text(facts, records)
        _write_tables(build, facts, records, methods)
        shown = project.path.name
        commands = {f"Run {r.name}": run_commands(shown, r) for r in records}
        commands["This report"] = [report_command(shown, name, runs, kinds)]
        content = PageContent(
            title=f"{facts.name}: {name}" if name != "report" else facts.name,
            made_utc=files.utc_now(),
            facts=facts,
            runs=records,
            unread=unread,
            problem=problem,
            figures=figures,
            files=files_of(build, figures),
            methods=methods,
            commands=commands,
            verify_command=verify_command(shown, name),
            counts=Counter(one["kind"] for one in inputs),
        )
        files.write_text(build / PAGE, report_page(content))
        files.write_json(build / "report.json", _about(content, name, chosen))
    report("report", 1, 1, str(folder))
    return Written(folder, tuple(r.name for r in records), unread, problem)


def _read_runs(
    project: Project, names: Sequence[str], report: Report
) -> tuple[list[RunRecord], dict[str, str]]:
    """Return the runs that can be read, and why others cannot."""
    records, unread = [], {}
    for done, name in enumerate(names):
        report("runs", done, len(names), name)
        try:
            records.append(read_run(project.runs_folder / name))
        except NeuroembedError as error:
            unread[name] = str(error)
    return records, unread


def _figures(
    build: Path, runs: Sequence[RunRecord], report: Report
) -> dict[str, list[RunFigure]]:
    """Return the figures of every run, after writing the numbers in them."""
    figures = {}
    for done, run in enumerate(runs):
        report("figures", done, len(runs), run.name)
        figures[run.name] = run_figures(run)
        folder = build / "figures" / run.name
        folder.mkdir(parents=True)
        write_numbers(folder, figures[run.name])
    return figures


def _write_tables(
    build: Path,
    facts: ProjectFacts,
    runs: Sequence[RunRecord],
    methods: MethodsText,
) -> None:
    folder = build / "tables"
    folder.mkdir()
    lines = [lines_of(run) for run in runs]
    scores = [run.judged.scores for run in runs if run.judged is not None]
    tables = {
        "recordings": facts.recordings,
        "streams": facts.streams,
        "actions": facts.actions,
        "parameters": methods.parameters,
    }
    if scores:
        tables["scores"] = pd.concat(scores, ignore_index=True)
        tables["lines"] = pd.concat(lines, ignore_index=True)
    for name, content in tables.items():
        content.to_csv(folder / f"{name}.csv", index=False)
    (build / "methods.md").write_text(methods.markdown(), encoding="utf-8")
    (build / "references.bib").write_text(bibliography(methods.keys), encoding="utf-8")


def _about(content: PageContent, name: str, chosen: Sequence[str]) -> dict[str, Any]:
    names = ("napari-neuroembed", "numpy", "pandas", "plotly", "torch")
    return {
        "schema_version": 1,
        "name": name,
        "project": content.facts.name,
        "made_utc": content.made_utc,
        "command": content.commands["This report"][0],
        "versions": {
            "python": sys.version.split()[0],
            **{package: version(package) for package in names},
        },
        "runs": {
            run.name: {
                "method": run.config.method,
                "seed": run.config.seed,
                "evaluation": None if run.judged is None else run.judged.name,
                "warnings": run.warnings,
            }
            for run in content.runs
        },
        "unread": dict(content.unread),
        "problem": content.problem,
        "chosen": list(chosen),
    }
