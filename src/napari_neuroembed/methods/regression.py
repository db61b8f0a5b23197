"""Regression baselines of Guenel et al.: predict the pose window from the neural one.

The representation is the input of the decoder: h_n = f_n(window). The pose to be
predicted is the one that was recorded; only neural windows are augmented, without
calcium decay (which the paper gives to the contrastive methods alone).
"""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.base import Batch, Needs, Progress, Shapes
from napari_neuroembed.methods.domain import DomainTerm
from napari_neuroembed.methods.domain_adaptation import GRL, MMD
from napari_neuroembed.methods.neural import NeuralMethod
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.models.decoder import LinearDecoder, RecurrentDecoder
from napari_neuroembed.models.initial import initial_weights
from napari_neuroembed.objectives import Loss, regression
from napari_neuroembed.objectives.monitors import effective_rank, spread

UNPAIRED = {"augmentation.calcium_decay.p": 0.0, "augmentation.pose_swap.p": 0.0}
SLOW = {"training.learning_rate": 1e-4, "training.weight_decay": 1e-5}
"""Schedule of the paper for all methods that are not contrastive."""


class RegressionConv(NeuralMethod):
    """A linear layer from h_n to all frames of the pose window."""

    needs = Needs(pose=True, min_animals=1)
    paper_name = "Regression (Convolution)"
    fixed = MappingProxyType(UNPAIRED)
    of_paper = MappingProxyType(SLOW)
    decoder: type[LinearDecoder] | type[RecurrentDecoder] = LinearDecoder

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        assert shapes.pose is not None
        dim = config.models.neural.dim
        with initial_weights(seed_for(config.seed, 0, "decoder")):
            self.d_n = type(self).decoder(dim, *shapes.pose)
        self.domain = DomainTerm(config, shapes, {"neural": dim})

    def step(self, batch: Batch, progress: Progress) -> Loss:
        """Return the weighted squared error, and a domain term if any."""
        assert batch.pose is not None
        n = self.augment_neural(batch.neural, batch, progress, "neural")
        h_n = self.encode_neural(n, batch)
        join = progress.ranks.join
        loss = regression(join(self.d_n(h_n)), join(batch.pose))
        h = join(h_n.detach())
        terms = {**loss.terms, "spread": spread(h), "effective_rank": effective_rank(h)}
        weighted = self.config.method_options.regression_weight * loss.total
        return self.domain.add(
            Loss(weighted, terms), {"neural": h_n}, batch.animal, progress
        )


class RegressionRecurrent(RegressionConv):
    """Two layers of gated recurrent units from h_n to the pose, frame after frame."""

    paper_name = "Regression (Recurrent)"
    decoder = RecurrentDecoder


class RegressionConvMMD(RegressionConv):
    """Regression and the maximum mean discrepancy between animals."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "Regression (Convolution) + MMD"
    fixed = MappingProxyType({**UNPAIRED, "training.balanced": True, **MMD})


class RegressionConvGRL(RegressionConv):
    """Regression and a discriminator of animals behind a gradient reversal."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "Regression (Convolution) + GRL"
    fixed = MappingProxyType({**UNPAIRED, "training.balanced": True, **GRL})
