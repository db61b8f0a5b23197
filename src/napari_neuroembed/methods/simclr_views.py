"""SimCLR on neural windows alone, for recordings without a second stream.

Two views of one window, augmented apart and up to ``view_shift_s`` from each other in
time, must find each other among the batch (Chen et al. 2020, arXiv 2002.05709).
"""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.errors import TrainingError
from napari_neuroembed.methods.base import Batch, Needs, Progress
from napari_neuroembed.methods.contrastive import Contrastive
from napari_neuroembed.objectives.base import Loss


class SimCLRViews(Contrastive):
    """Contrastive learning of two views of the neural window."""

    needs = Needs(pose=False, min_animals=1, views=True)
    paper_name = ""
    references = ("chen2020",)
    fixed = MappingProxyType({"augmentation.pose_swap.p": 0.0})

    def step(self, batch: Batch, progress: Progress) -> Loss:
        """Return the loss between two augmented, time-shifted views."""
        if batch.neural_view is None:
            raise TrainingError("simclr_views was given a batch without second views.")
        first = self.augment_neural(batch.neural, batch, progress, "neural")
        second = self.augment_neural(batch.neural_view, batch, progress, "view")
        h_1, h_2 = self.encode_neural(first, batch), self.encode_neural(second, batch)
        z_1, z_2 = self.g_n(h_1), self.g_n(h_2)
        loss = self.compare(z_1, z_2, batch.animal, h_1, progress.ranks)
        return self.domain.add(loss, {"neural": h_1}, batch.animal, progress)
