"""BehaveNet as Guenel et al. use it: name the hidden state of the pose.

An autoregressive hidden Markov model (``methods/arhmm.py``) is fitted to the poses of
fit recordings; f_n and one linear layer predict the posterior over its states at the
centre of every window. The representation is h_n, the input of that layer. Batty et
al. 2019, "BehaveNet: nonlinear embedding and Bayesian neural decoding of behavioral
videos".
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from napari_neuroembed.config import RunConfig
from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.arhmm import ARHMM, Floats, choose_arhmm, posterior
from napari_neuroembed.methods.base import Batch, FitPoses, Shapes
from napari_neuroembed.methods.predicting import Predicting
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.models.initial import initial_weights
from napari_neuroembed.objectives import Loss
from napari_neuroembed.objectives import posterior as to_posterior
from napari_neuroembed.progress import Report, silent


class BehaveNet(Predicting):
    """Predict the posterior of an autoregressive hidden Markov model of the pose."""

    paper_name = "BehaveNet"
    references = ("batty2019", "guenel2021", "guenel2022")
    has_targets = True

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        assert shapes.pose is not None
        k, d = max(config.method_options.states), shapes.pose[1]
        with initial_weights(seed_for(config.seed, 0, "states")):
            self.states = nn.Linear(config.models.neural.dim, k)
        empty = {
            "n_states": (),
            "mean": (d,),
            "scale": (d,),
            "initial": (k,),
            "transition": (k, k),
            "weights": (k, d, d),
            "bias": (k, d),
            "covariance": (k, d, d),
        }
        for name, shape in empty.items():
            self.register_buffer(f"hmm_{name}", torch.zeros(shape, dtype=torch.float64))

    def prepare(
        self, poses: FitPoses, generator: np.random.Generator, report: Report = silent
    ) -> None:
        """Fit the model and keep it in buffers; features that never vary are left out.

        Raises
        ------
        TrainingError
            When no feature varies, or there are too few frames.
        """
        options = self.config.method_options
        rows = np.concatenate(poses.sequences).astype(np.float64)
        mean, sd = rows.mean(axis=0), rows.std(axis=0)
        used = sd > 1e-6
        if not used.any():
            raise TrainingError(
                f"BehaveNet models how the pose moves, and none of its {len(sd)} "
                "features varies. Check the pose stream, or use another method."
            )
        self._set("mean", mean)
        self._set("scale", np.where(used, sd, 0.0))
        model, _ = choose_arhmm(
            self._standardised(poses),
            options.states,
            generator,
            iterations=options.em_iterations,
            report=report,
        )
        self._set("n_states", np.array(float(model.n_states)))
        for name in ("initial", "transition", "weights", "bias", "covariance"):
            self._set(name, getattr(model, name))

    def targets(self, poses: FitPoses) -> Tensor:
        """Return the posterior at the centre of every window, shape (n, states)."""
        found = posterior(self._model(), self._standardised(poses))
        starts = np.cumsum([0, *map(len, found)])[:-1]
        rows = starts[poses.window_sequence] + poses.window_frame
        k = self.states.out_features
        wide = np.zeros((len(rows), k), dtype=np.float32)
        wide[:, : found[0].shape[1]] = np.concatenate(found)[rows]
        return torch.from_numpy(wide)

    def predict(self, h_n: Tensor, batch: Batch, ranks: Ranks) -> Loss:
        """Return the cross-entropy to the posterior."""
        assert batch.target is not None
        return to_posterior(ranks.join(self.states(h_n)), ranks.join(batch.target))

    def _set(self, name: str, values: Floats) -> None:
        """Write into the leading corner of a buffer."""
        buffer = self.get_buffer(f"hmm_{name}")
        buffer.zero_()
        buffer[tuple(slice(n) for n in values.shape)] = torch.as_tensor(
            values, dtype=buffer.dtype, device=buffer.device
        )

    def _get(self, name: str) -> Floats:
        found: Floats = self.get_buffer(f"hmm_{name}").cpu().numpy()
        return found

    def _model(self) -> ARHMM:
        k = int(self._get("n_states"))
        d = int(np.count_nonzero(self._get("scale")))
        return ARHMM(
            self._get("initial")[:k],
            self._get("transition")[:k, :k],
            self._get("weights")[:k, :d, :d],
            self._get("bias")[:k, :d],
            self._get("covariance")[:k, :d, :d],
        )

    def _standardised(self, poses: FitPoses) -> list[Floats]:
        mean, scale = self._get("mean"), self._get("scale")
        used = scale > 0
        return [(s[:, used] - mean[used]) / scale[used] for s in poses.sequences]
