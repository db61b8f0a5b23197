"""What a loss that is not finite was made of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from napari_neuroembed.training.loop import LossNotFiniteError
from napari_neuroembed.training.setup import Setup


def what_failed(setup: Setup, error: BaseException) -> dict[str, Any]:
    """Return what ``run.json`` keeps of an error that ended a training.

    Parameters
    ----------
    setup
        Of the training.
    error
        What ended it.

    Returns
    -------
    dict
        Empty unless the loss was not finite, else ``not_finite`` with ``step``, from 0;
        ``windows``, a list of recording and ``center_s``; ``inputs``, by animal and
        stream ``min`` and ``max`` of the finite normalised values and
        ``n_not_finite``. Of several processes the share of this one.
    """
    if not isinstance(error, LossNotFiniteError):
        return {}
    return {"not_finite": _inputs_of(setup, error.step)}


def _inputs_of(setup: Setup, step: int) -> dict[str, Any]:
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
