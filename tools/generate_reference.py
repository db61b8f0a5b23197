"""Write the reference pages that come from the code: command line, options, run folder.

Run ``make reference`` (or ``python tools/generate_reference.py``) after a change of
flags, options or columns; a test says when that was forgotten.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import importlib
import inspect
import itertools
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from napari_neuroembed import config, options
from napari_neuroembed.augmentation import AUGMENTATIONS
from napari_neuroembed.augmentation.kernels import INDICATORS
from napari_neuroembed.cli.exit_codes import MEANINGS
from napari_neuroembed.cli.parser import PROGRAM, build_parser
from napari_neuroembed.config import PRESETS, RunConfig
from napari_neuroembed.data.project.acceptance import FIRM
from napari_neuroembed.data.readers import READERS
from napari_neuroembed.data.readers.labels import LABEL_READERS
from napari_neuroembed.data.writers.labels import LABEL_WRITERS
from napari_neuroembed.evaluation.probes import PROBES
from napari_neuroembed.evaluation.ridge import DECODERS
from napari_neuroembed.jobs import facts as job_facts
from napari_neuroembed.jobs import preview_lines
from napari_neuroembed.methods import METHODS
from napari_neuroembed.models.build import ENCODERS
from napari_neuroembed.objectives import OBJECTIVES
from napari_neuroembed.plotting.figures import FIGURES
from napari_neuroembed.reports import (
    bundle_contents,
    comparison,
    report,
    reproduction,
)
from napari_neuroembed.reports.rows import ROWS, WORDS
from napari_neuroembed.store import schema
from napari_neuroembed.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "reference"
_NOTE = "<!-- Made by tools/generate_reference.py; change the code instead. -->"


def command_line() -> str:
    """Return the page of all verbs and flags."""
    parser = build_parser()
    (verbs,) = (a for a in parser._actions if a.dest == "verb")
    assert isinstance(verbs, argparse._SubParsersAction)
    abouts = {choice.dest: choice.help or "" for choice in verbs._choices_actions}
    lines = [
        _NOTE,
        "# Command line",
        "",
        f"Every verb is `{PROGRAM} VERB ...`. This page is the authority for spelling.",
        "",
        *_table(("verb", "what it does"), ([_link(v), abouts[v]] for v in abouts)),
        "",
        "## Exit codes",
        "",
        *_table(("code", "meaning"), ([str(int(c)), m] for c, m in MEANINGS.items())),
        "",
        "## Flags of every verb",
        "",
    ]
    shared = ("--help", "--json", "--debug")
    any_verb = next(iter(verbs.choices.values()))
    lines += _table(
        ("flag", "meaning"),
        (_flag(a) for a in any_verb._actions if set(a.option_strings) & set(shared)),
    )
    for name, one in verbs.choices.items():
        own = [
            action
            for action in one._actions
            if action.help != argparse.SUPPRESS
            and not set(action.option_strings) & set(shared)
        ]
        lines += ["", f"## {name}", "", f"{one.description}", ""]
        lines += ["```text", f"{PROGRAM} {name} {_usage(own)}".rstrip(), "```", ""]
        lines += _table(("argument", "meaning"), map(_flag, own))
    return _page(lines)


def configuration() -> str:
    """Return the page of all options, by class."""
    lines = [
        _NOTE,
        "# Options",
        "",
        (
            "What can be chosen in `project.yaml`, in a run's `config.yaml` and with "
            "`--set`."
        ),
    ]
    lines += ["", "## config.yaml", "", _sentence(config), *_class(RunConfig)]
    lines += ["", "Presets: " + ", ".join(f"`{name}`" for name in PRESETS) + "."]
    for info in pkgutil.iter_modules(options.__path__):
        module = importlib.import_module(f"{options.__name__}.{info.name}")
        kinds = [
            kind
            for _, kind in inspect.getmembers(module, inspect.isclass)
            if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__
        ]
        if not kinds:
            continue
        lines += ["", f"## {info.name}", "", _sentence(module)]
        for kind in sorted(kinds, key=lambda kind: inspect.getsourcelines(kind)[1]):
            lines += _class(kind)
    return _page(lines)


def run_folder() -> str:
    """Return the page of files and columns of project, run and job folders."""
    lines = [_NOTE, "# Project, run and job folders"]
    told = _told_constants(schema) | _told_constants(job_facts)
    told_files = _told_constants(comparison)
    for title, name in RUN_FOLDER.items():
        content = {**vars(schema), **vars(job_facts)}[name]
        rows = [[f"`{one}`", meaning] for one, meaning in content.items()]
        lines += ["", f"## {title}", "", told[name], ""]
        lines += _table(("name", "meaning"), rows)
    lines += ["", "## compare/NAME", "", told_files["FILES"], ""]
    known = {**comparison.FILES, **reproduction.FILES}
    rows = [[f"`{one}`", meaning] for one, meaning in known.items()]
    lines += _table(("name", "meaning"), rows)
    about = _told_constants(report)["REPORT_FILES"]
    lines += ["", "## report/NAME", "", about, ""]
    rows = [[f"`{one}`", meaning] for one, meaning in report.REPORT_FILES.items()]
    lines += _table(("name", "meaning"), rows)
    told_of = _told_constants(bundle_contents)
    for title, name in BUNDLE.items():
        rows = [[f"`{k}`", v] for k, v in vars(bundle_contents)[name].items()]
        lines += ["", f"## {title}", "", told_of[name], ""]
        lines += _table(("name", "meaning"), rows)
    lines += ["", "## job.json", "", inspect.getdoc(job_facts.JobFacts) or "", ""]
    lines += _fields(job_facts.JobFacts)
    return _page(lines)


def parts() -> str:
    """Return the page of everything that is chosen by name."""
    lines = [_NOTE, "# Parts by name", "", "What an option or a flag may name.", ""]
    lines += ["## Methods", "", "`neuroembed train PROJECT --method ID`", ""]
    lines += _table(
        ("id", "what it is", "needs", "in the paper", "fixed options", "code"),
        ([f"`{name}`", *_method(kind)] for name, kind in METHODS.items()),
    )
    lines += ["", "## Rows of a comparison", "", "`neuroembed compare --methods`.", ""]
    lines += _table(("row", "method", "settings", "encoder saw"), _rows())
    for title, about, found in (
        ("Augmentations", "In the order of application.", AUGMENTATIONS),
        ("Encoders", "`models.neural.name`, `models.pose.name`.", ENCODERS),
        ("Objectives", "What training minimises.", OBJECTIVES),
        ("Transforms", "`transforms`, fitted on embeddings afterwards.", TRANSFORMS),
        ("Figures", "`run.plot`, and `plotting.figures.FIGURES`.", FIGURES),
        ("Decoders", "Of scalars and poses.", DECODERS),
    ):
        lines += ["", f"## {title}", "", about, ""]
        lines += _described(found)
    lines += ["", "## Probes", "", "Small classifiers on frozen embeddings.", ""]
    lines += _list(PROBES)
    lines += ["", "## Presets", "", "`preset` of project.yaml, `train --budget`.", ""]
    lines += _described(PRESETS)
    lines += ["", "## Indicators", "", "`augmentation.calcium_decay.indicator`.", ""]
    rows = (
        [f"`{name}`", f"{one.rise_s:.3g}", f"{one.decay_s:.3g}", one.source]
        for name, one in INDICATORS.items()
    )
    lines += _table(("name", "rise, s", "decay, s", "source"), rows)
    lines += ["", "## Readers", "", "`import --reader NAME`; default by content.", ""]
    lines += _table(
        ("name", "streams", "what it reads"),
        ([f"`{n}`", ", ".join(r.kinds), _first(type(r))] for n, r in READERS.items()),
    )
    lines += [
        "",
        "## Label files",
        "",
        "`--labels-format NAME`; default by content.",
        "",
    ]
    for name, label_reader in LABEL_READERS.items():
        lines += [f"`{name}`, settings (`--label-option KEY=VALUE`):", ""]
        options_of = label_reader.options.items()
        lines += _table(("key", "meaning"), ([f"`{k}`", v] for k, v in options_of))
        lines += [""]
    written = ", ".join(f"`{name}`" for name in LABEL_WRITERS)
    lines += [f"Written as well: {written}."]
    return _page(lines)


def checks() -> str:
    """Return the page of all findings of `check` and `import`, found in the code."""
    lines = [
        _NOTE,
        "# Checks",
        "",
        (
            "What `neuroembed check` and `neuroembed import` can find. An error "
            "refuses; its message says whether and how it can be "
            "[accepted](../how_to/accept_a_refusal.md). A firm one needs an answer "
            "instead. `…` stands for what was found."
        ),
        "",
    ]
    found: dict[str, tuple[set[str], str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for name, severity, text in _problems(ast.parse(path.read_text("utf-8"))):
            known = found.setdefault(name, (set(), text))
            known[0].add(severity)
    rows = []
    for name, (severities, text) in sorted(found.items()):
        grade = ", ".join(sorted(severities)) + (", firm" if name in FIRM else "")
        rows.append([f"`{name}`", grade, text])
    return _page([*lines, *_table(("id", "grade", "text"), rows)])


def preview() -> str:
    """Return the page of what a preview process is asked."""
    lines = [
        _NOTE,
        "# Previews",
        "",
        (
            "What a window asks `neuroembed preview`, one JSON object per line "
            "([how](../how_to/own_window.md)). An answer is `{id, ok: true, result}` "
            "or `{id, ok: false, error: {kind, message, field, problems}}`."
        ),
        "",
    ]
    told = preview_lines.MEANINGS.items()
    lines += _table(("ask", "meaning"), ([f"`{k}`", v] for k, v in told))
    for name, kind in preview_lines.ASKS.items():
        if not dataclasses.fields(kind):
            continue
        lines += ["", f"## {name}", "", inspect.getdoc(kind) or "", ""]
        lines += _fields(kind, "field")
        for part in ("result", "arrays"):
            table = vars(preview_lines)[f"{name}_{part}".upper()]
            lines += ["", f"### {part} of {name}", ""]
            lines += _table(
                ("name", "meaning"), ([f"`{k}`", v] for k, v in table.items())
            )
    lines += ["", "## Errors", ""]
    known = preview_lines.ERRORS.items()
    lines += _table(("kind", "meaning"), ([f"`{k}`", v] for k, v in known))
    sizes = {
        "a request": preview_lines.MAX_LINE_BYTES,
        "an array, given or answered": preview_lines.MAX_ARRAY_BYTES,
    }
    lines += ["", "## Limits", ""]
    lines += _table(("what", "bytes"), ([k, f"{n:,}"] for k, n in sizes.items()))
    return _page(lines)


RUN_FOLDER = {
    "The project folder": "PROJECT_FILES",
    "derived/RECORDING": "DERIVED_FILES",
    "runs/RUN": "RUN_FILES",
    "windows.parquet": "WINDOW_COLUMNS",
    "scores.csv": "SCORES",
    "Tasks": "TASKS",
    "Controls": "CONTROLS",
    "Verdicts": "VERDICTS",
    "predictions.parquet": "PREDICTIONS",
    "distances.parquet": "DISTANCES",
    "maps.parquet": "MAPS",
    "jobs/JOB": "JOB_FILES",
}
"""The sections of the page of run and job folders, and the tables that fill them."""

BUNDLE = {"A bundle": "BUNDLE_FILES", "manifest.json of a bundle": "MANIFEST_FACTS"}
"""The sections about bundles, and the tables that fill them."""

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": command_line,
    "config.md": configuration,
    "parts.md": parts,
    "checks.md": checks,
    "run_folder.md": run_folder,
    "preview.md": preview,
}
"""The generated pages, by file name."""


def main() -> int:
    """Write all pages."""
    for name, make in PAGES.items():
        path = FOLDER / name
        path.write_text(make(), encoding="utf-8")
        print(path)
    return 0


def _rows() -> Iterator[list[str]]:
    for word, names in WORDS.items():
        yield [f"`{word}`", ", ".join(f"`{name}`" for name in names), "", ""]
    for name, row in ROWS.items():
        saw = "all but the held-out animal" if row.inductive else "all animals"
        settings = ", ".join(f"`{one}`" for one in row.settings)
        yield [f"`{name}`", f"`{row.method}`", settings, saw]


def _method(kind: type[Any]) -> list[str]:
    needs = ["neural or trace"]
    needs += ["pose or scalar"] if kind.needs.pose else []
    if kind.needs.min_animals > 1:
        needs.append(f"{kind.needs.min_animals} animals")
    fixed = ", ".join(f"`{key}={value}`" for key, value in kind.fixed.items())
    return [
        _first(kind),
        ", ".join(needs),
        kind.paper_name or "-",
        fixed or "-",
        _code_link(kind),
    ]


def _described(found: Mapping[str, Any]) -> list[str]:
    rows = ([f"`{n}`", _first(part), _code_link(part)] for n, part in found.items())
    return _table(("name", "what it is", "code"), rows)


def _list(names: Iterable[str]) -> list[str]:
    return [f"- `{name}`" for name in names]


def _first(part: Any) -> str:
    return (inspect.getdoc(part) or "").splitlines()[0]


def _code_link(part: Any) -> str:
    path = Path(inspect.getsourcefile(part) or "").resolve().relative_to(ROOT)
    return f"[`{part.__name__}`](../../{path.as_posix()})"


def _problems(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield id, severity and text of every finding that is spelled out in a module."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem":
                given = [*node.args, *(k.value for k in node.keywords)][:3]
                words = [
                    "".join(_spoken(v) for v in _values(function, g)) for g in given
                ]
                if len(words) == 3 and isinstance(given[0], ast.Constant):
                    grade = "error or warning" if words[1] == "…" else words[1]
                    yield words[0], grade, " ".join(words[2].split())


def _values(function: ast.FunctionDef, given: ast.expr) -> list[ast.expr]:
    """Return what a name was last set to before it is used, and what was added."""
    found: list[ast.expr] = [given]
    for node in sorted(_assignments(function), key=lambda node: node.lineno):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if node.lineno < given.lineno and ast.unparse(target) == ast.unparse(given):
            found = [*(found if isinstance(node, ast.AugAssign) else []), node.value]
    return found


def _assignments(function: ast.FunctionDef) -> Iterator[ast.Assign | ast.AugAssign]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AugAssign):
            yield node


def _spoken(node: ast.expr) -> str:
    """Return a text as far as it is spelled out, with … for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_spoken(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _spoken(node.left) + _spoken(node.right)
    return "…"


def _class(kind: type[Any]) -> list[str]:
    about = inspect.getdoc(kind) or ""
    return ["", f"### {kind.__name__}", "", about, "", *_fields(kind)]


def _sentence(module: Any) -> str:
    """Return the first line of a module's description."""
    return (inspect.getdoc(module) or "").splitlines()[0]


def _fields(kind: type[Any], what: str = "option") -> list[str]:
    schema_of = TypeAdapter(kind).json_schema()
    rows = []
    for field in dataclasses.fields(kind):
        about = schema_of["properties"][field.name]
        text = " ".join(about.get("description", "").split())
        rows.append([f"`{field.name}`", _kind(about), _default(field), text])
    return _table((what, "kind", "default", "meaning"), rows)


def _kind(about: dict[str, Any]) -> str:
    """Say in words what a field takes."""
    if "$ref" in about:
        return f"[{about['$ref'].rpartition('/')[2]}](#{_anchor(about['$ref'])})"
    if "allOf" in about:
        return _kind(about["allOf"][0])
    if "anyOf" in about:
        return " or ".join(_kind(part) for part in about["anyOf"])
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    words = {"integer": "whole number", "boolean": "yes or no", "string": "text"}
    kind = words.get(about.get("type", ""), about.get("type", "anything"))
    if kind == "array":
        parts = about.get("prefixItems") or [about.get("items", {})]
        kind = "list of " + ", ".join(dict.fromkeys(_kind(part) for part in parts))
    return " ".join(filter(None, [kind, _bounds(about)]))


def _bounds(about: dict[str, Any]) -> str:
    signs = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
    }
    return ", ".join(f"{signs[k]} {about[k]:g}" for k in signs if k in about)


def _default(field: dataclasses.Field[Any]) -> str:
    missing = (dataclasses.MISSING, PydanticUndefined, None)
    described = field.default if isinstance(field.default, FieldInfo) else field
    if described.default_factory not in missing:
        made = described.default_factory()
        return "see there" if dataclasses.is_dataclass(made) else f"`{made!r}`"
    if described.default in missing[:2]:
        return "needed"
    return f"`{described.default!r}`"


def _told_constants(module: Any) -> dict[str, str]:
    """Return the sentence below every public constant of a module."""
    body = ast.parse(inspect.getsource(module)).body
    told = {}
    for node, below in itertools.pairwise(body):
        name = _assigned(node)
        text = below.value if isinstance(below, ast.Expr) else None
        if name and isinstance(text, ast.Constant):
            told[name] = inspect.cleandoc(str(text.value))
    return told


def _assigned(node: ast.stmt) -> str | None:
    target = None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    if isinstance(target, ast.Name) and target.id.isupper() and target.id[0] != "_":
        return target.id
    return None


def _flag(action: argparse.Action) -> list[str]:
    text = (action.help or "") % {
        **vars(action),
        "default": action.default,
        "prog": PROGRAM,
    }
    return [f"`{_spelled(action)}`", text]


def _spelled(action: argparse.Action) -> str:
    name = action.metavar or action.dest.upper()
    if action.choices and not action.metavar:
        name = "|".join(map(str, action.choices))
    shown = " ".join(name) if isinstance(name, tuple) else str(name)
    if not action.option_strings:
        return shown
    flags = ", ".join(action.option_strings)
    return flags if action.nargs == 0 else f"{flags} {shown}"


def _usage(actions: list[argparse.Action]) -> str:
    words: dict[bool, list[str]] = {False: [], True: []}
    for action in actions:
        word = _spelled(action)
        is_needed = action.required and action.nargs not in ("?", "*")
        words[bool(action.option_strings)].append(word if is_needed else f"[{word}]")
    return " ".join(words[False] + words[True])


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    titles = list(header)
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("\n", " ") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _link(name: str) -> str:
    return f"[{name}](#{name})"


def _anchor(reference: str) -> str:
    return reference.rpartition("/")[2].lower()


def _page(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
