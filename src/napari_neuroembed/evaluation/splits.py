"""Fit and test windows of the action and decoding probes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_neuroembed.evaluation.context import Context
from napari_neuroembed.evaluation.metrics import Codes

BLOCK_S = 10.0
"""Length of the stretches that intervals resample within a single recording."""

BLOCKS_NOTE = "fit and fresh windows are blocks of the same recordings"
LEAKY_NOTE = (
    "random folds: neighbouring windows are fitted on and tested, so the score is too "
    "high; never report it"
)


@dataclass(frozen=True)
class Split:
    """Windows to fit a probe on and windows to test it on.

    Parameters
    ----------
    task
        ``action_single``, ``action_multi``, ``decode_single`` or ``decode_multi``.
    animal
        The animal tested.
    fit, test
        Row numbers of the windows, test windows in order of recording and time.
    mode
        ``transductive`` or ``inductive``.
    held_out
        Animal left out, of the probe or of the whole run.
    control
        ``random_leaky`` where fit and test were mixed on purpose, else ``none``.
    note, problem
        What to know about the split; why there is none.
    has_mean
        Whether a mean over the animals of this task makes sense.
    """

    task: str
    animal: str
    fit: NDArray[np.int64]
    test: NDArray[np.int64]
    mode: str
    held_out: str = ""
    control: str = "none"
    note: str = ""
    problem: str = ""
    has_mean: bool = True

    @property
    def is_single(self) -> bool:
        """Whether the probe is fitted and tested on one animal."""
        return self.task.endswith("_single")

    @property
    def words(self) -> tuple[str, ...]:
        """What the randomness of this split is named by."""
        return (self.task, self.animal)

    def columns(self, animal: str | None = None) -> dict[str, str]:
        """Return the columns of the table that name this split.

        Parameters
        ----------
        animal
            Name to write instead of the animal's, for the mean.
        """
        name = self.animal if animal is None else animal
        return {
            "task": self.task,
            "mode": self.mode,
            "animal": name if self.is_single else "",
            "held_out_animal": self.held_out if self.is_single else name,
            "control": self.control,
        }


def splits(context: Context, what: str) -> list[Split]:
    """Return the splits within each animal, then across animals.

    Within: fitted on the animal's fit windows, tested on its fresh ones. Across:
    fitted on the fit windows of the others, tested on the fresh ones of the animal
    left out; an inductive run has that row for its held-out animal alone.

    Parameters
    ----------
    what
        ``action`` or ``decode``.
    """
    animals = context.sample.animals()
    facts = context.facts
    is_inductive = facts.mode == "inductive"
    # The encoder saw the other animals: their rows belong to a transductive run.
    judged = [facts.held_out_animal] if is_inductive else list(animals)
    found = [_within(context, f"{what}_single", animal) for animal in judged]
    if len(animals) < 2:
        only = animals[0] if animals else ""
        why = f"needs at least 2 animals; there is 1 ({only})"
        nothing = np.empty(0, dtype=np.int64)
        return [
            *found,
            Split(f"{what}_multi", only, nothing, nothing, facts.mode, problem=why),
        ]
    return [*found, *(_across(context, f"{what}_multi", a) for a in judged)]


def resampling_units(context: Context, rows: NDArray[np.int64]) -> Codes:
    """Return what a bootstrap resamples: recordings, or 10-s stretches of a single one.

    Parameters
    ----------
    rows
        Windows of the sample.

    Returns
    -------
    array of int, shape (n_rows,)
        Unit of each window, 0 to n_units - 1.
    """
    names, recording = np.unique(context.recording[rows], return_inverse=True)
    if names.size > 1:
        return recording.astype(np.int64)
    times = context.sample.times[rows]
    stretch = np.floor((times - times.min()) / max(BLOCK_S, context.sample.window_s))
    return np.unique(stretch, return_inverse=True)[1].astype(np.int64)


def _within(context: Context, task: str, animal: str) -> Split:
    sample = context.sample
    own = sample.column("animal") == animal
    fresh = sample.is_fresh
    note = BLOCKS_NOTE if sample.split_kind == "blocks" else ""
    control = "none"
    if context.options.folds == "random_leaky":
        control, note = "random_leaky", LEAKY_NOTE
        generator = context.generator("leaky", task, animal)
        fresh = generator.permutation(fresh.size) < fresh.size // 2
    fit, test = own & ~fresh, own & fresh
    return _checked(
        context,
        Split(
            task,
            animal,
            np.flatnonzero(fit),
            np.flatnonzero(test),
            context.facts.mode,
            context.facts.held_out_animal,
            control,
            note,
        ),
    )


def _across(context: Context, task: str, animal: str) -> Split:
    sample = context.sample
    own = sample.column("animal") == animal
    fresh = sample.is_fresh
    facts = context.facts
    split = Split(
        task,
        animal,
        np.flatnonzero(~own & ~fresh),
        np.flatnonzero(own & fresh),
        facts.mode,
        animal,
        has_mean=facts.mode != "inductive",
    )
    return _checked(context, split)


def _checked(context: Context, split: Split) -> Split:
    """Sort the test windows by time and say what is missing."""
    rows = split.test
    order = np.lexsort((context.sample.times[rows], context.recording[rows]))
    problem = ""
    if not split.fit.size:
        problem = "no fit windows"
    if not rows.size:
        problem = f"no fresh windows of animal {split.animal}"
    return replace(split, test=rows[order], problem=problem)
