"""Generated reference pages are those of the code as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest
from tools.generate_reference import FOLDER, PAGES

from napari_neuroembed.cli.verbs import VERBS
from napari_neuroembed.config import RunConfig
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.store.schema import RUN_FILES, SCORE_COLUMNS


def options_of(kind: type[Any]) -> Iterator[type[Any]]:
    """Give an options class and those in its fields, however deep."""
    yield kind
    for hint in get_type_hints(kind).values():
        for part in (hint, *get_args(hint)):
            if dataclasses.is_dataclass(part):
                assert isinstance(part, type)
                yield from options_of(part)


def test_no_option_is_without_a_meaning() -> None:
    empty = [
        line for line in PAGES["config.md"]().splitlines() if line.endswith("|  |")
    ]
    assert empty == []


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_current(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make reference`"


def test_every_verb_column_and_option_is_described() -> None:
    verbs = PAGES["cli.md"]()
    assert all(f"\n## {verb.name}\n" in verbs for verb in VERBS)
    columns = PAGES["run_folder.md"]()
    assert all(f"| `{name}` |" in columns for name in (*RUN_FILES, *SCORE_COLUMNS))
    options = PAGES["config.md"]()
    assert "| `neural_frames` | whole number ≥ 1, ≤ 4096 | `32` | Neural" in options
    kinds = {kind.__name__ for kind in options_of(RunConfig)}
    assert len(kinds) > 20
    kinds |= {kind.__name__ for kind in options_of(PreprocessingOptions)}
    for kind in (*kinds, SyntheticOptions.__name__):
        assert f"\n### {kind}\n" in options
    assert "| `centre` | `neural`, `pose` | `'neural'` |" in options
