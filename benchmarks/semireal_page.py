"""The page of the semi-real benchmark: what is real, scores, wins and losses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.semireal_bodies import (
    BODY_OFFSET_SD,
    BODY_SCALE_SD,
    BRIGHTNESS_SD,
    DROP,
    N_REGIONS,
    N_TUNED,
    TAU_S,
    WARP_PX,
    WARP_REACH_PX,
    Cast,
    Size,
    make_cast,
)
from benchmarks.semireal_data import ACTIONS
from benchmarks.semireal_frames import DFF_PER_CALCIUM
from benchmarks.semireal_table import table
from benchmarks.semireal_wins import COMPARED, HEADINGS, compare, every_pair, wins

NOTE = (
    "<!-- Made by python -m benchmarks.semireal; run it again instead of editing. -->"
)
COLUMNS = (
    "across",
    "across accuracy",
    "within",
    "identity linear",
    "identity kNN",
    "identity MLP",
)


def page(units: pd.DataFrame, data: Path, size: Size, command: str) -> str:
    """Return the page.

    Parameters
    ----------
    units
        Columns `semireal.UNIT_COLUMNS`.
    data
        Where the real data lie, to say what was taken from them.
    size, command
        What was made, and how.
    """
    casts = [make_cast(data, int(seed), size) for seed in units["seed"].unique()]
    pairs = [pair for measure in COMPARED for pair in compare(units, measure)]
    parts = [
        "# Where all but the planted activity is real",
        "",
        NOTE,
        "",
        *_opening(casts, size, command),
        *_scores(units),
        *wins(pairs),
        *_by_seed(units, casts),
        *_provenance(casts),
        *_limits(),
        *every_pair(pairs),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _opening(casts: list[Cast], size: Size, command: str) -> Iterator[str]:
    yield (
        f"{size.n_animals} animals with {size.n_recordings} recordings of "
        f"{size.duration_s:g} s, {len(casts)} seeds. The bouts, poses, tissue, motion "
        "and noise come from real recordings of others; which regions are active in "
        "which action is planted, because no public recording has images, poses and "
        "actions of several animals. The files pass through the product's own import, "
        "registration and dF/F to 32 x 32 pixels; preset `twin`."
    )
    yield from ("", "```sh", command, "```", "")
    yield (
        "Every method was frozen before this ran for the first time, and nothing was "
        "tuned on it. The making of the animals was tried out on recordings of 20 s "
        "(raw signals, `simclr`, `guenel2022`) and on seed 3 (raw signals, `simclr`). "
        "In the first trial each region was tuned to an action with a chance of .2, "
        "which left walking one region, and three of four animals without it; so every "
        f"action has {N_TUNED} regions since. Then all of it was run once."
    )
    yield ""


def _scores(units: pd.DataFrame) -> Iterator[str]:
    yield from ("## Scores", "")
    yield (
        "Balanced accuracy of a linear probe on fresh recordings (and accuracy, where "
        "named), mean ± sd over seeds; identity by three probes, less is better. "
        "`+ subspace`: after the same step, fitted on fit recordings. Chance is that "
        "of guessing; of accuracy, the commonest action."
    )
    yield ""
    means = units.groupby(["method", "measure", "seed"], sort=False)["value"].mean()
    rows = []
    for name in dict.fromkeys(units["method"]):
        cells = [_spread(means[name].get(measure)) for measure in COLUMNS]
        rows.append((f"`{name}`", *cells))
    chance = units.groupby("measure")["chance"].mean()
    rows.append(("chance", *(f"{chance[m]:.3f}" for m in COLUMNS)))
    yield from table(("", *COLUMNS), rows)
    yield ""


def _by_seed(units: pd.DataFrame, casts: list[Cast]) -> Iterator[str]:
    yield from ("## By seed", "", "Means of the animals; a seed is a movie.")
    means = units.groupby(["measure", "method", "seed"], sort=False)["value"].mean()
    for measure in COMPARED:
        yield from ("", f"### {HEADINGS[measure]}, by seed", "")
        of = means[measure]
        rows = [
            (f"`{name}`", *(f"{of[name][cast.seed]:.3f}" for cast in casts))
            for name in dict.fromkeys(of.index.get_level_values("method"))
        ]
        yield from table(("", *(f"{c.seed}, {c.movie.name}" for c in casts)), rows)
    yield ""


def _provenance(casts: list[Cast]) -> Iterator[str]:
    yield from ("## What is real and what is made up", "")
    yield from table(("what", "real", "made up"), _sources(casts[0]))
    yield ""
    rows = [
        (
            str(cast.seed),
            f"{cast.movie.name} ({cast.movie.n_frames} frames)",
            f"{cast.movie.gain:.2f}",
            f"{cast.movie.dark:.0f}",
            f"{cast.movie.motion.std():.2f} ({cast.movie.motion_of})",
            ", ".join(body.source for body in cast.bodies),
        )
        for cast in casts
    ]
    motion = "motion, sd in pixels of 64"
    yield from table(("seed", "movie", "gain", "dark", motion, "bouts of fly"), rows)
    yield ""


def _sources(cast: Cast) -> Iterator[tuple[str, str, str]]:
    runs = cast.poses.runs
    frames = ", ".join(
        f"{sum(map(len, of))} of {kind.replace('_', ' ')}" for kind, of in runs.items()
    )
    yield (
        "which action follows which, and for how long",
        (
            "annotated bouts of seven flies (Aymanns et al. 2022), 100 frames per "
            "second; each animal has those of one fly, of one or two trials"
        ),
        (
            "each recording begins at a random bout and goes round, so that bouts come "
            "again; they are cut at 20 s, unlabelled time at 1 s; three kinds of front "
            "grooming are one action, and two of hind grooming"
        ),
    )
    yield (
        "poses",
        (
            f"frames of two tethered flies in 3-D, 30 points: {frames}; sorted by how "
            "fast front and other legs move"
        ),
        (
            "nobody labelled these frames; hind grooming is front grooming moved to "
            "the hind legs; joins and unlabelled time are straight lines; body "
            f"proportions differ by {BODY_SCALE_SD:.0%} and {BODY_OFFSET_SD:g} sd of a "
            "coordinate. No two animals share a frame; an animal's fit and fresh "
            "recordings do"
        ),
    )
    yield (
        "tissue",
        "mean image of a movie, another one for each seed",
        (
            "the animals of a seed are one image, moved by a smooth field of "
            f"{WARP_PX:g} pixels (sd, of 32; smooth over {WARP_REACH_PX:g}) and "
            f"{BRIGHTNESS_SD:g} (sd of the logarithm) apart in brightness; beyond the "
            "edge of the image its last pixel is repeated"
        ),
    )
    yield (
        "motion",
        "rigid shifts measured in a movie, played back and forth from random frames",
        (
            "the movies state no rate: a frame is a frame. Ten frames of the fly "
            "cannot say how it moves: it moves as a mouse does"
        ),
    )
    yield (
        "noise",
        "variance as a straight line in the mean, fitted to the movie's pixels",
        "drawn as Poisson counts with that gain, pixels independent",
    )
    yield (
        "activity",
        "nothing",
        (
            f"{N_REGIONS} regions at bright places, moved with the tissue; {N_TUNED} "
            f"tuned to each action, none to rest or to unlabelled time; {DROP:.0%} "
            f"missing in an animal; decay {TAU_S[0]:g} to {TAU_S[1]:g} s; brighter by "
            f"{DFF_PER_CALCIUM:.0%} per unit of calcium"
        ),
    )


def _limits() -> Iterator[str]:
    yield from ("## What these figures do not say", "")
    yield (
        "The relation between activity and action is still made up, and it is the same "
        "in all animals apart from missing regions, gains and places. Animals of a "
        "seed have one tissue image: real ones differ more. Two of the three movies "
        "are of mice, with bouts and poses of flies. The poses of four animals come "
        f"from two flies; they were sorted into {len(ACTIONS)} actions by rules that "
        "also make them easy to tell apart, and front and hind grooming come from "
        "under four seconds of one fly. Hind grooming is rare, and some animals never "
        "do it: one bout more or less moves a balanced accuracy. Encoders saw the "
        "held-out animal without labels (transductive). The animals of a seed share "
        "their encoder, so their differences are not independent, and intervals are "
        "narrower than they should be. The networks are small."
    )
    yield ""


def _spread(values: pd.Series | None) -> str:
    if values is None or not values.notna().any():
        return "-"
    if len(values) < 2:
        return f"{values.mean():.3f}"
    return f"{values.mean():.3f} ± {values.std():.3f}"
