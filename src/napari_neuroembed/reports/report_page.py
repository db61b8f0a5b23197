"""The page of a report: one file that opens offline, loads and sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from plotly.offline import get_plotlyjs

from napari_neuroembed.methods.references import bibliography
from napari_neuroembed.plotting.theme import config as figure_config
from napari_neuroembed.reports import html
from napari_neuroembed.reports.findings import digits, known, lines_of, sentence_of
from napari_neuroembed.reports.methods_text import MethodsText, reference_line
from napari_neuroembed.reports.project_facts import ProjectFacts
from napari_neuroembed.reports.report_style import SCRIPT, STYLE
from napari_neuroembed.reports.run_facts import RunRecord
from napari_neuroembed.reports.run_figures import RunFigure, drawn_apart
from napari_neuroembed.store.main_scores import (
    CONTROL_TASKS,
    CONTROLS,
    QUESTIONS,
    is_hidden,
    main_scores,
    missing_scores,
    shown_rows,
    source_of,
    untestable,
)

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
"""What the page may do: nothing comes from elsewhere, nothing goes elsewhere."""

WIDE_PANELS = 3
"""A figure of that many panels side by side takes the whole width."""
RUNS_HEADER = (
    *("run", "mode", "question", "probe", "value", "95 % interval", "chance"),
    *("raw signals", "untrained", "p", "verdict", "n"),
)
SCORES_HEADER = (
    *("question", "what", "from", "probe", "animal", "value", "95 % interval"),
    *("chance", "p", "detectable", "n", "note"),
)


@dataclass(frozen=True)
class PageContent:
    """All that a page says.

    Parameters
    ----------
    title
        Heading.
    made_utc
        When.
    facts, runs
        The project and its runs.
    unread
        Run -> why it could not be read.
    problem
        Why figures could not be drawn as files; empty when they were.
    figures
        Run -> its figures.
    files
        Run and name of a figure -> its files, paths from the page.
    methods
        The methods text.
    commands
        What -> the commands that make it again.
    verify_command
        The command that checks the report.
    counts
        Kind of input -> how many there are in the manifest.
    """

    title: str
    made_utc: str
    facts: ProjectFacts
    runs: Sequence[RunRecord]
    unread: Mapping[str, str]
    problem: str
    figures: Mapping[str, Sequence[RunFigure]]
    files: Mapping[tuple[str, str], Sequence[str]]
    methods: MethodsText
    commands: Mapping[str, Sequence[str]]
    verify_command: str
    counts: Mapping[str, int] = field(default_factory=dict)


def report_page(content: PageContent) -> str:
    """Return the page."""
    body = "\n".join(
        [
            f"<header><h1>{escape(content.title)}</h1>",
            *_summary(content),
            "</header>",
            *_section("Runs", _runs_table(content)),
            *_section("Data", _data(content.facts)),
            *_section("Pre-processing", _preprocessing(content)),
            *(part for run in content.runs for part in _run(content, run)),
            *_section("Methods", _methods(content.methods)),
            *_section("Repeat", _repeat(content)),
            *_section("Check", _check(content)),
        ]
    )
    options = json.dumps(figure_config() | {"displayModeBar": False})
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(content.title)}</title><style>{STYLE}</style>"
        f"</head><body>{body}<script>{get_plotlyjs()}</script>"
        f"<script>const OPTIONS = {options};{SCRIPT}</script></body></html>"
    )


def _section(title: str, parts: Iterator[str]) -> Iterator[str]:
    yield f'<section id="{escape(title.lower().replace(" ", "-"))}">'
    yield f"<h2>{escape(title)}</h2>"
    yield from parts
    yield "</section>"


def _summary(content: PageContent) -> Iterator[str]:
    for run in content.runs:
        yield html.paragraph(sentence_of(run), "finding")
    if not content.runs and not content.unread:
        yield html.paragraph(
            "No run yet: neuroembed train makes one. The data are described below.",
            "finding",
        )
    warnings = [f"Run {name}: {why}" for name, why in content.unread.items()]
    warnings += [f"{run.name}: {text}" for run in content.runs for text in run.warnings]
    warnings += [*content.facts.warnings, *filter(None, [content.problem])]
    yield html.listing(warnings, "warnings")
    yield html.paragraph(
        f"Project {content.facts.name}, made {content.made_utc}. Balanced accuracy on "
        "recordings that nothing was fitted on, with 95 % intervals.",
        "note",
    )


def _runs_table(content: PageContent) -> Iterator[str]:
    lines = [lines_of(run) for run in content.runs]
    rows = [
        _line(row) for row in (pd.concat(lines).to_dict("records") if lines else [])
    ]
    if not rows:
        yield html.paragraph("Nothing was scored.", "note")
        return
    yield html.table_of(rows, RUNS_HEADER)
    yield html.paragraph(
        "Raw signals and an untrained encoder answered the same question with the same "
        "probe. Which animal: leak means that it can be told; none found, that a leak "
        "of the detectable size would have been found; not testable, that a large one "
        "could have stayed hidden, so that no number is shown.",
        "note",
    )


def _line(row: Mapping[Any, Any]) -> list[Any]:
    hidden = is_hidden(row)
    question = QUESTIONS[row["task"]] + (f", {row['who']}" if row["who"] else "")
    plain = row["transform"] in ("none", "")
    name = row["run"] if plain else f"{row['run']} + {row['transform']}"
    return [
        name,
        row["mode"],
        question,
        row["probe"],
        "–" if hidden else digits(row["value"]),
        "–" if hidden else f"{digits(row['low'])} to {digits(row['high'])}",
        digits(row["chance"]),
        "–" if hidden else digits(row["raw"]),
        "–" if hidden else digits(row["untrained"]),
        digits(row["p"], 3),
        row["verdict"] or "–",
        int(row["n_test"]),
    ]


def _data(facts: ProjectFacts) -> Iterator[str]:
    table = facts.recordings
    by_animal = table.groupby("animal", sort=False).agg(
        recordings=("recording", "size"), minutes=("minutes", "sum")
    )
    yield html.table(by_animal.reset_index())
    yield html.folded(f"Recordings ({len(table)})", html.table(table))
    if len(facts.streams):
        shown = facts.streams.drop(columns=["prepared"])
        yield html.folded(f"Streams ({len(shown)})", html.table(shown))
    if facts.actions.empty:
        yield html.paragraph("No bouts: nothing is annotated.", "note")
        return
    seconds = facts.actions.pivot_table(
        index="action", columns="animal", values="seconds", aggfunc="sum", fill_value=0
    )
    totals = facts.actions.groupby("action")["bouts"].sum()
    wide = seconds.round(1).add_suffix(" (s)").reset_index()
    wide.insert(1, "bouts", wide["action"].map(totals).astype(int))
    yield html.table(wide)


def _preprocessing(content: PageContent) -> Iterator[str]:
    yield html.paragraph(content.methods.paragraphs["Pre-processing"])


def _run(content: PageContent, run: RunRecord) -> Iterator[str]:
    yield f'<section id="run-{escape(run.name)}"><h2>Run {escape(run.name)}</h2>'
    if len(content.runs) > 1:
        yield html.paragraph(sentence_of(run), "finding")
        yield html.listing(run.warnings, "warnings")
    yield '<div class="figures">'
    for one in content.figures.get(run.name, ()):
        files = content.files.get((run.name, one.name), ())
        yield _figure(f"{run.name}-{one.name}", one, files)
    yield "</div>"
    if run.judged is not None:
        yield from _score_tables(run.judged.scores)
    yield "</section>"


def _figure(key: str, one: RunFigure, files: Sequence[str]) -> str:
    drawn = drawn_apart(one.figure)
    height = int(drawn.layout.height or 480)
    links = " ".join(
        f'<a href="{escape(path)}">'
        f"{escape(path.rpartition('/')[2].removeprefix(f'{one.name}_'))}</a>"
        for path in files
    )
    is_wide = len(list(drawn.select_xaxes())) >= WIDE_PANELS
    name = escape(key)
    return (
        f'<figure class="{"across" if is_wide else "one"}">'
        f'<div class="plot" id="{name}" style="min-height:{height}px"></div>'
        f'<script type="application/json" data-figure="{name}">{drawn.to_json()}'
        f"</script><figcaption>{escape(one.caption)}"
        f'<span class="files">{links}</span></figcaption></figure>'
    )


def _score_tables(scores: pd.DataFrame) -> Iterator[str]:
    main = main_scores(scores)
    rows = [
        [
            QUESTIONS[row["task"]],
            row["target"],
            source_of(row),
            row["probe"],
            row["held_out_animal"] or row["animal"],
            row["verdict"] if is_hidden(row) else digits(row["value"]),
            "–" if is_hidden(row) else f"{digits(row['low'])} to {digits(row['high'])}",
            digits(row["chance"]),
            digits(row["p"], 3),
            digits(row["detectable"]),
            int(row["n_test"]),
            row["note"],
        ]
        for row in shown_rows(main)
    ]
    if rows:
        yield html.folded("All main scores", html.table_of(rows, SCORES_HEADER))
    yield from _controls(scores)
    for why, of in untestable(main).items():
        yield html.paragraph(
            f"Which animal from {', '.join(of)}: not testable {why}", "note"
        )
    missing = [
        f"{', '.join(tasks)}: {note}" for note, tasks in missing_scores(scores).items()
    ]
    if missing:
        yield html.folded("Could not be computed", html.listing(missing))


def _controls(scores: pd.DataFrame) -> Iterator[str]:
    shown = scores[scores["control"].isin(list(CONTROLS)) & scores["value"].notna()]
    rows = []
    for name, title in CONTROLS.items():
        own = shown[shown["control"] == name].drop_duplicates("task").set_index("task")
        if len(own):
            cells = [_control_cell(own, task) for task in CONTROL_TASKS]
            rows.append([title, *cells])
    if rows:
        header = ("read from (chance in brackets)", *CONTROL_TASKS.values())
        yield html.folded("Controls that must fail", html.table_of(rows, header))


def _control_cell(own: pd.DataFrame, task: str) -> str:
    if task not in own.index:
        return "–"
    row = own.loc[task]
    if not known(row["p"]):
        return "not testable"
    mark = " WARNING" if row["verdict"] == "warning" else ""
    return f"{digits(row['value'])} ({digits(row['chance'])}){mark}"


def _methods(methods: MethodsText) -> Iterator[str]:
    for heading, text in methods.paragraphs.items():
        yield f"<h3>{escape(heading)}</h3>{html.paragraph(text, 'text')}"
    n = len(methods.parameters)
    parameters = methods.parameters.map(_plain)
    yield html.folded(f"All parameters ({n})", html.table(parameters))
    if methods.keys:
        yield "<h3>To be cited</h3>"
        yield html.listing(map(reference_line, methods.keys))
        yield html.folded("BibTeX", html.code(bibliography(methods.keys)))


def _plain(value: Any) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return "–"
    return "none" if value is None else str(value)


def _repeat(content: PageContent) -> Iterator[str]:
    yield html.paragraph(
        "In the folder that holds the project. A training with the same seed, threads "
        "and versions gives the same numbers on a CPU.",
        "note",
    )
    for what, lines in content.commands.items():
        yield f"<h3>{escape(what)}</h3>{html.code(chr(10).join(lines))}"


def _check(content: PageContent) -> Iterator[str]:
    counts = ", ".join(f"{n:,} {kind}" for kind, n in content.counts.items())
    yield html.paragraph(
        f"manifest.json holds the sha256 of everything this report was made of "
        f"({counts}) and of every file beside this page. Raw files count by their "
        "first and last MiB."
    )
    yield html.code(content.verify_command)
