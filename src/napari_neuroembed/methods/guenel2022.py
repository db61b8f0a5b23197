"""Guenel et al. 2022: contrastive learning with calcium decay and pose swapping.

"Overcoming the Domain Gap in Contrastive Learning of Neural Action Representations",
arXiv 2111.14595. Neural windows are paired with pose windows (Eq. 1). Two augmentations
close the gap between animals: what fluoresces from earlier activity is added from
another moment of the same animal (calcium decay), and each pose is replaced by a near
one of another animal (swapping, Eq. 2), so that nothing in the pose tells whose it is.

====================  ==========================================================
equation              where
====================  ==========================================================
Eq. 1, the loss       ``objectives/infonce.py``
Eq. 2, swapping       ``augmentation/swap.py``
calcium decay         ``augmentation/calcium.py``
Table S1, encoders    ``models/image.py``, ``models/layers.py``
====================  ==========================================================
"""

from __future__ import annotations

from napari_neuroembed.methods.base import Needs
from napari_neuroembed.methods.contrastive import Contrastive


class Guenel2022(Contrastive):
    """Paired contrastive learning with calcium decay and swapping."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "Ours"
