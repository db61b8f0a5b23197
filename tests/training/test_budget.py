"""What a time budget buys."""

from __future__ import annotations

import pytest

from napari_neuroembed.config import RunConfig
from napari_neuroembed.data.recording import Recording
from napari_neuroembed.training.budget import CALIBRATION_STEPS, plan_budget


@pytest.mark.parametrize(("seconds", "is_cut_short"), [(0.001, True), (1e6, False)])
def test_timing_steps_does_not_eat_a_small_budget(
    seconds: float,
    is_cut_short: bool,
    recordings: list[Recording],
    config: RunConfig,
) -> None:
    timed: list[int] = []

    def report(stage: str, done: int, total: int, message: str = "") -> None:
        del total, message
        if stage == "calibrate":
            timed.append(done)

    plan = plan_budget(recordings, config, seconds, report=report)
    assert (max(timed) < CALIBRATION_STEPS) == is_cut_short
    assert plan.config.training.steps >= 1
    assert plan.step_s > 0
