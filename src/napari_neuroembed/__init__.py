"""Embeddings of neural activity that say what the animal does, not which it is.

Examples
--------
>>> import napari_neuroembed as ne
>>> project = ne.make_synthetic_project("flies", n_animals=4)  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_neuroembed.api import Project, Run, make_synthetic_project
    from napari_neuroembed.errors import NeuroembedError

__version__ = "0.1.0"
__all__ = ["NeuroembedError", "Project", "Run", "make_synthetic_project"]

_HOMES = {
    "NeuroembedError": "errors",
    "Project": "api",
    "Run": "api",
    "make_synthetic_project": "api",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*globals(), *_HOMES])
