"""The step that all contrastive methods share: pair neural and pose windows.

Two encoders f_n and f_b give h_n and h_b; two small heads give z_n and z_b; the loss
asks each z_n to be nearest to the z_b of its own window among a batch (Eq. 1 of Guenel
et al., with its parentheses restored; Eq. 3 with `negatives: same_animal`).
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_neuroembed.augmentation.base import AugmentationContext
from napari_neuroembed.augmentation.pipeline import build
from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.base import Batch, Progress, Shapes
from napari_neuroembed.methods.domain import DomainTerm
from napari_neuroembed.methods.neural import NeuralMethod, augment
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.methods.ranks import Ranks
from napari_neuroembed.models.build import build_encoder
from napari_neuroembed.models.projection import build_projection
from napari_neuroembed.objectives import (
    Loss,
    info_nce,
    info_nce_same_animal,
    monitors,
)


class Contrastive(NeuralMethod):
    """Paired contrastive learning of neural and pose windows."""

    def __init__(self, config: RunConfig, shapes: Shapes) -> None:
        super().__init__(config, shapes)
        seed, models = config.seed, config.models
        self.g_n = build_projection(
            models.neural.dim, models.projection_dim, seed=seed_for(seed, 0, "g_n")
        )
        self.has_pose = self.needs.pose and shapes.pose is not None
        if self.has_pose and shapes.pose is not None:
            self.f_b: nn.Module = build_encoder(
                models.pose.name,
                models.pose,
                shapes.pose,
                seed=seed_for(seed, 0, "f_b"),
            )
            self.g_b = build_projection(
                models.pose.dim, models.projection_dim, seed=seed_for(seed, 0, "g_b")
            )
        self.pose_augmentations = build(
            config.augmentation, "pose", n_dims=shapes.pose_dims
        )
        dims = {"neural": models.neural.dim}
        if self.has_pose:
            dims["pose"] = models.pose.dim
        self.domain = DomainTerm(config, shapes, dims)

    def step(self, batch: Batch, progress: Progress) -> Loss:
        """Return Eq. 1 (or Eq. 3) of one augmented batch, and a domain term if any."""
        n = self.augment_neural(batch.neural, batch, progress, "neural")
        b = self.augment_pose(batch, progress)
        h_n, h_b = self.encode_neural(n, batch), self.f_b(b)
        z_n, z_b = self.g_n(h_n), self.g_b(h_b)
        loss = self.compare(z_n, z_b, batch.animal, h_n, progress.ranks)
        embeddings = {"neural": h_n, "pose": h_b}
        return self.domain.add(loss, embeddings, batch.animal, progress)

    def compare(
        self, z_n: Tensor, z_b: Tensor, animal: Tensor, h_n: Tensor, ranks: Ranks
    ) -> Loss:
        """Return the objective on projections of all processes, with monitors of h."""
        z_n, z_b = ranks.join(z_n), ranks.join(z_b)
        options = self.config.method_options
        if options.negatives == "same_animal":
            loss = info_nce_same_animal(
                z_n, z_b, ranks.join(animal), options.temperature, options.sides
            )
        else:
            loss = info_nce(z_n, z_b, options.temperature)
        h_n = ranks.join(h_n.detach())
        return Loss(
            loss.total,
            {**loss.terms, **monitors(h_n, z_n.detach(), z_b.detach())},
        )

    def embed(self, batch: Batch) -> dict[str, Tensor]:
        """Return h of both encoders, without augmentation."""
        embedded = super().embed(batch)
        if self.has_pose and batch.pose is not None:
            embedded["pose"] = self.f_b(batch.pose)
        return embedded

    def augment_pose(self, batch: Batch, progress: Progress) -> Tensor:
        """Apply swapping and the other pose augmentations."""
        assert batch.pose is not None
        context = AugmentationContext(
            n=len(batch.pose) * progress.ranks.size,
            shape=tuple(batch.pose.shape[1:]),
            rate_hz=1.0 / self.shapes.pose_period_s,
            device=batch.pose.device,
            swapped=batch.swapped,
            swap_mask=batch.swap_mask,
            fill=batch.pose_mean,
            n_dims=self.shapes.pose_dims,
        )
        return augment(self.pose_augmentations, batch.pose, context, progress, "pose")
