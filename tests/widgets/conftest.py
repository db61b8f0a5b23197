"""A screen, a napari of its own, and viewers for the tests of the plugin."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HAS_SCREEN = sys.platform != "linux" or bool(
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
)
if not HAS_SCREEN:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

with warnings.catch_warnings():
    # npe2 and pydantic warn while they are imported.
    warnings.simplefilter("ignore")
    import napari
    import napari.settings
    import napari.viewer
    import qtpy.QtWidgets
    from napari.components import ViewerModel


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A window that waits for an answer must not hang the suite."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(60))
            for quiet in ("DeprecationWarning", "PendingDeprecationWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{quiet}"))


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    monkeypatch.setenv("NAPARI_CONFIG", str(tmp_path / "napari.yaml"))


@pytest.fixture
def model() -> ViewerModel:
    """Give a viewer without a window."""
    return ViewerModel()


@pytest.fixture
def viewer(qapp: Any) -> Iterator[Any]:
    """Give a real viewer; needs a screen."""
    del qapp
    if not HAS_SCREEN:
        pytest.skip("no display: run under xvfb-run")
    window = napari.Viewer(show=False)
    yield window
    window.close()
    qtpy.QtWidgets.QApplication.processEvents()
