"""The paper's rivals: Eq. 3 with a term that draws the animals' embeddings together.

"SimCLR + MMD" and "SimCLR + GRL" of Guenel et al. are Eq. 3 plus the term, after the
first 5 % of the schedule (10 of 200 epochs); see ``methods/domain.py``.
"""

from __future__ import annotations

from types import MappingProxyType

from napari_neuroembed.methods.ablations import PLAIN, SAME_ANIMAL
from napari_neuroembed.methods.base import Needs
from napari_neuroembed.methods.contrastive import Contrastive

MMD = {"method_options.domain": "mmd", "method_options.domain_weight": 1.0}
GRL = {"method_options.domain": "adversarial", "method_options.domain_weight": 10.0}


class Eq3MMD(Contrastive):
    """Eq. 3 and the maximum mean discrepancy between animals."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "SimCLR + MMD"
    fixed = MappingProxyType({**PLAIN, **SAME_ANIMAL, **MMD})


class Eq3GRL(Contrastive):
    """Eq. 3 and a discriminator of animals behind a gradient reversal."""

    needs = Needs(pose=True, min_animals=2)
    paper_name = "SimCLR + GRL"
    fixed = MappingProxyType({**PLAIN, **SAME_ANIMAL, **GRL})
