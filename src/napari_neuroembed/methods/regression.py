"""Regression baselines of Guenel et al.: predict the pose window from the neural one.

The pose to be predicted is the one that was recorded, not an augmented one.
"""

from __future__ import annotations

from types import MappingProxyType

from torch import Tensor

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.ablations import PLAIN
from napari_neuroembed.methods.base import Batch, Needs, Shapes
from napari_neuroembed.methods.domain_adaptation import GRL, MMD
from napari_neuroembed.methods.predicting import Predicting
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.models.decoder import LinearDecoder, RecurrentDecoder
from napari_neuroembed.models.initial import initial_weights
from napari_neuroembed.objectives import Loss, regression


class RegressionConv(Predicting):
    """A linear layer from h_n to all frames of the pose window."""

    paper_name = "Regression (Convolution)"
    decoder: type[LinearDecoder] | type[RecurrentDecoder] = LinearDecoder

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        assert shapes.pose is not None
        with initial_weights(seed_for(config.seed, 0, "decoder")):
            self.d_n = type(self).decoder(config.models.neural.dim, *shapes.pose)

    def predict(self, h_n: Tensor, batch: Batch, ranks: Ranks) -> Loss:
        """Return the weighted squared error of the pose."""
        assert batch.pose is not None
        loss = regression(ranks.join(self.d_n(h_n)), ranks.join(batch.pose))
        weight = self.config.method_options.regression_weight
        return Loss(weight * loss.total, loss.terms)


class RegressionRecurrent(RegressionConv):
    """Two layers of gated recurrent units from h_n to the pose, frame after frame."""

    paper_name = "Regression (Recurrent)"
    decoder = RecurrentDecoder


class RegressionConvMMD(RegressionConv):
    """Regression and the maximum mean discrepancy between animals."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "Regression (Convolution) + MMD"
    fixed = MappingProxyType({**PLAIN, "training.balanced": True, **MMD})


class RegressionConvGRL(RegressionConv):
    """Regression and a discriminator of animals behind a gradient reversal."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "Regression (Convolution) + GRL"
    fixed = MappingProxyType({**PLAIN, "training.balanced": True, **GRL})
