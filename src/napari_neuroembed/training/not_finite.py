"""What a loss that is not finite was made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_neuroembed.training.setup import Setup


def what_went_in(setup: Setup, step: int) -> dict[str, Any]:
    """Return the windows of a step, and the range of what each animal gave to it.

    Parameters
    ----------
    setup
        Of the training.
    step
        The step, from 0.

    Returns
    -------
    dict
        ``step``; ``windows``, a list of recording and ``center_s``; ``inputs``, by
        animal and stream ``min`` and ``max`` of the finite normalised values and
        ``n_not_finite``. Of several processes the share of this one.
    """
    batch, rows = setup.batches.draw(step), setup.batches.rows(step)
    own = rows[setup.batches.ranks.share(len(rows))]
    table = setup.data.index.table.iloc[setup.data.fit[own.numpy()]]
    streams = {"neural": batch.neural, "pose": batch.pose}
    return {
        "step": step,
        "windows": table[["recording", "center_s"]].to_dict("records"),
        "inputs": {
            animal: {
                name: _range(values[batch.animal == number])
                for name, values in streams.items()
                if values is not None
            }
            for number, animal in enumerate(setup.data.shapes.animals)
        },
    }


def _range(values: Tensor) -> dict[str, Any]:
    finite = values[torch.isfinite(values)].float()
    least, most = (finite.min(), finite.max()) if len(finite) else (None, None)
    return {
        "min": None if least is None else float(least),
        "max": None if most is None else float(most),
        "n_not_finite": values.numel() - len(finite),
    }
