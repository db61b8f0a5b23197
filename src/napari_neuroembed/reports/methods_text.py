"""The methods text of a report: paragraphs, all parameters, and who is to be cited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd

from napari_neuroembed.methods.references import REFERENCES
from napari_neuroembed.options.base import to_dict
from napari_neuroembed.reports.citations import all_keys
from napari_neuroembed.reports.commands import flat
from napari_neuroembed.reports.data_text import (
    data_text,
    label_text,
    made_with,
    preprocessing_text,
)
from napari_neuroembed.reports.project_facts import ProjectFacts
from napari_neuroembed.reports.run_facts import RunRecord
from napari_neuroembed.reports.run_text import run_text


@dataclass(frozen=True)
class MethodsText:
    """What stands under "Methods".

    Parameters
    ----------
    paragraphs
        Heading -> text.
    parameters
        Every option of pre-processing, runs and evaluations: of, option, value.
    keys
        Works cited, keys of ``REFERENCES``.
    """

    paragraphs: dict[str, str]
    parameters: pd.DataFrame
    keys: list[str]

    def markdown(self) -> str:
        """Return all of it as Markdown."""
        parts = ["# Methods"]
        for heading, text in self.paragraphs.items():
            parts += [f"## {heading}", text]
        lines = ["| of | option | value |", "| --- | --- | --- |"]
        lines += [
            "| " + " | ".join(_cell(c) for c in row) + " |"
            for row in self.parameters.itertuples(index=False)
        ]
        parts += ["## Parameters", "\n".join(lines)]
        if self.keys:
            works = [f"- {reference_line(key)}" for key in self.keys]
            parts += ["## References", "\n".join(works)]
        return "\n\n".join(parts) + "\n"


def methods_text(facts: ProjectFacts, runs: Sequence[RunRecord]) -> MethodsText:
    """Write the methods from what the project and its runs recorded of themselves."""
    paragraphs = {
        "Recordings": data_text(facts),
        "Annotations": label_text(facts),
        "Pre-processing": preprocessing_text(facts),
        **{f"Run {run.name}": run_text(run) for run in runs},
        "Software": _software(facts),
    }
    rows = [("preprocessing", *item) for item in flat(facts.options)]
    for run in runs:
        rows += [(run.name, *item) for item in flat(to_dict(run.config))]
        if run.judged is not None:
            of = f"{run.name}, evaluation {run.judged.name}"
            rows += [(of, *item) for item in flat(to_dict(run.judged.options))]
    return MethodsText(
        paragraphs,
        pd.DataFrame(rows, columns=["of", "option", "value"]),
        all_keys(facts.readers, runs),
    )


def reference_line(key: str) -> str:
    """Return a work in one line, e.g. for a list of references."""
    one = REFERENCES[key]
    return f"{one.short}. {one.title}. {one.link}".rstrip(". ") + "."


def _software(facts: ProjectFacts) -> str:
    parts = [f"Recordings were pre-processed with {text}" for text in made_with(facts)]
    parts.append(
        f"This report was made with napari-neuroembed {version('napari-neuroembed')}"
    )
    return ". ".join(parts) + "."


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")
