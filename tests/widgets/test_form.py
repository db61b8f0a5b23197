"""Forms show every option as it is, and say what is wrong where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from napari_neuroembed.config import PRESETS, RunConfig
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.augmentation import AugmentationOptions
from napari_neuroembed.options.evaluation import EvaluationOptions
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.options.training import TrainingOptions
from napari_neuroembed.widgets.fields import section_of, to_text
from napari_neuroembed.widgets.form import OptionsForm

CLASSES = (
    AugmentationOptions,
    EvaluationOptions,
    PreprocessingOptions,
    RunConfig,
    SyntheticOptions,
    TrainingOptions,
)


@pytest.mark.parametrize("kind", CLASSES)
def test_a_form_gives_back_what_it_was_given(qtbot: Any, kind: type[Any]) -> None:
    form = OptionsForm(kind())
    qtbot.addWidget(form)
    assert form.problems() == {}
    assert form.value() == kind()


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_pass_through_a_form_unchanged(qtbot: Any, preset: str) -> None:
    form = OptionsForm(RunConfig())
    qtbot.addWidget(form)
    form.set_value(PRESETS[preset]())
    assert form.value() == PRESETS[preset]()


@pytest.mark.parametrize("kind", CLASSES)
def test_both_bounds_of_every_integer_can_be_set(qtbot: Any, kind: type[Any]) -> None:
    form = OptionsForm(kind())
    qtbot.addWidget(form)
    integers = [v for v in section_of(kind).all_fields() if v.control == "integer"]
    for view in integers:
        for bound in (view.low, view.high):
            form.control(view.path).value = bound
            assert form.control(view.path).value == bound
            assert view.path not in form.problems()


def test_every_field_has_a_label_and_help() -> None:
    for kind in CLASSES:
        for view in section_of(kind).all_fields():
            assert view.label[0].isupper() or view.label == "dF/F", view.path
            assert view.about, view.path


def test_small_numbers_stay_what_they_are(qtbot: Any) -> None:
    form = OptionsForm(TrainingOptions(learning_rate=1e-4, weight_decay=1e-12))
    qtbot.addWidget(form)
    assert form.value().learning_rate == 1e-4
    assert form.value().weight_decay == 1e-12


def test_wrong_input_is_said_at_its_control(qtbot: Any) -> None:
    form = OptionsForm(AugmentationOptions())
    qtbot.addWidget(form)
    seen: list[dict[str, str]] = []
    form.changed.connect(lambda: seen.append(form.problems()))
    form.control("calcium_decay.decay_s").value = "-1"
    assert seen[-1] == {
        "calcium_decay.decay_s": "Decay (s) must be greater than 0; found -1."
    }
    note = form._rows["calcium_decay.decay_s"].note
    assert note.text() == seen[-1]["calcium_decay.decay_s"]
    assert not note.isHidden()
    with pytest.raises(ConfigError, match="Decay"):
        form.value()
    form.control("calcium_decay.decay_s").value = ""
    assert form.problems() == {}
    assert note.isHidden()
    assert form.value().calcium_decay.decay_s is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("3, 1", "(low, high) with low <= high; found 3, 1."),
        ("3", "found 3."),
        ("a, b", "must be a valid number; found a, b."),
        ("", "found nothing."),
    ],
)
def test_ranges_are_two_numbers(qtbot: Any, text: str, sentence: str) -> None:
    form = OptionsForm(AugmentationOptions())
    qtbot.addWidget(form)
    form.control("calcium_decay.amplitude").value = text
    found = form.problems()["calcium_decay.amplitude"]
    assert found.startswith("Amplitude")
    assert found.endswith(sentence)


def test_shown_fields_come_first_and_hidden_ones_keep_their_value(qtbot: Any) -> None:
    before = TrainingOptions(steps=77, batch_size=33)
    form = OptionsForm(before, shown=("batch_size",), hidden=("steps",))
    qtbot.addWidget(form)
    form.control("batch_size").value = 44
    assert form.value() == TrainingOptions(steps=77, batch_size=44)
    assert form.differences(before) == {"batch_size": 44}
    with pytest.raises(KeyError):
        form.control("steps")


def test_text_of_values() -> None:
    assert to_text({"legs": ("a", "b")}) == "{legs: [a, b]}"
    assert to_text(True) == "True"
