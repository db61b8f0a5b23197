"""Every options class: frozen, a sentence on every field, a lossless round trip."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from napari_neuroembed import options
from napari_neuroembed.errors import ConfigError
from napari_neuroembed.options.base import from_dict, to_dict


def options_classes() -> dict[str, type[Any]]:
    found = {}
    for info in pkgutil.iter_modules(options.__path__):
        module = importlib.import_module(f"{options.__name__}.{info.name}")
        for name, kind in inspect.getmembers(module, dataclasses.is_dataclass):
            if inspect.isclass(kind) and kind.__module__ == module.__name__:
                found[f"{info.name}.{name}"] = kind
    return found


CLASSES = options_classes()
every_class = pytest.mark.parametrize("name", CLASSES)


def default(kind: type[Any]) -> Any:
    """Build the options, with the smallest allowed values where there is no default."""
    needed = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if needed:
        pytest.skip(f"{kind.__name__} needs {', '.join(needed)}")
    return kind()


def test_there_are_options() -> None:
    assert "windows.WindowOptions" in CLASSES


@every_class
def test_options_are_frozen_and_refuse_unknown_names(name: str) -> None:
    kind = CLASSES[name]
    assert kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))
    with pytest.raises(ConfigError, match="no_such_option is not an option"):
        from_dict(kind, {"no_such_option": 1})


@every_class
def test_every_field_has_a_sentence(name: str) -> None:
    properties = TypeAdapter(CLASSES[name]).json_schema()["properties"]
    for field in dataclasses.fields(CLASSES[name]):
        text = properties[field.name].get("description", "")
        assert re.search(r"[a-z]{2}.*\.$", text, re.DOTALL), f"{name}.{field.name}"
        assert len(text) < 400, f"{name}.{field.name} tells a story"
    assert inspect.getdoc(CLASSES[name])


@every_class
def test_defaults_survive_a_round_trip_through_json(name: str) -> None:
    before = default(CLASSES[name])
    values = json.loads(json.dumps(to_dict(before), allow_nan=False))
    assert from_dict(CLASSES[name], values) == before


@every_class
def test_defaults_are_within_their_own_bounds(name: str) -> None:
    before = default(CLASSES[name])
    assert dataclasses.replace(before) == before


@every_class
def test_two_instances_share_nothing_that_can_change(name: str) -> None:
    first, second = default(CLASSES[name]), default(CLASSES[name])
    assert first == second
    for field in dataclasses.fields(CLASSES[name]):
        value = getattr(first, field.name)
        if isinstance(value, list | dict | set):
            assert value is not getattr(second, field.name), field.name


@pytest.mark.parametrize(
    "module", [info.name for info in pkgutil.iter_modules(options.__path__)]
)
def test_options_import_no_other_part_of_the_package(module: str) -> None:
    full = importlib.import_module(f"{options.__name__}.{module}")
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(full))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    ours = {n for n in names if n.startswith("napari_neuroembed")}
    allowed = {"napari_neuroembed.errors", "napari_neuroembed.options"}
    assert {n for n in ours if not n.startswith(tuple(allowed))} == set()
    assert not names & {"torch", "numpy", "pandas", "napari", "magicgui"}
