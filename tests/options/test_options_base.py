"""What all options share: plain errors, suggestions, paths."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

import pytest
from pydantic import Field
from pydantic.dataclasses import dataclass

from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import STRICT, from_dict, replace_path, to_dict


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Dff:
    """How a baseline is found."""

    window_frames: Annotated[int, Field(ge=1)] = 15
    """Frames of the running mean."""

    method: Literal["running_minimum", "none"] = "running_minimum"
    """How."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class Preprocessing:
    """All steps."""

    dff: Dff = Field(default_factory=Dff)
    """The baseline."""

    extra: Dff | None = None
    """A second one."""

    more: tuple[Dff, ...] = ()
    """Further ones."""

    sizes: tuple[int, ...] = (64, 64)
    """Height and width."""


def test_missing_fields_take_their_defaults() -> None:
    assert from_dict(Preprocessing, {}) == Preprocessing()
    found = from_dict(Preprocessing, {"dff": {"window_frames": 5}})
    assert found.dff == Dff(window_frames=5)


def test_a_round_trip_spells_out_every_field() -> None:
    options = Preprocessing(dff=Dff(window_frames=5), sizes=(1, 2, 3))
    values = to_dict(options)
    assert values == {
        "dff": {"window_frames": 5, "method": "running_minimum"},
        "extra": None,
        "more": [],
        "sizes": [1, 2, 3],
    }
    assert from_dict(Preprocessing, values) == options


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"dfff": {}},
            (
                r"preprocessing\.dfff is not an option\. Did you mean "
                r"preprocessing\.dff\? Options: dff, extra, more, sizes\."
            ),
        ),
        (
            {"dff": {"windw_frames": 3}},
            (
                r"preprocessing\.dff\.windw_frames is not an option\. Did you mean "
                r"preprocessing\.dff\.window_frames\? Options: window_frames, method\."
            ),
        ),
        (
            {"extra": {"windw_frames": 3}},
            (
                r"extra\.windw_frames is not an option\. Did you mean "
                r"preprocessing\.extra\.window_frames\?"
            ),
        ),
        (
            {"dff": {"window_frames": 0}},
            (
                r"preprocessing\.dff\.window_frames: .*greater than or equal to 1 "
                r"\(found 0\)"
            ),
        ),
        (
            {"dff": {"method": "mean"}},
            r"dff\.method: .*'running_minimum' or 'none' \(found 'mean'\)",
        ),
        (
            {"more": [{}, {"windw_frames": 3}]},
            (
                r"preprocessing\.more\.1\.windw_frames is not an option\. Did you mean "
                r"preprocessing\.more\.1\.window_frames\?"
            ),
        ),
        ({"dff": 3}, r"preprocessing\.dff: .*\(found 3\)"),
        ({"sizes": [1, "x"]}, r"preprocessing\.sizes\.1: .*\(found 'x'\)"),
        ({1: 2}, r"preprocessing\.1: Keys should be strings \(found 1\)"),
    ],
)
def test_a_wrong_value_is_named_with_its_path_and_what_is_allowed(
    values: dict[str, object], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        from_dict(Preprocessing, values, where="preprocessing")


@pytest.mark.parametrize("values", [None, 3, "dff", [1, 2], [["dff", {}]]])
def test_what_is_no_mapping_is_refused(values: object) -> None:
    with pytest.raises(ConfigError, match="preprocessing: expected options by name"):
        from_dict(Preprocessing, values, where="preprocessing")


def test_all_wrong_fields_are_told_at_once() -> None:
    wrong = {"dff": {"window_frames": 0, "method": "mean"}, "sizes": "x"}
    with pytest.raises(ConfigError) as found:
        from_dict(Preprocessing, wrong)
    assert len(str(found.value).splitlines()) == 3


def test_one_field_is_replaced_by_its_path() -> None:
    before = Preprocessing()
    after = replace_path(before, "dff.window_frames", 7)
    assert after.dff.window_frames == 7
    assert before.dff.window_frames == 15
    assert replace_path(before, "sizes", [1]).sizes == (1,)


def test_a_whole_group_is_replaced_by_its_path() -> None:
    after = replace_path(Preprocessing(), "extra", {"window_frames": 2})
    assert after.extra == Dff(window_frames=2)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("dff.windw_frames", "Did you mean dff.window_frames"),
        ("df.window_frames", "df is not an option. Did you mean dff"),
        ("dff.window_frames.x", r"dff\.window_frames\.x is not an option"),
        ("", "is not an option"),
    ],
)
def test_a_wrong_path_lists_what_there_is(path: str, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        replace_path(Preprocessing(), path, 1)


def test_a_wrong_value_by_path_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"dff\.window_frames: .*found -1"):
        replace_path(Preprocessing(), "dff.window_frames", -1)


def test_options_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Dff().window_frames = 3
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        dataclasses.replace(Dff(), window_frames=0)
