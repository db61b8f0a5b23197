"""Generated reference pages are those of the code as it is."""

from __future__ import annotations

import pytest
from tools.generate_reference import FOLDER, PAGES

from napari_neuroembed.cli.verbs import VERBS
from napari_neuroembed.store.schema import SCORE_COLUMNS


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_current(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), "run `make reference`"


def test_every_verb_column_and_option_is_described() -> None:
    verbs = PAGES["cli.md"]()
    assert all(f"\n## {verb.name}\n" in verbs for verb in VERBS)
    columns = PAGES["run_folder.md"]()
    assert all(f"`{column}`" in columns for column in SCORE_COLUMNS)
    options = PAGES["config.md"]()
    assert "| `neural_frames` | whole number ≥ 1, ≤ 4096 | `32` | Neural" in options
    assert "| `centre` | `neural`, `pose` | `'neural'` |" in options
