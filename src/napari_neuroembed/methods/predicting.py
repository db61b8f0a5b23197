"""The step of methods that predict behaviour from h_n instead of comparing windows.

Only neural windows are augmented, without calcium decay, which the paper gives to the
contrastive methods alone. The representation is h_n, the input of what predicts.
"""

from __future__ import annotations

from types import MappingProxyType

from torch import Tensor

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.ablations import PLAIN
from napari_neuroembed.methods.base import Batch, Needs, Progress, Shapes
from napari_neuroembed.methods.domain import DomainTerm
from napari_neuroembed.methods.neural import NeuralMethod
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.objectives import Loss, embedding_monitors


class Predicting(NeuralMethod):
    """Predict something of the pose from h_n."""

    needs = Needs(pose=True, min_animals=1)
    fixed = MappingProxyType(PLAIN)
    of_paper = MappingProxyType(
        {"training.learning_rate": 1e-4, "training.weight_decay": 1e-5}
    )

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        self.domain = DomainTerm(config, shapes, {"neural": config.models.neural.dim})

    def step(self, batch: Batch, progress: Progress) -> Loss:
        """Return the error of the prediction, and a domain term if any."""
        n = self.augment_neural(batch.neural, batch, progress, "neural")
        h_n = self.encode_neural(n, batch)
        loss = self.predict(h_n, batch, progress.ranks)
        watched = embedding_monitors(progress.ranks.join(h_n.detach()))
        loss = Loss(loss.total, {**loss.terms, **watched})
        return self.domain.add(loss, {"neural": h_n}, batch.animal, progress)

    def predict(self, h_n: Tensor, batch: Batch, ranks: Ranks) -> Loss:
        """Return the error of what is predicted from this process's embeddings."""
        raise NotImplementedError
