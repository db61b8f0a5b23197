"""YAML that a person edits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_neuroembed.data.project.yaml_comments import carry_comments
from napari_neuroembed.data.project.yaml_text import MAX_BYTES, dump_yaml, read_yaml
from napari_neuroembed.errors import ConfigError

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.sampled_from(["001", "1e3", "yes", "off", "12:30", "2026-03-01", "~", "#a", ""]),
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), VALUES))
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back_as_the_same_values_of_the_same_types(values):
    found = read_yaml(dump_yaml({"a": values, "list": [values]}), "x")
    assert found == {"a": values, "list": [values]}
    assert {k: type(v) for k, v in found["a"].items()} == {
        k: type(v) for k, v in values.items()
    }


def test_only_true_and_false_are_booleans_and_dates_stay_text():
    text = "{a: yes, b: off, c: true, d: 2026-03-01, e: 12:30, f: 1e-3, g: 007}"
    assert read_yaml(text, "x") == {
        "a": "yes",
        "b": "off",
        "c": True,
        "d": "2026-03-01",
        "e": "12:30",
        "f": 1e-3,
        "g": "007",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "x line 3, column 1: 'a' is here twice, first in line 1"),
        ("a: &n [1]\nb: *n", r"x line 2, column 4: aliases \(\*name\) are not read"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine"),
        ("- 1\n- 2", "expected lines of the form 'key: value'"),
        ("a: [1", "x line 1"),
        ("? [1]\n: 2", "a key must be plain text"),
        ("a: " + "b" * MAX_BYTES, "larger than"),
        ("a: \x00", "cannot be read"),
    ],
)
def test_hostile_or_broken_yaml_is_refused_with_its_place(text, message):
    with pytest.raises(ConfigError, match=message):
        read_yaml(text, "x")


def test_an_empty_file_is_an_empty_mapping():
    assert read_yaml("", "x") == {}


OLD = """# flies of the autumn
schema_version: 1
recordings:
  # rig 2
  - id: fly1_001   # the best one
    streams: {pose: {source: "LAB:a#b"}}
  # a doubtful one
  - id: fly2_001
# the end
"""


def test_comments_stay_with_their_entries_when_others_are_added():
    new = (
        "schema_version: 1\nrecordings:\n- id: fly0_001\n- id: fly1_001\n"
        '  streams: {pose: {source: "LAB:a#b"}}\n- id: fly2_001\n'
    )
    found = carry_comments(OLD, new)
    assert found == (
        "# flies of the autumn\nschema_version: 1\nrecordings:\n- id: fly0_001\n"
        "# rig 2\n# the best one\n- id: fly1_001\n"
        '  streams: {pose: {source: "LAB:a#b"}}\n# a doubtful one\n- id: fly2_001\n'
        "# the end\n"
    )
    assert carry_comments(found, new) == found


def test_a_comment_whose_entry_is_gone_is_kept_at_the_head_once():
    new = "schema_version: 1\nrecordings:\n- id: fly2_001\n"
    found = carry_comments(OLD, new)
    assert found.startswith("# (comments whose entry is gone)\n# rig 2\n# the best one")
    assert "# a doubtful one\n- id: fly2_001" in found
    assert carry_comments(found, new) == found
