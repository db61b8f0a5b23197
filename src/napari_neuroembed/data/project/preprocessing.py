"""The options of pre-processing as project.yaml holds them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from napari_neuroembed.data.project.spec import ProjectSpec
from napari_neuroembed.options.base import from_dict, replace_path
from napari_neuroembed.options.preprocessing import PreprocessingOptions


def preprocessing_of(spec: ProjectSpec) -> PreprocessingOptions:
    """Return the options, what is not written at its default.

    Raises
    ------
    ConfigError
        Naming what is wrong in that part of project.yaml.
    """
    return from_dict(PreprocessingOptions, spec.preprocessing, "preprocessing")


def with_preprocessing(spec: ProjectSpec, changes: Mapping[str, Any]) -> ProjectSpec:
    """Return the specification with some options changed.

    Parameters
    ----------
    spec
        The content of project.yaml.
    changes
        Dotted path (``dff.window_frames``) -> value; only these are written.

    Raises
    ------
    ConfigError
        When a path is no option or a value is wrong.
    """
    options = preprocessing_of(spec)
    written = copy.deepcopy(dict(spec.preprocessing))
    for path, value in changes.items():
        options = replace_path(options, path, value)
        *parents, last = path.split(".")
        place = written
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return replace(spec, preprocessing=written)
