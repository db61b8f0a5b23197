"""Flags that verbs share."""

from __future__ import annotations

import argparse

import pytest

from napari_neuroembed.cli import flags
from napari_neuroembed.errors import ConfigError


def parse(add: object, *argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args(argv)


def test_settings_are_read_as_yaml_and_the_last_one_wins() -> None:
    given = ["--set", "a.b=0.5", "--set", "a.c=[1, 2]", "--set", "a.b=null"]
    args = parse(flags.add_set, *given)
    assert flags.settings(args) == {"a.b": None, "a.c": [1, 2]}


def test_a_value_may_hold_an_equals_sign() -> None:
    args = parse(flags.add_set, "--set", "name=a=b")
    assert flags.settings(args) == {"name": "a=b"}


@pytest.mark.parametrize("text", ["training.steps", "=5", " =5"])
def test_a_setting_without_path_or_value_is_refused(text: str) -> None:
    args = parse(flags.add_set, "--set", text)
    with pytest.raises(ConfigError, match="--set needs PATH=VALUE"):
        flags.settings(args)


def test_a_setting_that_is_no_yaml_is_refused() -> None:
    args = parse(flags.add_set, "--set", "a=[1")
    with pytest.raises(ConfigError, match=r"--set a=\[1: the value is no YAML"):
        flags.settings(args)


def test_a_setting_runs_no_code() -> None:
    args = parse(flags.add_set, "--set", "a=!!python/object/apply:os.getpid []")
    with pytest.raises(ConfigError, match="no YAML"):
        flags.settings(args)


def test_several_ids_are_accepted_with_one_reason() -> None:
    given = ["--accept", "clock.overlap", "--accept", "size.cap", "--why", "known"]
    args = parse(flags.add_accept, *given)
    assert flags.accepted(args) == ({"clock.overlap", "size.cap"}, "known")


def test_nothing_accepted_needs_no_reason() -> None:
    assert flags.accepted(parse(flags.add_accept)) == (frozenset(), "")


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--accept", "size.cap"], "needs a reason"),
        (["--accept", "size.cap", "--why", " "], "needs a reason"),
        (["--why", "known"], "without --accept"),
    ],
)
def test_an_acceptance_needs_an_id_and_a_reason(argv: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        flags.accepted(parse(flags.add_accept, *argv))
