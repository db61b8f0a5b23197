"""The published tables once more, from a folder of the MC2P data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from napari_neuroembed.api.comparing import compare, plan_of
from napari_neuroembed.api.project import Project
from napari_neuroembed.api.reproduction_checks import Found, rest_of
from napari_neuroembed.api.reproduction_setting import (
    COMPARISON,
    Reproduction,
    notes_of,
    paper_preprocessing,
    paper_settings,
)
from napari_neuroembed.data.importing import import_recording
from napari_neuroembed.data.importing.mc2p import request_for
from napari_neuroembed.data.importing.mc2p_labels import (
    LabelTable,
    add_table,
    with_rest,
)
from napari_neuroembed.data.project.preprocessing import with_preprocessing
from napari_neuroembed.data.recording import TimeAxis
from napari_neuroembed.errors import ConfigError, DataError
from napari_neuroembed.progress import Report, silent
from napari_neuroembed.reports.reproduction import (
    beside_published,
    text_of,
    without_accuracy,
    write_reproduction,
)


@dataclass(frozen=True)
class Outcome:
    """The tables.

    Parameters
    ----------
    table
        See :func:`napari_neuroembed.reports.reproduction.beside_published`.
    text
        The same for people.
    folder
        Where both lie.
    failed
        Row -> why it was not measured.
    """

    table: pd.DataFrame
    text: str
    folder: Path
    failed: Mapping[str, str]


def reproduce(
    project: Project,
    asked: Reproduction,
    found: Found,
    *,
    scheduler: str | None = None,
    report: Report = silent,
) -> Outcome:
    """Import, pre-process, train, judge, and lay the numbers beside the published.

    Whatever is done already is kept; the same call goes on.

    Parameters
    ----------
    project
        New, or from an earlier call.
    asked, found
        See :func:`find`.
    scheduler
        As of :func:`napari_neuroembed.api.comparing.compare`.
    report
        Told about everything; cancelling keeps what is finished.

    Raises
    ------
    ConfigError
        When the project was made with other pre-processing, or a setting is wrong.
    DataError
        Listing what stands in the way, or what could not be pre-processed.
    """
    found.refuse()
    _set_up(project, asked)
    for done, one in enumerate(found.look.recordings):
        report("import", done, len(found.look.recordings), one.id)
        if one.id not in project.recording_ids():
            request = request_for(asked.data, one)
            import_recording(project, request, accepted=asked.accepted)
    _add_labels(project, asked, found, report)
    _prepare(project, report)
    settings = paper_settings(project, asked, report)
    plan = plan_of(COMPARISON, asked.rows, settings, asked.profile)
    made = compare(project, plan, scheduler=scheduler, report=report)
    folder = project.path / "compare" / COMPARISON
    table = beside_published(pd.read_csv(folder / "tables" / "over_seeds.csv"))
    missing = {**without_accuracy(made.scores), **made.failed}
    text = text_of(table, notes_of(project, asked), missing)
    write_reproduction(folder, table, text)
    return Outcome(table, text, folder, made.failed)


def _set_up(project: Project, asked: Reproduction) -> None:
    """Give a new project the paper's pre-processing; refuse another one's."""
    changes = paper_preprocessing(asked.data.images, asked.data.pose)
    wanted = with_preprocessing(
        replace(project.spec, preprocessing={}), {**changes, **asked.preprocessing}
    )
    if not project.recording_ids():
        project.spec = replace(project.spec, preprocessing=wanted.preprocessing)
    elif project.spec.preprocessing != wanted.preprocessing:
        raise ConfigError(
            f"{project.path} was made with other pre-processing (see project.yaml) "
            f"than --images {asked.data.images} --pose {asked.data.pose} and --set ask "
            "for. Give what it was made with, or another --project."
        )


def _add_labels(
    project: Project, asked: Reproduction, found: Found, report: Report
) -> None:
    """Add the labels of recordings that never got any, on their true clocks.

    What somebody has changed or taken out since is left as it is.
    """
    if asked.labels is None:
        return
    with project.annotations(app="cli") as store:
        written = [row for rows in store.events()["after"] for _, row in rows if row]
    known = {row["recording"] for row in written if row.get("source") == "imported"}
    new = [one for one in found.look.recordings if one.id not in known]
    clocks: dict[str, TimeAxis] = {}
    rests, rest_clocks = {}, {}
    for done, one in enumerate(new):
        report("labels", done, len(new), one.id)
        streams = project.opened(one.id).streams
        camera, images = streams["pose"].time, streams["neural"].time
        clocks[one.id] = camera
        lengths = (camera.n_frames, images.n_frames)
        for name, values in rest_of(one, lengths).items():
            is_camera = values.size == camera.n_frames
            rests[name] = values
            rest_clocks[name] = camera if is_camera else images
    if not clocks:
        return
    file = LabelTable(asked.labels, asked.names, asked.accept).read(clocks)
    file = with_rest(file, rests, rest_clocks)
    add_table(project, file, clocks.__contains__, asked.accept)


def _prepare(project: Project, report: Report) -> None:
    done = project.preprocess(report=report)
    failed = done[done["status"] == "failed"]
    if len(failed):
        lines = [f"  - {r.recording}: {r.detail}" for r in failed.itertuples()]
        head = (
            f"{len(lines)} of {len(done)} recordings could not be pre-processed; the "
            "others are kept:"
        )
        raise DataError("\n".join([head, *lines]))
