"""What people are told of every method before anything heavy is loaded."""

from __future__ import annotations

from typing import NamedTuple


class MethodName(NamedTuple):
    """A method as lists and menus show it.

    Attributes
    ----------
    title
        Short name.
    about
        One sentence.
    needs_pose
        Whether it needs a second stream beside the neural one.
    min_animals
        Fewest animals it can be trained on.
    """

    title: str
    about: str
    needs_pose: bool = True
    min_animals: int = 1


METHOD_NAMES: dict[str, MethodName] = {
    "guenel2022": MethodName(
        "Guenel 2022",
        "Paired contrastive learning with calcium decay and swapping.",
        min_animals=2,
    ),
    "neuroembed2026": MethodName(
        "neuroembed 2026",
        "Centred input, swapping over all animals, and unbiased MMD.",
        min_animals=2,
    ),
    "simclr": MethodName(
        "SimCLR", "Paired contrastive learning with ordinary augmentations only."
    ),
    "simclr_views": MethodName(
        "SimCLR, two views",
        "Contrastive learning of two views of the neural window.",
        needs_pose=False,
    ),
    "calcium_only": MethodName(
        "Calcium decay only", "Eq. 1 with calcium decay, without swapping."
    ),
    "swap_only": MethodName(
        "Swapping only", "Eq. 1 with swapping, without calcium decay.", min_animals=2
    ),
    "eq3": MethodName(
        "Eq. 3", "Eq. 3: negatives of the same animal, ordinary augmentations only."
    ),
    "eq3_swap_calcium": MethodName(
        "Eq. 3, swapping, calcium decay",
        "Eq. 3 with swapping and calcium decay.",
        min_animals=2,
    ),
    "eq3_mmd": MethodName(
        "SimCLR + MMD",
        "Eq. 3 and the maximum mean discrepancy between animals.",
        min_animals=2,
    ),
    "eq3_grl": MethodName(
        "SimCLR + GRL",
        "Eq. 3 and a discriminator of animals behind a gradient reversal.",
        min_animals=2,
    ),
    "regression_conv": MethodName(
        "Regression (convolution)",
        "A linear layer from h_n to all frames of the pose window.",
    ),
    "regression_recurrent": MethodName(
        "Regression (recurrent)",
        "Two layers of gated recurrent units from h_n to the pose, frame after frame.",
    ),
    "behavenet": MethodName(
        "BehaveNet",
        "Predict the posterior of an autoregressive hidden Markov model of the pose.",
    ),
    "regression_conv_mmd": MethodName(
        "Regression + MMD",
        "Regression and the maximum mean discrepancy between animals.",
        min_animals=2,
    ),
    "regression_conv_grl": MethodName(
        "Regression + GRL",
        "Regression and a discriminator of animals behind a gradient reversal.",
        min_animals=2,
    ),
}
"""By id, in the order in which they are offered."""
