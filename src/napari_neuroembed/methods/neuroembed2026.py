"""The project's own method: what the paper's parts became when each was measured.

====================================  ==============================================
part                                  where
====================================  ==============================================
input without each animal's mean      ``normalise: centre_animal``
equal shares of animals in a batch    ``training.balanced``
Eq. 1, negatives of all animals       ``objectives/infonce.py``
calcium decay, noise, gain            ``augmentation/``
swapping, the own animal included     ``augmentation/swap.py`` (``include_own``)
unbiased MMD on the sphere            ``objectives/mmd.py``
behaviour-predictive subspace         ``transforms/subspace.py``
====================================  ==============================================

Swapping draws the donor among all animals, so that a pose is swapped with probability
(A - 1) / A: a pose of *another* animal in every window would tell by exclusion whose it
is. The biased MMD is lowered by shrinking everything to a point; the unbiased one is
not.
"""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.methods.base import Needs
from napari_neuroembed.methods.contrastive import Contrastive


class Neuroembed2026(Contrastive):
    """Centred input, swapping over all animals, and unbiased MMD."""

    needs = Needs(pose=True, min_animals=2)
    brings = MappingProxyType(
        {"normalise": "centre_animal", "transforms": ("subspace",)}
    )
    fixed = MappingProxyType(
        {
            "training.balanced": True,
            "augmentation.pose_swap.include_own": True,
            "method_options.domain": "mmd",
            "method_options.domain_weight": 1.0,
            "method_options.mmd_unbiased": True,
            "method_options.mmd_on_sphere": True,
        }
    )
