"""The figures of a report as files: drawings for a paper, and the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.plotting.export import (
    DOUBLE_MM,
    SINGLE_MM,
    Sized,
    find_browser,
    write_figures,
)
from napari_neuroembed.plotting.one_column import one_column
from napari_neuroembed.progress import Report
from napari_neuroembed.reports.run_figures import RunFigure, drawn_apart
from napari_neuroembed.reports.source_data import panel_tables

DRAWN = ("svg", "pdf")
"""Kinds of drawings a report has unless told otherwise."""


def write_numbers(folder: Path, figures: Sequence[RunFigure]) -> None:
    """Write the numbers of every panel as ``<figure>_<panel>.csv``."""
    for one in figures:
        for panel, numbers in panel_tables(one.figure).items():
            numbers.to_csv(folder / f"{one.name}_{panel}.csv", index=False)


def write_drawings(
    folder: Path,
    figures: Mapping[str, Sequence[RunFigure]],
    kinds: Sequence[str],
    report: Report,
) -> str:
    """Draw every figure in the width of one and of two columns.

    Parameters
    ----------
    folder
        Holds a folder per run.
    figures
        By run.
    kinds
        Of :data:`~napari_neuroembed.plotting.export.KINDS`; none: nothing is drawn.
    report
        Told about every figure.

    Returns
    -------
    str
        Why there are no (or not all) drawings: there is no browser to draw them, or it
        failed. Empty when all is well.
    """
    todo = [(run, one) for run, own in figures.items() for one in own]
    if not kinds or not todo:
        return ""
    try:
        find_browser()
        for done, (run, one) in enumerate(todo):
            report("draw", done, len(todo), f"{run}: {one.name}")
            drawn = drawn_apart(one.figure)  # WebGL would become a picture of points
            sizes = {
                f"{one.name}_{SINGLE_MM:g}mm": Sized(one_column(drawn), SINGLE_MM),
                f"{one.name}_{DOUBLE_MM:g}mm": Sized(drawn, DOUBLE_MM),
            }
            write_figures(folder / run, sizes, kinds)
    except ConfigError as error:
        return f"{', '.join(kinds)} files are missing: {error}"
    return ""


def files_of(
    build: Path, figures: Mapping[str, Sequence[RunFigure]]
) -> dict[tuple[str, str], list[str]]:
    """Return the files of every figure, by run and name, as paths from the page."""
    return {
        (run, one.name): [
            path.relative_to(build).as_posix()
            for path in sorted((build / "figures" / run).glob(f"{one.name}_*"))
        ]
        for run, own in figures.items()
        for one in own
    }
