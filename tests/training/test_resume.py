"""An interrupted training goes on where it would have gone, or says why not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed import files
from napari_neuroembed.api import Project
from napari_neuroembed.errors import Cancelled, RunFolderError, TrainingError
from napari_neuroembed.files import read_json, write_json
from napari_neuroembed.methods.base import Batch
from napari_neuroembed.store.history import History
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training import resume, run
from napari_neuroembed.training.batches import Batches
from napari_neuroembed.training.checkpoint import latest
from napari_neuroembed.training.run import train
from napari_neuroembed.training.setup import common_mask, prepare

STEPS = 12


@pytest.fixture(scope="module", autouse=True)
def _repeatable_kernels() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("resume") / "flies"
    shutil.copytree(tiny_project, folder)
    return Project.open(folder)


def config_of(project: Project, steps: int = STEPS):
    chosen = {**SMALL_TRAINING, "training.steps": steps}
    words = [f"{name}={value}" for name, value in chosen.items()]
    return project.config(method="guenel2022", settings=words)


class Stops:
    """A report that asks the training to stop after given numbers of steps."""

    def __init__(self, *steps: int) -> None:
        self.steps = list(steps)

    def __call__(self, stage: str, done: int, *_: object) -> None:
        if stage == "train" and self.steps and done >= self.steps[0]:
            del self.steps[0]
            raise Cancelled("stop")


def trained(project: Project, name: str, *stops: int) -> tuple[RunFolder, list[int]]:
    """Train with interruptions; also return the rows drawn, step by step."""
    drawn: list[int] = []
    rows = Batches.rows

    def noting(self: Batches, step: int) -> torch.Tensor:
        found = rows(self, step)
        drawn.extend([step, *found.tolist()])
        return found

    shutil.rmtree(project.runs_folder / name, ignore_errors=True)
    report = Stops(*stops)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batches, "rows", noting)
        for attempt in range(len(stops) + 1):
            try:
                return train(
                    project,
                    config_of(project),
                    run=name,
                    resume=attempt > 0,
                    report=report,
                ), drawn
            except Cancelled:
                assert RunFolder.open(project.runs_folder / name).info()["status"] == (
                    "stopped"
                )
    raise AssertionError("it stopped once too often")


def state_of(folder: RunFolder) -> dict[str, torch.Tensor]:
    """Return every parameter, buffer and number of the optimiser."""
    path = latest(folder.checkpoints).path
    optimizer = torch.load(path / "resume.pt", weights_only=True)["optimizer"]
    inner = {
        f"{number}.{name}": torch.as_tensor(value)
        for number, values in optimizer["state"].items()
        for name, value in values.items()
    }
    return {**load_file(path / "model.safetensors"), **inner}


def history_of(folder: RunFolder) -> pd.DataFrame:
    return pd.read_csv(folder.path / "history.csv").drop(columns="windows_per_s")


@pytest.fixture(scope="module")
def whole(project: Project) -> tuple[RunFolder, list[int]]:
    return trained(project, "whole")


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stops=st.sets(st.integers(0, STEPS - 1), min_size=1, max_size=3).map(sorted))
def test_a_training_stopped_at_any_steps_equals_one_that_was_not(
    project: Project, whole: tuple[RunFolder, list[int]], stops: list[int]
) -> None:
    stopped, drawn = trained(project, "stopped", *stops)
    assert drawn == whole[1]  # no sample twice, none left out
    expected, found = state_of(whole[0]), state_of(stopped)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    pd.testing.assert_frame_equal(history_of(stopped), history_of(whole[0]))
    assert stopped.info()["bit_exact"] is True


def test_what_is_read_to_go_on_does_not_grow_with_the_steps_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P4: after a million steps as few lines of history.csv are read as after ten."""
    lines = files._lines_backwards
    read: list[int] = []

    def counting(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
        for found in lines(path, size):
            read[-1] += 1
            yield found

    monkeypatch.setattr(files, "_lines_backwards", counting)
    for n in (10, 1_000_000):
        read.append(0)
        path = tmp_path / f"{n}.csv"
        rows = [f"{step},0.123456789\n" for step in range(1, n + 1)]
        path.write_text("step,loss\n" + "".join(rows))
        History(path, keep_until=n - 2).close()
        assert path.stat().st_size == 10 + len("".join(rows[:-2]))
    assert read == [3, 3]


def test_the_batch_of_any_step_is_drawn_without_those_before(
    project: Project,
) -> None:
    config = config_of(project)
    recordings = project.prepared_recordings()
    setup = prepare(recordings, config, common_mask(project))
    drawn: list[int] = []
    inner = setup.batches.rows

    def counting(step: int) -> torch.Tensor:
        drawn.append(step)
        return inner(step)

    setup.batches.rows = counting  # type: ignore[method-assign]
    setup.batches.draw(1_000_000)
    assert drawn == [1_000_000]


def stopped_run(project: Project, name: str) -> RunFolder:
    shutil.rmtree(project.runs_folder / name, ignore_errors=True)
    with pytest.raises(Cancelled):
        train(project, config_of(project), run=name, report=Stops(4))
    return RunFolder.open(project.runs_folder / name)


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def refused(project: Project, folder: RunFolder, match: str) -> None:
    """Resuming is refused with a message, and changes nothing."""
    before = content_of(folder.path)
    with pytest.raises(RunFolderError, match=match):
        train(project, config_of(project), run=folder.name, resume=True)
    assert content_of(folder.path) == before


def test_another_configuration_is_refused_by_the_option(project: Project) -> None:
    folder = stopped_run(project, "edited")
    config = folder.path / "config.yaml"
    text = config.read_text("utf-8")
    config.write_text(text.replace("learning_rate: 0.001", "learning_rate: 0.01"))
    match = r"config\.yaml was changed \(training\.learning_rate from 0\.001 to 0\.01\)"
    refused(project, folder, match)
    config.write_text(text + "# a remark\n")
    train(project, config_of(project), run="edited", resume=True)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"start_s": 0.5}, "fly1_002"),
        ({"invalid": [[0, 2]]}, "fly1_002"),
        ({"facts": {"software": "another"}}, None),
    ],
)
def test_other_prepared_data_are_refused_by_the_recording(
    project: Project, change: dict[str, object], names: str | None
) -> None:
    folder = stopped_run(project, "data")
    derived = project.derived_folder("fly1_002")
    path, manifest = derived / "neural.json", derived / "manifest.json"
    kept = {file: file.read_bytes() for file in (path, manifest)}
    try:
        write_json(path, read_json(path) | change)
        listed = read_json(manifest)
        listed["files"]["neural.json"]["bytes"] = path.stat().st_size
        write_json(manifest, listed)
        if names:
            refused(project, folder, f"other pre-processed data of {names}\\.")
        else:
            train(project, config_of(project), run="data", resume=True)
    finally:
        for file, content in kept.items():
            file.write_bytes(content)


def test_recordings_in_another_order_are_other_data(project: Project) -> None:
    folder = stopped_run(project, "order")
    other = Project.open(project.path)
    other.spec = replace(
        other.spec, recordings=(*other.spec.recordings[2:], *other.spec.recordings[:2])
    )
    refused(other, folder, "other pre-processed data of fly1_001, fly1_002")


WARNED = [kept.key for kept in resume.KEPT if not kept.refuses]


@pytest.mark.parametrize("key", WARNED)
def test_other_arithmetic_goes_on_but_is_no_longer_called_bit_exact(
    project: Project, key: str
) -> None:
    folder = stopped_run(project, f"other_{key}")
    assert folder.info()["bit_exact"] is True
    folder.update(**{key: "another"})
    said: list[str] = []

    def hear(stage: str, done: int, total: int, message: str = "") -> None:
        said.extend([message] if stage == "resume" else [])

    train(project, config_of(project), run=folder.name, resume=True, report=hear)
    what = next(kept.what for kept in resume.KEPT if kept.key == key)
    now = folder.info()[key]
    assert said == [f"no longer bit for bit: other {what} (then another, now {now})"]
    assert folder.info()["bit_exact"] is False


def test_a_damaged_last_checkpoint_is_told_and_the_result_is_the_same(
    project: Project, whole: tuple[RunFolder, list[int]]
) -> None:
    folder = stopped_run(project, "damaged")
    (latest(folder.checkpoints).path / "model.safetensors").write_bytes(b"torn")
    said: list[str] = []

    def hear(stage: str, done: int, total: int, message: str = "") -> None:
        said.extend([f"{done} {message}"] if stage == "resume" else [])

    train(project, config_of(project), run="damaged", resume=True, report=hear)
    assert said[0].startswith("0 ")
    assert "model.safetensors: expected" in said[0]
    expected, found = state_of(whole[0]), state_of(folder)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_checkpoint_of_another_run_is_refused(project: Project) -> None:
    """Same configuration, same shapes: nothing else would tell it."""
    other = latest(stopped_run(project, "foreign").checkpoints)
    folder = stopped_run(project, "own")
    shutil.copytree(other.path, folder.checkpoints / "step_00000005")
    refused(project, folder, "step_00000005 belongs to another run than 'own'")


def test_a_finished_run_is_not_embedded_with_an_earlier_checkpoint(
    project: Project,
) -> None:
    made = project.train(config_of(project), run="torn")
    (latest(made.folder.checkpoints).path / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(RunFolderError, match=r"for 12 steps.*damaged.*is of step 0"):
        made.embed("again")


def test_recordings_replaced_while_they_are_opened_are_not_trained_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Project.prepared
    manifest = project.derived_folder("fly2_001") / "manifest.json"
    before = manifest.read_bytes()

    def replacing(self: Project, recording: str, **rest: object) -> object:
        found = opened(self, recording)
        if recording == "fly2_002":
            content = read_json(manifest)
            content["files"]["neural.tif"]["sha256"] = "of a new one"
            write_json(manifest, content)
        return found

    monkeypatch.setattr(Project, "prepared", replacing)
    try:
        with pytest.raises(TrainingError, match="pre-processed again while"):
            train(project, config_of(project), run="mixed")
    finally:
        manifest.write_bytes(before)
    assert not (project.runs_folder / "mixed").exists()


def test_a_step_that_is_not_finite_is_written_down_with_what_went_into_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two logged steps as well; the weights of the step before are kept."""
    draw = Batches.draw

    def spoiling(self: Batches, step: int) -> Batch:
        batch = draw(self, step)
        if step == 6:
            batch.neural[batch.animal == 1] = 1e38
        return batch

    monkeypatch.setattr(Batches, "draw", spoiling)
    config = config_of(project)
    rarely = replace(config, training=replace(config.training, log_every=100))
    with pytest.raises(TrainingError, match=r"finite at step 6: \{'loss': nan\}"):
        train(project, rarely, run="nan")
    folder = RunFolder.open(project.runs_folder / "nan")
    found = folder.info()
    assert (found["status"], latest(folder.checkpoints).step) == ("failed", 0)
    told = found["not_finite"]
    assert told["step"] == 6
    assert len(told["windows"]) == 16
    assert {row["recording"] for row in told["windows"]} <= set(project.recording_ids())
    fine, spoilt = (told["inputs"][name]["neural"] for name in ("fly1", "fly2"))
    assert -100 < fine["min"] < fine["max"] < 100
    assert spoilt["min"] == spoilt["max"] == pytest.approx(1e38)
    assert (fine["n_not_finite"], spoilt["n_not_finite"]) == (0, 0)
    monkeypatch.setattr(Batches, "draw", draw)
    train(project, rarely, run="nan", resume=True)
    assert folder.info()["status"] == "finished"


def test_weights_that_are_not_finite_are_never_saved(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = torch.optim.Adam.step

    def spoiling(self: torch.optim.Adam, closure: object = None) -> None:
        step(self)
        self.param_groups[0]["params"][0].data.fill_(float("inf"))

    monkeypatch.setattr(torch.optim.Adam, "step", spoiling)
    with pytest.raises(TrainingError, match="no longer finite"):
        train(project, config_of(project, steps=1), run="spoilt")
    folder = RunFolder.open(project.runs_folder / "spoilt")
    assert folder.info()["status"] == "failed"
    assert latest(folder.checkpoints).step == 0


def test_cancelling_is_heard_between_two_logged_steps(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P15: with a row every thousand steps too, a training stops after its batch."""
    monkeypatch.setattr(run, "LISTEN_S", 0.0)
    config = config_of(project)
    rarely = replace(config, training=replace(config.training, log_every=1000))
    with pytest.raises(Cancelled):
        train(project, rarely, run="rarely", report=Stops(5))
    folder = RunFolder.open(project.runs_folder / "rarely")
    assert (folder.info()["status"], latest(folder.checkpoints).step) == ("stopped", 5)
    train(project, rarely, run="rarely", resume=True)
