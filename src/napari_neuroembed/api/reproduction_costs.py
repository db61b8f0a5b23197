"""What making the tables again will take: disk, steps, and time where it is known."""

from __future__ import annotations

from napari_neuroembed.api.project import Project
from napari_neuroembed.api.reproduction_setting import (
    COMPARISON,
    PAPER_FRESH,
    Reproduction,
    paper_preprocessing,
)
from napari_neuroembed.data.importing.mc2p_checks import Mc2pLook
from napari_neuroembed.data.problems import counted
from napari_neuroembed.data.stacks import stack_bytes
from napari_neuroembed.disk import free_bytes
from napari_neuroembed.store.run_folder import RUN
from napari_neuroembed.training.budget import PAPER_EPOCHS, duration

_POSE_BYTES = 60 * 4
_OTHER_BYTES = 1 << 20
_AUTHORS = (
    "The authors trained one SimCLR run for 12 h on a GTX 1080; their stride of "
    "windows is not known"
)


def disk_text(project: Project, looked: Mc2pLook, asked: Reproduction) -> str:
    """Return what ``derived/`` will take; sources are referenced, not copied."""
    options = paper_preprocessing(asked.data.images, asked.data.pose)
    options |= asked.preprocessing
    side = (int(options["resize.height"]), int(options["resize.width"]))
    n_bytes = 0
    for one in looked.recordings:
        frames = looked.frames[one.id]
        n_bytes += stack_bytes((frames.images or 0, *side)) + _OTHER_BYTES
        n_bytes += (frames.poses or 0) * _POSE_BYTES
    free = free_bytes(project.path)
    return (
        f"disk: about {n_bytes / 1e9:.2f} GB for the training cache in "
        f"{project.path / 'derived'} ({free / 1e9:.2f} GB are free); the files of the "
        "data set are referenced, not copied."
    )


def training_text(project: Project, looked: Mc2pLook, asked: Reproduction) -> str:
    """Return how many steps there will be, and how long they take if it was measured.

    Windows are counted by the length of recordings, edges and rest included, so that
    the number is a little high.
    """
    config = project.config(method="guenel2022", settings=asked.settings)
    rate = asked.data.rate_hz
    if rate is None:
        return "training: not estimated, since the rates are not given."
    by_animal: dict[str, list[int]] = {}
    for one in looked.recordings:
        if one.name is not None:
            n = looked.frames[one.id].images or 0
            by_animal.setdefault(one.name.animal, []).append(n)
    fit = sum(sum(ns[: max(1, len(ns) - PAPER_FRESH)]) for ns in by_animal.values())
    windows = fit / rate / config.windows.stride_s
    steps = PAPER_EPOCHS * max(1, round(windows / config.training.batch_size))
    if any(s.startswith("training.steps=") for s in asked.settings):
        steps = config.training.steps
    text = (
        f"training: {counted(len(asked.rows), 'row')} of about {steps:,} steps of "
        f"{config.training.batch_size} windows"
    )
    known = _seconds_per_step(project)
    if not known:
        return (
            f"{text}. How long a step takes here was not measured: nothing has been "
            f"trained in {project.path} yet. {_AUTHORS}. Once recordings are prepared, "
            f'neuroembed train {project.path} --budget "1 hour" --plan times real '
            "steps and tells."
        )
    mean = sum(known.values()) / len(known)
    left = [row for row in asked.rows if row not in known]
    return (
        f"{text}. Measured here: {mean:.3g} s per step, mean of {', '.join(known)}; "
        f"the other {len(left)} rows would take about "
        f"{duration(mean * steps * len(left))} at that pace (rows differ in work)."
    )


def _seconds_per_step(project: Project) -> dict[str, float]:
    """Return the pace of rows that were trained: row -> seconds per step."""
    found = {}
    for path in sorted(project.runs_folder.glob(f"{COMPARISON}-*/{RUN}")):
        info = project.run(path.parent.name).info()
        if info.get("step") and info.get("seconds") and info["status"] == "finished":
            row = path.parent.name.removeprefix(f"{COMPARISON}-")
            found[row] = float(info["seconds"]) / int(info["step"])
    return found
