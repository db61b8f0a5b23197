"""Do maps of actions point at the axons that are tuned to them? On synthetic animals.

    python -m benchmarks.maps PROJECT RUN [RUN ...]

PROJECT is one of synthetic animals, with ``source/truth.npz``; maps that are there are
kept. Prints, per run, the area under the ROC curve of the maps against the pixels of
the truly tuned axons, beside that of the animal's mean image, and how many maps passed
their own check.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

import napari_neuroembed as ne
from napari_neuroembed.data.derived import read_mean
from napari_neuroembed.data.synthetic.anatomy import PLANE
from napari_neuroembed.data.synthetic.files import SOURCE, TRUTH, TRUTH_FACTS
from napari_neuroembed.errors import RunFolderError
from napari_neuroembed.files import read_json
from napari_neuroembed.options.preprocessing import ResizeOptions
from napari_neuroembed.preprocessing.resize import Resizer

SHARE = 0.25
"""A pixel belongs to the tuned axons from this share of the strongest pixel on."""


def tuned_pixels(
    truth: Any, animal: str, action: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return where axons shine that fire in this action more than on average."""
    tuning = truth["axons/tuning"]
    excess = (
        np.maximum(tuning[action] - tuning.mean(axis=0), 0) * truth[f"{animal}/gain"]
    )
    position, width = truth[f"{animal}/position"], float(truth[f"{animal}/width"])
    y, x = np.meshgrid(
        *((np.arange(n) + 0.5) * PLANE / n - 0.5 for n in shape), indexing="ij"
    )
    light = np.zeros(shape)
    for weight, (py, px) in zip(excess, position, strict=True):
        light += weight * np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * width**2))
    return np.asarray(light >= SHARE * light.max())


def scored(project: ne.Project, name: str) -> pd.DataFrame:
    """Return the maps of a run with their areas under the curve."""
    run = project.run(name)
    try:
        table, values = run.maps()
    except RunFolderError:
        table, values = run.map_actions()
    source = project.path / SOURCE
    names = read_json(source / TRUTH_FACTS)["actions"]
    rows = []
    with np.load(source / TRUTH, allow_pickle=False) as truth:
        for (_, row), one in zip(table.iterrows(), values, strict=True):
            if row["note"]:
                continue
            tuned = tuned_pixels(
                truth, row["animal"], names.index(row["action"]), one.shape
            )
            seen = np.isfinite(one)
            if tuned[seen].all() or not tuned[seen].any():
                continue
            image = read_mean(project.derived_folder(f"{row['animal']}_001"))
            assert image is not None
            height, width = one.shape
            small = Resizer(image.shape, ResizeOptions(height=height, width=width))
            bright = small.frames(image[None])[0]
            rows.append(
                {
                    **row,
                    "run": name,
                    "auroc": roc_auc_score(tuned[seen], one[seen]),
                    "auroc_of_mean_image": roc_auc_score(tuned[seen], bright[seen]),
                    "passed": row["drop_top"] > row["drop_high"],
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Print one line per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("runs", nargs="+")
    args = parser.parse_args()
    project = ne.Project.open(args.project)
    for name in args.runs:
        found = scored(project, name)
        told = found[["auroc", "auroc_of_mean_image", "drop_top", "drop_random"]]
        print(
            f"{name}: {len(found)} maps, "
            + ", ".join(f"{c} {told[c].mean():.3f} ± {told[c].std():.3f}" for c in told)
            + f", passed {int(found['passed'].sum())}, auroc above 0.5 "
            f"{int((found['auroc'] > 0.5).sum())}"
        )


if __name__ == "__main__":
    main()
