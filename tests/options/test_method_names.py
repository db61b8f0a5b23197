"""What menus say of methods is what the methods are."""

from __future__ import annotations

from napari_neuroembed.methods import METHODS
from napari_neuroembed.options.method_names import METHOD_NAMES


def test_every_method_is_told_as_it_is() -> None:
    assert list(METHOD_NAMES) == list(METHODS)
    for name, told in METHOD_NAMES.items():
        method = METHODS[name]
        assert told.about == (method.__doc__ or "").splitlines()[0], name
        assert told.needs_pose == method.needs.pose, name
        assert told.min_animals == method.needs.min_animals, name
