"""Scores of a made-up comparison, with the answer known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from napari_neuroembed.store.schema import SCORE_COLUMNS

ANIMALS = ("a", "b", "c")


def line(**fields: Any) -> dict[str, Any]:
    """Return one score; what is not said is that of a transductive linear probe."""
    blank: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS, "")
    plain = {
        "is_baseline": False,
        "control": "none",
        "stream": "neural",
        "transform": "none",
        "probe": "linear",
        "mode": "transductive",
        "metric": "accuracy",
        "fraction": 1.0,
        "chance": 0.25,
        "fold": "pooled",
        "seed_of_data": 0,
    }
    return blank | plain | fields


def row_scores(
    row: str, accuracy: dict[str, float], identity: float, **fields: Any
) -> list[dict[str, Any]]:
    """Return what a run would have: animals and their mean, and identity."""
    mean = sum(accuracy.values()) / len(accuracy)
    found = []
    for animal, value in {**accuracy, "mean": mean}.items():
        for metric in ("accuracy", "balanced_accuracy"):
            asked = {"row": row, "run": f"t-{row}", "target": "action"}
            asked |= {"metric": metric, "value": value, **fields}
            found += [
                line(task="action_multi", held_out_animal=animal, **asked),
                line(task="action_single", animal=animal, **asked),
            ]
    for probe in ("linear", "knn", "mlp"):
        found.append(
            line(
                row=row,
                run=f"t-{row}",
                task="identity",
                target="animal",
                metric="balanced_accuracy",
                value=identity,
                **{"probe": probe, **fields},
            )
        )
    return found


def comparison(n_seeds: int = 1) -> pd.DataFrame:
    """Return guenel2022 and simclr, the latter lower by .1, .2 and .3 per animal."""
    lines = []
    for seed in range(n_seeds):
        ours = dict.fromkeys(ANIMALS, 0.9 - 0.01 * seed)
        less = {a: ours[a] - 0.1 * (i + 1) for i, a in enumerate(ANIMALS)}
        lines += row_scores("guenel2022", ours, 0.4, seed_of_data=seed)
        lines += row_scores("simclr", less, 0.8, seed_of_data=seed)
    return pd.DataFrame(lines)
