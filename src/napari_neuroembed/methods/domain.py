"""What draws the animals' embeddings together: added to the loss of any method."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods.base import Progress, Shapes
from napari_neuroembed.methods.randomness import seed_for
from napari_neuroembed.models.projection import build_projection
from napari_neuroembed.objectives import Loss, adversarial, mmd


class DomainTerm(nn.Module):
    """MMD between animals, or a discriminator to be misled, on named embeddings.

    Parameters
    ----------
    config
        ``method_options.domain``: which; its weight, and the share of the steps after
        which it begins.
    shapes
        Who the animals are.
    dims
        Name of each embedding -> its dimensions.

    Notes
    -----
    L + w [D(h_n) + D(h_b)] with D the MMD (w = 1) or the cross-entropy of a
    discriminator behind a gradient reversal (w = 10), after the first 10 of 200 epochs
    (Guenel et al.). The discriminator has the two layers of the paper and the shape of
    a projection head; their width is our choice. Before, the term is multiplied by 0
    and not left out, so that several processes wait for the same gradients.
    """

    def __init__(
        self, config: RunConfig, shapes: Shapes, dims: Mapping[str, int]
    ) -> None:
        super().__init__()
        self.options = config.method_options
        self.discriminators = nn.ModuleDict()
        if self.options.domain == "adversarial":
            for name, dim in dims.items():
                seed = seed_for(config.seed, 0, f"discriminator/{name}")
                head = build_projection(dim, len(shapes.animals), seed=seed)
                self.discriminators[name] = head

    def add(
        self,
        loss: Loss,
        embeddings: Mapping[str, Tensor],
        animal: Tensor,
        progress: Progress,
    ) -> Loss:
        """Return the loss with the term added.

        Parameters
        ----------
        loss
            Of the method itself.
        embeddings
            This process's share of each embedding, shape (batch, dim).
        animal
            Number of each window's animal, shape (batch,).
        progress
            Where the training stands.
        """
        options = self.options
        if options.domain == "none":
            return loss
        begun = progress.step >= options.domain_from * progress.total
        weight = options.domain_weight if begun else 0.0
        total, terms = loss.total, dict(loss.terms)
        everyone = progress.ranks.join(animal)
        for name, h in embeddings.items():
            found = self._one(name, progress.ranks.join(h), everyone)
            total = total + weight * found.total
            terms |= {f"{term}_{name}": value for term, value in found.terms.items()}
        return Loss(total, terms)

    def _one(self, name: str, h: Tensor, animal: Tensor) -> Loss:
        if self.options.domain == "adversarial":
            return adversarial(h, animal, self.discriminators[name])
        return mmd(
            h,
            animal,
            unbiased=self.options.mmd_unbiased,
            on_sphere=self.options.mmd_on_sphere,
        )
