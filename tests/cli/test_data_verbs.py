"""The verbs import, check and relink, below the command itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from tests.data.project_files import write_lab, write_table

from napari_neuroembed.errors import ConfigError, DataError

pytest.importorskip("napari_neuroembed.cli.flags")
pytest.importorskip("napari_neuroembed.data.readers.csv")

from napari_neuroembed.cli import check_verb, import_verb, relink_verb

MODULES = {"import": import_verb, "check": check_verb, "relink": relink_verb}


class Sayings:
    """Collects what a verb says."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.data: list[dict[str, Any]] = []

    def __call__(self, *_: object) -> None:
        pass

    def say(self, text: str, **data: Any) -> None:
        self.texts.append(text)
        self.data.append(data)


def call(verb: str, *words: object) -> tuple[int, Sayings]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    MODULES[verb].add_arguments(verb, parser)
    said = Sayings()
    code = MODULES[verb].run(verb, parser.parse_args([str(w) for w in words]), said)
    return code, said


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return write_lab(tmp_path / "lab").resolve()


def one(lab: Path) -> list[object]:
    place = lab / "fly1" / "2026-03-01_001"
    words: list[object] = [place / "neural.npy", "--animal", "fly1", "--rate", 16]
    words += ["--pose", place / "pose.csv", "--pose-rate", 32, "--pose-start", "-0.25"]
    return [*words, "--scalar", f"speed={place / 'speed.csv'}", "--unit", "cm/s"]


def test_one_recording_is_imported_by_flags(lab, tmp_path):
    words = ["--covariate", "sex=f", "--root", f"LAB={lab}", "--recording", "first"]
    code, said = call("import", tmp_path / "p", *one(lab), *words)
    assert code == 0
    assert "first (fly1): imported" in said.texts[0]
    assert said.data[0]["recording"] == "first"
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert "covariates: {sex: f}" in text
    assert "LAB:fly1/2026-03-01_001/neural.npy" in text
    assert "scalar_speed:" in text
    assert "{unit: cm/s}" in text


def test_a_dry_run_says_what_would_be_done(lab, tmp_path):
    code, said = call("import", tmp_path / "p", *one(lab), "--dry-run")
    assert code == 0
    assert "checked" in said.texts[0]
    assert not (tmp_path / "p").exists()


def test_what_is_accepted_is_kept_with_reason_and_person(lab, tmp_path):
    words = one(lab)
    words[words.index("-0.25")] = "70"
    with pytest.raises(DataError, match=r"--accept sync.overlap"):
        call("import", tmp_path / "p", *words)
    accept = ["--accept", "sync.overlap", "--why", "no pose needed", "--by", "me"]
    assert call("import", tmp_path / "p", *words, *accept)[0] == 0
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert "check: sync.overlap, why: no pose needed" in text
    assert "by: me" in text


def test_a_table_is_imported_and_a_failure_gives_exit_code_one(lab, tmp_path):
    table = write_table(lab)
    code, said = call("import", tmp_path / "p", "--table", table, "--dry-run")
    assert (code, said.texts[-1]) == (0, "4 checked")
    (lab / "fly2" / "2026-03-01_001" / "pose.csv").unlink()
    code, said = call("import", tmp_path / "p", "--table", table)
    assert (code, said.texts[-1]) == (1, "3 imported, 1 failed")
    assert "missing" in said.texts[0]


def test_a_pattern_is_imported_from_the_present_folder(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(lab)
    words = ["--pattern", "{animal}/{date}_{trial}/neural.npy", "--rate", 16]
    words += ["--pose-pattern", "{animal}/{date}_{trial}/pose.csv", "--pose-rate", 32]
    words += ["--pose-start", "-0.25", "--recording", "{animal}-{trial}"]
    code, said = call("import", tmp_path / "p", *words)
    assert (code, said.texts[-1]) == (0, "4 imported")
    assert "id: fly2-002" in (tmp_path / "p" / "project.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "in one way"),
        (["a.npy", "--table", "t.csv"], "SOURCE or --trace and --table"),
        (["a.npy", "--animal", "x", "--like", "pose=neural"], "no stream 'pose'"),
        (["a.npy", "--animal", "x", "--channel", "functional=x"], "a number from 0"),
        (["a.npy", "--animal", "x", "--reader-option", "neural.axes"], "NAME=VALUE"),
        (["a.npy", "--pose", "a", "--pose", "b"], "there is a stream pose already"),
        (["a.npy", "--pose", "a", "--pose-sync", "b", "--pose-times", "c"], "not both"),
        (["a.npy", "--accept", "x.y"], "needs a reason"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(tmp_path, words, message):
    with pytest.raises(ConfigError, match=message):
        call("import", tmp_path / "p", *words)


def test_reader_options_are_read_as_yaml(lab, tmp_path):
    code, _ = call(
        "import",
        tmp_path / "p",
        *one(lab),
        "--reader-option",
        "pose.columns=[nose_x, nose_y]",
    )
    assert code == 0
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert "columns: [nose_x, nose_y]" in text


def test_check_tells_of_projects_and_of_files(lab, tmp_path):
    call("import", tmp_path / "p", *one(lab))
    code, said = call("check", tmp_path / "p", "--picture")
    assert code == 0
    assert "1 recording of 1 animal," in said.texts[0]
    assert "█" in said.texts[0]
    assert said.data[0]["recordings"][0]["recording"] == "fly1_001"
    accept = ["--accept", "sync.overlap", "--why", "early", "--recording", "fly1_001"]
    _, said = call("check", tmp_path / "p", *accept)
    assert "accepted: " in said.texts[0]
    code, said = call("check", lab / "fly1" / "2026-03-01_001" / "pose.csv")
    assert code == 0
    assert "pose 150x2x2" in said.texts[0]


def test_relink_tells_what_is_found_and_gives_one_when_something_is_lost(lab, tmp_path):
    call("import", tmp_path / "p", *one(lab))
    lab.rename(tmp_path / "disk")
    code, said = call("relink", tmp_path / "p")
    assert code == 1
    assert "3 missing" in said.texts[0]
    code, said = call("relink", tmp_path / "p", "--search", tmp_path / "disk")
    assert code == 0
    assert "3 files found, 0 missing" in said.texts[0]
