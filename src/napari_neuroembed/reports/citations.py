"""Which works a project's runs stand on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari_neuroembed.config import RunConfig
from napari_neuroembed.methods import METHODS
from napari_neuroembed.methods.references import (
    CONTROL_REFERENCES,
    DOMAIN_REFERENCES,
    INDICATOR_REFERENCES,
    READER_REFERENCES,
    REFERENCES,
    TRANSFORM_REFERENCES,
)
from napari_neuroembed.reports.run_facts import RunRecord


def method_keys(config: RunConfig) -> list[str]:
    """Return the works that a training with this configuration stands on.

    Examples
    --------
    >>> import dataclasses
    >>> from napari_neuroembed.config import twin
    >>> method_keys(dataclasses.replace(twin(), method="behavenet"))[0]
    'batty2019'
    """
    method = METHODS.get(config.method)
    if method is None:  # an embedding that was made elsewhere
        return []
    keys = [*method.references]
    keys += DOMAIN_REFERENCES.get(config.method_options.domain, ())
    decay = config.augmentation.calcium_decay
    if decay.p > 0 and decay.decay_s is None:
        keys += INDICATOR_REFERENCES.get(decay.indicator, ())
    return list(dict.fromkeys(keys))


def transforms_of(run: RunRecord) -> list[str]:
    """Return the transforms that a run was told to make or that were judged."""
    judged: list[str] = []
    if run.judged is not None:
        scores = run.judged.scores
        judged = list(map(str, scores.loc[scores["value"].notna(), "transform"]))
    known = dict.fromkeys([*run.config.transforms, *judged])
    return [name for name in known if name not in ("none", "")]


def transform_keys(run: RunRecord) -> list[str]:
    """Return the works behind the transforms of a run."""
    names = transforms_of(run)
    return [key for name in names for key in TRANSFORM_REFERENCES.get(name, ())]


def reader_keys(readers: Iterable[str]) -> list[str]:
    """Return the works behind the programs whose files were read."""
    return [key for name in readers for key in READER_REFERENCES.get(name, ())]


def all_keys(readers: Iterable[str], runs: Sequence[RunRecord]) -> list[str]:
    """Return the keys of exactly the works that a report stands on, sorted."""
    keys = [*reader_keys(readers)]
    for run in runs:
        keys += method_keys(run.config)
        keys += transform_keys(run)
        if run.judged is not None and (run.judged.scores["control"] != "none").any():
            keys += CONTROL_REFERENCES
        if run.judged is not None and run.judged.options.distances:
            keys += DOMAIN_REFERENCES["mmd"]
    return sorted(set(keys))


def cited(keys: Iterable[str]) -> str:
    """Return works as a text names them, or nothing.

    Examples
    --------
    >>> cited(["chen2020", "holm1979"])
    ' (Chen et al. 2020; Holm 1979)'
    >>> cited([])
    ''
    """
    names = "; ".join(REFERENCES[key].short for key in dict.fromkeys(keys))
    return f" ({names})" if names else ""
