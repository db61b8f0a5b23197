"""A layout is found by trying, changes nothing but rounding, and stays with a run."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.tiny_project import SMALL_TRAINING

from napari_neuroembed.api import Project
from napari_neuroembed.config import with_settings
from napari_neuroembed.errors import Cancelled, RunFolderError, TrainingError
from napari_neuroembed.methods import as_defined
from napari_neuroembed.models.build import build_encoder
from napari_neuroembed.options.models import EncoderOptions
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.training import run
from napari_neuroembed.training.checkpoint import latest
from napari_neuroembed.training.layout import (
    HOPELESS,
    Layout,
    choose_layout,
    fixed,
    kept,
    layouts_for,
    time_all,
)
from napari_neuroembed.training.setup import Setup, check_needs, prepare

CPU = torch.device("cpu")
CHOSEN = Layout(channels_last=True, precision="bf16", onednn=False)


class Clock:
    """Seconds that pass only when a step says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def step(self, *seconds: float) -> Callable[[], None]:
        left = itertools.chain(seconds, itertools.repeat(seconds[-1]))

        def take() -> None:
            self.now += next(left)

        return take


@pytest.fixture
def setup(recordings, config) -> Setup:
    return prepare(recordings, config, None)


@pytest.fixture
def project(tiny_project: Path, tmp_path: Path) -> Project:
    shutil.copytree(tiny_project, tmp_path / "flies")
    return Project.open(tmp_path / "flies")


def config_of(project: Project):
    chosen = {**SMALL_TRAINING, "training.steps": 6, "training.layout": "auto"}
    words = [f"{name}={value}" for name, value in chosen.items()]
    return project.config(method="guenel2022", settings=words)


def never(*_: object) -> tuple[Layout, float]:
    raise AssertionError("a layout was tried")


def stops_at(step: int) -> Callable[..., None]:
    def report(stage: str, done: int, *_: object) -> None:
        if stage == "train" and done >= step:
            raise Cancelled("stop")

    return report


def weights_of(folder: RunFolder) -> dict[str, torch.Tensor]:
    return load_file(latest(folder.checkpoints).path / "model.safetensors")


def test_the_order_of_channels_changes_nothing_but_rounding() -> None:
    encoder = build_encoder("auto", EncoderOptions(), (4, 32, 40), seed=0).double()
    windows = torch.randn(3, 4, 32, 40, dtype=torch.float64)
    found = []
    for encoder.channels_last in (False, True):
        encoder.zero_grad()
        out = encoder(windows)
        out.square().sum().backward()
        found.append([out.detach(), *(p.grad.clone() for p in encoder.parameters())])
    for plain, last in zip(*found, strict=True):
        torch.testing.assert_close(last, plain, rtol=1e-9, atol=1e-9)


def test_the_order_of_channels_reaches_the_convolutions() -> None:
    encoder = build_encoder("auto", EncoderOptions(), (4, 32, 32), seed=0)
    orders = []
    for layer in encoder.convolutions:
        layer.register_forward_hook(
            lambda _, __, out: orders.append(
                out.is_contiguous(memory_format=torch.channels_last)
            )
        )
    for encoder.channels_last in (False, True):
        encoder(torch.randn(2, 4, 32, 32)[:, :, ::1])
    half = len(orders) // 2
    assert not any(orders[: half - 1])
    assert all(orders[half:])


def test_the_fastest_is_found_after_the_first_steps_which_are_slow() -> None:
    clock = Clock()
    slow, fast, hopeless = Layout(), CHOSEN, Layout(precision="bf16")
    trials = {
        slow: clock.step(0.1, 0.12),
        fast: clock.step(9.0, 0.1),
        hopeless: clock.step(0.1, 0.1 * HOPELESS + 0.01, 0.0),
    }
    found = time_all(trials, 12.0, clock)
    assert min(found, key=found.__getitem__) == fast
    assert found[hopeless] == pytest.approx(0.16)  # not tried again
    assert clock() < 12.5


def test_every_layout_is_tried_and_the_fixed_one_is_among_them(setup: Setup) -> None:
    found = layouts_for(setup, CPU)
    assert found[0] == fixed(setup.parts.method.config) == Layout()
    assert len(set(found)) == 4
    on_gpu = layouts_for(setup, torch.device("cuda"))
    assert all(one.onednn for one in on_gpu)
    assert {one.channels_last for one in on_gpu} == {True, False}


@pytest.mark.parametrize("onednn", [True, False])
def test_what_is_tried_on_a_cpu_normalises_batches_exactly(setup, onednn) -> None:
    """Channels last does not: torch is off by 0.4 % with as many values as here."""
    assert not any(one.channels_last for one in layouts_for(setup, CPU))
    frames = 0.5 + 0.3 * torch.randn(256, 1, 128, 128)
    layer = torch.nn.BatchNorm2d(1, momentum=1.0)
    with Layout(onednn=onednn).in_force():
        layer(frames)
    exact = frames.double().var()
    assert layer.running_var.item() == pytest.approx(exact.item(), rel=1e-5)


def test_a_precision_that_was_asked_for_is_kept(recordings, config) -> None:
    config = with_settings(config, ["training.precision=bf16"])
    setup = prepare(recordings, config, None)
    assert {one.precision for one in layouts_for(setup, CPU)} == {"bf16"}


@pytest.mark.parametrize("balanced", [False, True])
def test_choosing_leaves_the_training_as_it_was(recordings, config, balanced) -> None:
    config = with_settings(config, [f"training.balanced={balanced}"])
    setup = prepare(recordings, as_defined(config, "guenel2022"), None)
    before = {n: v.clone() for n, v in setup.parts.state_dict().items()}
    batch, size = setup.batches.draw(3), setup.batches.size
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    clock = Clock()

    def ticking() -> float:
        clock.now += 0.01
        return clock.now

    layout, gain = choose_layout(setup, CPU, ticking)
    assert layout in layouts_for(setup, CPU)
    assert gain > 0
    after = setup.parts.state_dict()
    assert all(torch.equal(after[n], v) for n, v in before.items())
    assert all(p.grad is None for p in setup.parts.parameters())
    assert setup.batches.size == size
    assert torch.equal(setup.batches.draw(3).neural, batch.neural)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert torch.backends.mkldnn.enabled


def test_onednn_is_off_only_while_the_layout_is_in_force() -> None:
    with CHOSEN.in_force():
        assert not torch.backends.mkldnn.enabled
    assert torch.backends.mkldnn.enabled
    with Layout().in_force():
        assert torch.backends.mkldnn.enabled


def test_the_layout_is_chosen_once_kept_in_the_run_and_used_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "choose_layout", lambda *_: (CHOSEN, 2.0))
    whole = run.train(project, config_of(project), run="whole")
    assert whole.info()["layout"] == dataclasses.asdict(CHOSEN)
    with pytest.raises(Cancelled):
        run.train(project, config_of(project), run="part", report=stops_at(3))
    monkeypatch.setattr(run, "choose_layout", never)
    said: list[str] = []

    def hear(stage: str, _: int, __: int, message: str = "") -> None:
        said.extend([message] if stage == "resume" else [])

    part = run.train(project, config_of(project), run="part", resume=True, report=hear)
    assert said == [""]
    assert part.info()["layout"] == dataclasses.asdict(CHOSEN)
    assert part.info()["bit_exact"] is True
    expected, found = weights_of(whole), weights_of(part)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_nothing_is_tried_unless_it_is_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "choose_layout", never)
    config = with_settings(config_of(project), ["training.layout=fixed"])
    folder = run.train(project, config, run="plain")
    assert folder.info()["layout"] == dataclasses.asdict(Layout())


@pytest.mark.parametrize("entry", [None, {"precision": "fp8"}, {"rows": 3}, {}])
def test_a_run_that_lost_its_layout_does_not_go_on(entry: object) -> None:
    with pytest.raises(RunFolderError, match=r"'a' cannot go on.*does not say which"):
        kept({"layout": entry}, "a")
    assert kept({"layout": dataclasses.asdict(CHOSEN)}, "a") == CHOSEN


def test_several_processes_do_not_choose(recordings, config, setup: Setup) -> None:
    config = with_settings(config, ["training.layout=auto", "training.devices=2"])
    with pytest.raises(TrainingError, match=r"training\.layout=fixed"):
        check_needs(recordings, config, setup.split)
