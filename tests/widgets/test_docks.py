"""The docks: they open, close and reopen, refuse what cannot be, and run jobs."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from npe2 import PluginManifest
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.config import PRESETS
from napari_neuroembed.jobs import list_jobs
from napari_neuroembed.widgets.evaluate import Evaluate
from napari_neuroembed.widgets.import_table import ImportTable
from napari_neuroembed.widgets.jobs import Jobs
from napari_neuroembed.widgets.layer_stacks import layer_source
from napari_neuroembed.widgets.point_cloud import principal_plane
from napari_neuroembed.widgets.project_data import ProjectData
from napari_neuroembed.widgets.state import state_of
from napari_neuroembed.widgets.train import Train
from napari_neuroembed.widgets.workers import Worker

DOCKS = (ProjectData, Train, Evaluate, Jobs)
MANIFEST = Path(__file__).parents[2] / "src/napari_neuroembed/napari.yaml"


def test_the_manifest_names_what_there_is() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    named = set()
    for command in manifest.contributions.commands or ():
        module, _, name = str(command.python_name).partition(":")
        named.add(getattr(importlib.import_module(module), name))
    assert named == set(DOCKS)


@pytest.mark.parametrize("dock", DOCKS)
def test_docks_close_and_reopen(
    qtbot: Any, model: ViewerModel, tiny_project: Path, dock: Any
) -> None:
    for _ in range(2):
        opened = dock(model)
        qtbot.addWidget(opened)
        state_of(model).open(tiny_project)
        opened.close()
        state_of(model).set_project(None)


def test_a_recording_is_shown_with_all_its_streams(
    qtbot: Any, model: ViewerModel, tiny_project: Path
) -> None:
    dock = ProjectData(model)
    qtbot.addWidget(dock)
    dock.open(str(tiny_project))
    qtbot.waitUntil(lambda: len(model.layers) >= 3, timeout=20_000)
    facts = model.layers[0].metadata["neuroembed"]
    assert facts["recording"] == state_of(model).recording
    state_of(model).time_s = 2.0
    assert model.dims.point[0] == pytest.approx(2.0, abs=1 / 32)
    model.dims.set_point(0, 3.0)
    assert state_of(model).time_s == pytest.approx(3.0, abs=1 / 32)
    first = state_of(model).recording
    dock.recordings.setCurrentItem(dock.recordings.topLevelItem(1))
    qtbot.waitUntil(lambda: dock.view.recording not in ("", first), timeout=20_000)
    shown = {la.metadata["neuroembed"]["recording"] for la in model.layers}
    assert shown == {state_of(model).recording}
    dock.close()


def test_a_folder_without_project_is_told(
    qtbot: Any, model: ViewerModel, tmp_path: Path
) -> None:
    dock = ProjectData(model)
    qtbot.addWidget(dock)
    dock.open(str(tmp_path))
    assert "project.yaml" in dock.note.text()
    dock.start(str(tmp_path / "new"))
    assert state_of(model).folder == tmp_path / "new"
    assert dock.note.isHidden()
    dock.close()


def test_training_is_refused_with_the_reason(
    qtbot: Any, model: ViewerModel, tiny_project: Path
) -> None:
    dock = Train(model)
    qtbot.addWidget(dock)
    assert not dock.bar.button.isEnabled()
    assert "Open a project" in dock.bar.note.text()
    state_of(model).open(tiny_project)
    assert dock.bar.button.isEnabled()
    dock.held_out.setCurrentIndex(1)
    assert "needs at least 2 animals" in dock.bar.note.text()
    dock.held_out.setCurrentIndex(0)
    dock.budget.setCurrentText("soon")
    assert "neither a preset" in dock.bar.note.text()
    dock.budget.setCurrentText("twin")
    dock.form.control("training.learning_rate").value = "-1"
    assert not dock.bar.button.isEnabled()
    dock.close()


def test_what_was_changed_is_kept_when_the_preset_changes(
    qtbot: Any, model: ViewerModel
) -> None:
    dock = Train(model)
    qtbot.addWidget(dock)
    dock.budget.setCurrentText("twin")
    dock.form.control("training.batch_size").value = 17
    dock.form.control("augmentation.calcium_decay.amplitude").value = "1, 2"
    dock.budget.setCurrentText("paper")
    kept = ["augmentation.calcium_decay.amplitude=[1.0, 2.0]", "training.batch_size=17"]
    assert sorted(dock.settings()) == kept
    assert dock._base == PRESETS["paper"]()
    dock.close()


def test_a_training_runs_and_is_judged_from_the_docks(
    qtbot: Any, model: ViewerModel, tiny_project: Path
) -> None:
    train, evaluate, jobs = Train(model), Evaluate(model), Jobs(model)
    for dock in (train, evaluate, jobs):
        qtbot.addWidget(dock)
    state = state_of(model)
    state.open(tiny_project)
    for path, value in {**SMALL_TRAINING, "training.steps": 12}.items():
        train.form.control(path).value = value
    train.name.setText("docks")
    with qtbot.waitSignal(train.bar.ended, timeout=50_000):
        train.bar.button.click()
        assert train.bar.button.text() == "Cancel"
    assert "Done" in train.bar.note.text(), train.bar.note.text()
    assert train.plot.steps[-1] == 12
    assert state.run == "docks"
    qtbot.waitUntil(lambda: evaluate.cloud.cloud is not None, timeout=20_000)
    assert evaluate.finding.text() == "Not evaluated yet. Press Evaluate."
    window = len(evaluate.cloud.cloud.places) - 1
    evaluate.cloud.chosen.emit(window)
    assert state.recording == evaluate.cloud.cloud.recording[window]
    assert state.time_s == evaluate.cloud.cloud.center_s[window]
    jobs.look()
    jobs.list.setCurrentItem(jobs.list.topLevelItem(0))
    assert jobs.job() == list_jobs(tiny_project)[-1]
    assert not jobs.cancel.isEnabled()
    for dock in (train, evaluate, jobs):
        dock.close()


def test_a_table_is_pasted_filled_and_written(qtbot: Any, tmp_path: Path) -> None:
    table = ImportTable()
    qtbot.addWidget(table)
    table.paste("animal\tneural\tsex\nfly1\ta.tif\tf\nfly2\tb.tif\tm\n")
    assert [row["sex"] for row in table.rows()] == ["f", "m"]
    column = table.names().index("neural_rate_hz")
    table._set(0, column, "16")
    table.setCurrentCell(0, column)
    table.fill_down()
    assert [row["neural_rate_hz"] for row in table.rows()][:2] == ["16", "16"]
    lines = table.as_csv(tmp_path).splitlines()
    assert lines[0].startswith("animal,neural,neural_rate_hz")
    assert lines[1].startswith(f"fly1,{tmp_path / 'a.tif'},16")


@pytest.mark.parametrize(
    ("shape", "why"), [((5, 5), "three axes"), ((1, 5, 5), "a movie is needed")]
)
def test_layers_that_are_no_movie_are_refused(
    model: ViewerModel, shape: tuple[int, ...], why: str
) -> None:
    layer = model.add_image(np.zeros(shape))
    with pytest.raises(Exception, match=why):
        layer_source(layer)


@pytest.mark.parametrize("at", [0, 2])
def test_an_error_of_torch_reaches_the_user(qtbot: Any, at: int) -> None:
    def work() -> Any:
        for step in range(4):
            if step == at:
                raise RuntimeError("out of memory")
            yield step

    worker = Worker(work)
    seen: list[Any] = []
    worker.failed.connect(seen.append)
    with qtbot.waitSignal(worker.ended, timeout=5000):
        worker.start()
    assert "out of memory" in str(seen[0])
    assert not worker.is_running


def test_the_plane_is_that_of_the_first_two_components() -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    h = rng.standard_normal((300, 6)).astype(np.float32) * [9, 5, 1, 1, 1, 1]
    windows = pd.DataFrame(
        {"recording": "a", "animal": "b", "action": None, "center_s": np.arange(300.0)}
    )
    cloud = principal_plane(windows, h.astype(np.float32))
    for axis in range(2):
        r = np.corrcoef(cloud.places[:, axis], h[:, axis])[0, 1]
        assert abs(r) > 0.99
    assert cloud.at("a", 12.4) == 12
    assert cloud.at("nowhere", 1.0) is None
    assert cloud.nearest(*cloud.places[7]) == 7
