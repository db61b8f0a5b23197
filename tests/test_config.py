"""Run configurations: presets, files, settings, budgets."""

from __future__ import annotations

import pytest

from napari_neuroembed.config import (
    PRESETS,
    RunConfig,
    budget_seconds,
    load_config,
    preset_config,
    save_config,
    with_settings,
)
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import from_dict, to_dict


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_survives_its_file(name, tmp_path):
    config = preset_config(name)
    save_config(config, tmp_path / "config.yaml")
    assert load_config(tmp_path / "config.yaml") == config
    assert from_dict(RunConfig, to_dict(config)) == config


def test_a_file_with_a_preset_needs_only_what_differs(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("preset: twin\ntraining: {steps: 7}\n")
    config = load_config(path)
    assert config.training.steps == 7
    assert config.training.batch_size == preset_config("twin").training.batch_size


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.stepz=3", r"training\.stepz is not an option.*training\.steps"),
        ("trainin.steps=3", "Did you mean training"),
        ("training.steps=-3", r"training\.steps: .*greater than or equal to 0"),
        ("training.steps=many", r"training\.steps: .*valid integer"),
        ("training.steps", "expected section"),
        ("normalise=zscore", "normalise: .*'none'"),
    ],
)
def test_a_wrong_setting_says_what_is_allowed(setting, message):
    with pytest.raises(ConfigError, match=message):
        with_settings(preset_config("twin"), [setting])


def test_all_typos_of_a_file_are_told_together(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("sead: 3\ntraining: {stepz: 7}\n")
    with pytest.raises(ConfigError, match=r"(?s)sead.*stepz|stepz.*sead"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10 minutes", 600), ("1 hour", 3600), ("90 s", 90), ("1.5 h", 5400)],
)
def test_time_budgets_are_read(text, seconds):
    assert budget_seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "10", "-3 hours", "0 s", "10 fortnights"])
def test_what_is_no_time_budget_is_refused(text):
    with pytest.raises(ConfigError):
        preset_config(text)
