"""What all methods share: the neural encoder f_n and the neural augmentations."""

from __future__ import annotations

from torch import Tensor

from napari_neuroembed.augmentation.base import Augmentation, AugmentationContext
from napari_neuroembed.augmentation.pipeline import (
    apply_all,
    build,
    draw_all,
    own_share,
)
from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.base import Batch, Method, Progress, Shapes
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.models.base import FrameEncoder
from napari_neuroembed.models.build import build_encoder


class NeuralMethod(Method):
    """A method whose embedding is h_n = f_n(window)."""

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        models = config.models
        self.f_n = build_encoder(
            models.neural.name,
            models.neural,
            shapes.neural,
            seed=seed_for(config.seed, 0, "f_n"),
            n_neurons=shapes.neurons or None,
        )
        self.neural_augmentations = build(
            config.augmentation, "neural", is_image=len(shapes.neural) == 3
        )

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Return h_n, without augmentation."""
        return {"neural": self.encode_neural(batch.neural, batch)}

    def encode_neural(self, windows: Tensor, batch: Batch) -> Tensor:
        """Return h_n; traces also need to know whose they are."""
        encoded: Tensor = self.f_n(windows, batch.animal)
        return encoded

    def frame_features(self, frames: Tensor, animal: Tensor) -> Tensor | None:
        """Return the features of single frames: the half that windows share."""
        if not isinstance(self.f_n, FrameEncoder):
            return None
        return self.f_n.frames(frames, animal.expand(len(frames)))

    def window_embedding(self, features: Tensor) -> Tensor:
        """Return h_n of windows from the features of their frames."""
        assert isinstance(self.f_n, FrameEncoder)
        return self.f_n.temporal(features)

    def augment_neural(
        self, windows: Tensor, batch: Batch, progress: Progress, purpose: str
    ) -> Tensor:
        """Apply the neural augmentations, each with its own generator."""
        context = AugmentationContext(
            n=len(windows) * progress.ranks.size,
            shape=tuple(windows.shape[1:]),
            rate_hz=1.0 / self.shapes.neural_period_s,
            device=windows.device,
            donors=batch.donors,
        )
        return augment(self.neural_augmentations, windows, context, progress, purpose)


def augment(
    augmentations: list[Augmentation],
    windows: Tensor,
    context: AugmentationContext,
    progress: Progress,
    purpose: str,
) -> Tensor:
    """Draw for all windows, then change this process's share."""
    drawn = draw_all(
        augmentations, context, lambda name: progress.generator(f"{purpose}/{name}")
    )
    ranks = progress.ranks
    own = own_share(drawn, context.n, ranks.share(context.n), ranks.rank)
    return apply_all(windows, augmentations, own)
