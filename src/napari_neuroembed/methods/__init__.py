"""One readable file per published method."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from napari_neuroembed.config import RunConfig
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.methods.ablations import (
    CalciumOnly,
    Eq3,
    Eq3SwapCalcium,
    SwapOnly,
)
from napari_neuroembed.methods.base import Method
from napari_neuroembed.methods.behavenet import BehaveNet
from napari_neuroembed.methods.domain_adaptation import Eq3GRL, Eq3MMD
from napari_neuroembed.methods.guenel2022 import Guenel2022
from napari_neuroembed.methods.neuroembed2026 import Neuroembed2026
from napari_neuroembed.methods.regression import (
    RegressionConv,
    RegressionConvGRL,
    RegressionConvMMD,
    RegressionRecurrent,
)
from napari_neuroembed.methods.simclr import SimCLR
from napari_neuroembed.methods.simclr_views import SimCLRViews
from napari_neuroembed.options.base import replace_path

METHODS: dict[str, type[Method]] = {
    "guenel2022": Guenel2022,
    "neuroembed2026": Neuroembed2026,
    "simclr": SimCLR,
    "simclr_views": SimCLRViews,
    "calcium_only": CalciumOnly,
    "swap_only": SwapOnly,
    "eq3": Eq3,
    "eq3_swap_calcium": Eq3SwapCalcium,
    "eq3_mmd": Eq3MMD,
    "eq3_grl": Eq3GRL,
    "regression_conv": RegressionConv,
    "regression_recurrent": RegressionRecurrent,
    "behavenet": BehaveNet,
    "regression_conv_mmd": RegressionConvMMD,
    "regression_conv_grl": RegressionConvGRL,
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


def as_brought(
    config: RunConfig, method: str, written: Mapping[str, Any] = MappingProxyType({})
) -> RunConfig:
    """Return the configuration with all that a method brings, before it is changed.

    What a file has `written` (nested, as read) stays as it is.
    """
    found = find_method(method)
    of_paper = found.of_paper if config.preset == "paper" else {}
    for path, value in {**found.brings, **of_paper}.items():
        if not _is_in(written, path.split(".")):
            config = replace_path(config, path, value)
    return as_defined(config, method)


def _is_in(values: Any, path: list[str]) -> bool:
    for name in path:
        if not isinstance(values, Mapping) or name not in values:
            return False
        values = values[name]
    return True
