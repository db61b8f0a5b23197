"""One readable file per published method."""

from __future__ import annotations

import dataclasses

from napari_neuroembed.config import RunConfig
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.methods.base import Method
from napari_neuroembed.methods.guenel2022 import Guenel2022
from napari_neuroembed.methods.simclr import SimCLR
from napari_neuroembed.methods.simclr_views import SimCLRViews
from napari_neuroembed.options.base import replace_path

METHODS: dict[str, type[Method]] = {
    "guenel2022": Guenel2022,
    "simclr": SimCLR,
    "simclr_views": SimCLRViews,
}


def find_method(name: str) -> type[Method]:
    """Return a method by its id.

    Raises
    ------
    ConfigError
        Listing the known ids.
    """
    if name not in METHODS:
        raise ConfigError(f"Unknown method {name!r}. Known: {', '.join(METHODS)}.")
    return METHODS[name]


def as_defined(config: RunConfig, method: str) -> RunConfig:
    """Return the configuration with the options that define a method put in place."""
    config = dataclasses.replace(config, method=method)
    for path, value in find_method(method).fixed.items():
        config = replace_path(config, path, value)
    return config
