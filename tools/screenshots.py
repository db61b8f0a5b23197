"""Take the pictures of the napari plugin that the documentation shows.

    sh tools/with_display.sh python tools/screenshots.py PROJECT [FOLDER] [NAME ...]

PROJECT is a project with a run, e.g. that of ``make demo``.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari  # noqa: TID253 - a program, not the package
from PIL import Image
from qtpy.QtWidgets import QApplication

from napari_neuroembed.widgets.state import state_of

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1440, 1120)
COLORS = 256

DOCKS = {
    "project": "project_data:ProjectData",
    "train": "train:Train",
    "evaluate": "evaluate:Evaluate",
    "jobs": "jobs:Jobs",
}
TITLES = {
    "project": "Project & data",
    "train": "Train encoders",
    "evaluate": "Embed & evaluate",
    "jobs": "Jobs",
}


def main() -> None:
    """Take the pictures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs/_static")
    parser.add_argument("names", nargs="*", default=list(DOCKS))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in args.names or DOCKS:
        take(name, args.project, args.folder)
        print(args.folder / f"napari_{name}.png")


def take(name: str, project: Path, folder: Path) -> None:
    """Open one dock on a project, wait until it is drawn, and save the window."""
    viewer = napari.Viewer(show=True)
    viewer.window._qt_window.resize(*SIZE)
    module, _, cls = DOCKS[name].partition(":")
    home = importlib.import_module(f"napari_neuroembed.widgets.{module}")
    state = state_of(viewer)
    project_dock = None
    if name != "project":
        view = importlib.import_module("napari_neuroembed.widgets.recording_view")
        project_dock = view.RecordingView(viewer, state)
    dock = getattr(home, cls)(viewer)
    viewer.window.add_dock_widget(dock, area="right", name=TITLES.get(name, cls))
    state.open(project)
    if project_dock is not None:
        project_dock.show()
    wait(lambda: len(viewer.layers) >= 3, 20)
    state.time_s = 7.3
    wait(lambda: False, 2.5)
    shot = viewer.screenshot(canvas_only=False)
    small = Image.fromarray(shot[..., :3]).quantize(COLORS, Image.Quantize.MAXCOVERAGE)
    small.save(folder / f"napari_{name}.png", optimize=True)
    viewer.close()


def wait(done: Callable[[], Any], seconds: float) -> None:
    """Let the window work until something is so, or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not done():
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
