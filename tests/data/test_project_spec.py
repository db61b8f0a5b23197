"""The schema of project.yaml."""

from __future__ import annotations

import copy

import pytest

from napari_neuroembed.data.project.spec import (
    IndexMapSync,
    LikeSync,
    OffsetSync,
    dump_spec,
    parse_spec,
    stream_kind,
)
from napari_neuroembed.data.project.yaml_text import dump_yaml, read_yaml
from napari_neuroembed.errors import ConfigError

TEXT = """
schema_version: 1
name: flies
preset: twin
preprocessing: {registration: {method: rigid}, dff: {window_frames: 15}}
recordings:
  - id: fly1_001
    animal: fly1
    covariates: {date: 2026-03-01, genotype: G23xU1, age_days: 4, fed: true}
    streams:
      neural: {source: "LAB:fly1/001/*.tif", reader: tiff, rate_hz: 16.0,
               channels: {functional: 0, anatomical: 1}}
      pose: {source: "LAB:fly1/001/df3d.npz", reader: npz, rate_hz: 100.0,
             sync: {kind: offset, start_s: -1.25}}
      video: {source: "LAB:fly1/001/cam1.mp4", reader: video,
              sync: {kind: like, stream: pose}}
  - id: fly2_001
    animal: fly2
    streams:
      neural: {source: ["LAB:a.tif", "LAB:b.tif"], rate_hz: 16}
      pose: {source: "LAB:fly2/001/pose.csv",
             sync: {kind: index_map, file: "LAB:fly2/001/sync.npy"}}
accepted: [{check: sync.overlap, recording: fly1_001, why: early, by: rater1}]
"""


def edited(old: str, new: str) -> dict[str, object]:
    assert old in TEXT
    return read_yaml(TEXT.replace(old, new, 1), "project.yaml")


def test_the_example_of_the_design_is_read_and_written_back_equal():
    spec = parse_spec(read_yaml(TEXT, "project.yaml"))
    first, second = spec.recordings
    assert first.covariates == {
        "date": "2026-03-01",
        "genotype": "G23xU1",
        "age_days": 4,
        "fed": True,
    }
    assert first.covariates["fed"] is True
    assert first.streams["pose"].sync == OffsetSync(start_s=-1.25)
    assert first.streams["video"].sync == LikeSync(stream="pose")
    assert second.streams["pose"].sync == IndexMapSync(file="LAB:fly2/001/sync.npy")
    assert second.streams["neural"].source == ("LAB:a.tif", "LAB:b.tif")
    again = read_yaml(dump_yaml(dump_spec(spec)), "project.yaml")
    assert parse_spec(again) == spec


UNKNOWN = "streams.pose.*is not a key of project.yaml. Did you mean"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate_hz: 100.0", "rate: 100", rf"\[0\] \(fly1_001\).{UNKNOWN} rate_hz"),
        ("start_s: -1.25", "strt_s: 1", rf"\[0\] \(fly1_001\).{UNKNOWN} start_s"),
        ("preset: twin", "presets: twin", r"presets is .*mean preset\?"),
        ("rate_hz: 100.0", "rate_hz: 0", "greater than 0 .found 0"),
        ("rate_hz: 100.0", "rate_hz: .nan", "found nan"),
        ("kind: offset", "kind: frame_counter", "pose.sync.file is missing"),
        ("kind: offset", "kind: offsets", "Known: offset, like.*, frame_counter"),
        ("animal: fly2", "animal: ../fly2", r"recordings\[1\].animal: found '../fly2'"),
        ("id: fly2_001", "id: fly1_001", "2 recordings have the id 'fly1_001'"),
        ("id: fly2_001", "id: FLY1_001", "differ by capital letters only"),
        ("id: fly2_001", "id: con", "name of a device"),
        ("video:", "Video 1:", "a stream is named by small letters"),
        ("video:", "camera:", "'camera' has no kind. Add kind:"),
        ("schema_version: 1", "schema_version: 9", "newer than 1.*nothing was changed"),
        ("schema_version: 1", "schema_version: one", "expected schema_version: 1"),
        ("why: early, ", "", "accepted.0..why is missing"),
        ("animal: fly2", "animals: fly2", "2 problems"),
    ],
)  # fmt: skip
def test_a_mistake_in_project_yaml_is_named_with_its_place(old, new, message):
    with pytest.raises(ConfigError, match=message):
        parse_spec(edited(old, new))


def test_a_stream_says_its_kind_by_its_name_or_by_kind():
    streams = copy.deepcopy(edited("video:", "cam:"))
    pose = streams["recordings"][0]["streams"]["cam"]
    pose["kind"] = "video"
    spec = parse_spec(streams)
    assert stream_kind("cam", spec.recordings[0].streams["cam"]) == "video"
    assert stream_kind("scalar_speed", spec.recordings[0].streams["pose"]) == "scalar"
