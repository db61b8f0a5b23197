"""What is fitted on embeddings afterwards."""

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.transforms.base import Affine, Fit, TransformData
from napari_neuroembed.transforms.behaviour import behaviour_target
from napari_neuroembed.transforms.calibrate import calibrate
from napari_neuroembed.transforms.coral import coral
from napari_neuroembed.transforms.leace import leace
from napari_neuroembed.transforms.subspace import subspace

TRANSFORMS: dict[str, Fit] = {
    "subspace": subspace,
    "leace": leace,
    "coral": coral,
}
"""Every transform by name."""

__all__ = [
    "TRANSFORMS",
    "Affine",
    "TransformData",
    "behaviour_target",
    "calibrate",
    "find_transform",
]


def find_transform(name: str) -> Fit:
    """Return a transform by name.

    Raises
    ------
    ConfigError
        Listing the known names.
    """
    if name not in TRANSFORMS:
        raise ConfigError(
            f"Unknown transform {name!r}. Known: {', '.join(TRANSFORMS)}."
        )
    return TRANSFORMS[name]
