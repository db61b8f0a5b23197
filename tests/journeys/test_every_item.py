"""Every item of the real data has a journey: the folder against a table."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("NEUROEMBED_TEST_DATA", ROOT.parent / "shared" / "data"))

REAL = "tests/journeys/test_real_data_journeys.py"
LABELS = "tests/journeys/test_label_journeys.py"
EMBEDDING = "tests/journeys/test_embedding_journey.py"
SPIKES = "tests/journeys/test_spikes_journey.py"
READERS = "tests/data/test_readers_real.py"
THOR = "tests/journeys/test_thor_journey.py"
POSE = "tests/journeys/test_pose_journey.py"

JOURNEYS: dict[str, tuple[str, ...]] = {
    "boris_files": (LABELS,),
    "ca_traces_caiman": (POSE, READERS),
    "fly2p_vnc_chen2018": (REAL,),
    "fly_annotations_aymanns2022": (LABELS, REAL),
    "fly_pose_nely": (POSE, READERS),
    "fly_sync_labels_chen2018": (LABELS,),
    "mouse2p_neurofinder600": (REAL,),
    "mouse2p_thunder_running": (REAL,),
    "mouse_annotations_dlcanalyzer": (LABELS,),
    "rat_linear_track": (SPIKES,),
    "thorlabs_utils2p": (THOR, READERS),
    "worm_kato2015": (REAL, EMBEDDING),
    "worm_kato2015_embeddings": (EMBEDDING,),
}
"""The files that tell an item's journey; each of them must name the item."""


def items_named_in(path: Path) -> set[str]:
    """Return the items that a test asks for: ``shared_data("item")``."""
    calls = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "shared_data"
    )
    values = (call.args[0] for call in calls if call.args)
    return {str(v.value) for v in values if isinstance(v, ast.Constant)}


def test_an_item_that_is_new_needs_a_journey() -> None:
    if not DATA.is_dir():
        pytest.skip(f"the real data are not in {DATA}")
    found = {path.name for path in DATA.iterdir() if path.is_dir()}
    assert sorted(found - set(JOURNEYS)) == [], "no journey; add one and its line here"
    assert sorted(set(JOURNEYS) - found) == [], "the item is gone from the folder"


@pytest.mark.parametrize("item", JOURNEYS)
def test_the_journey_of_an_item_is_there_and_asks_for_it(item: str) -> None:
    for place in JOURNEYS[item]:
        assert item in items_named_in(ROOT / place), place
