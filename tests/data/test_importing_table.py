"""Importing many recordings from a table."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.data.project_files import write_lab, write_table

from napari_neuroembed.data.importing.plan import run_plans, summary
from napari_neuroembed.data.importing.table import plan_table, read_table, understand
from napari_neuroembed.data.project import Project
from napari_neuroembed.data.project.spec import Acceptance
from napari_neuroembed.errors import ConfigError, DataError

HERE = Path("recordings.csv")


def test_columns_are_streams_settings_or_covariates():
    header = ["animal", "neural", "neural_rate_hz", "scalar_speed", "sex", "pose_day"]
    header += ["scalar_speed_unit", "labels"]
    found = understand(header, HERE)
    assert found.streams == ("neural", "scalar_speed", "pose_day")
    assert found.settings["neural_rate_hz"] == ("neural", "rate_hz")
    assert found.settings["scalar_speed_unit"] == ("scalar_speed", "unit")
    assert found.covariates == ("sex",)


@pytest.mark.parametrize("column", ["neural_rate", "neural_ratehz", "pose_rate_hz"])
def test_a_misspelt_or_lonely_setting_is_no_covariate(column):
    with pytest.raises(ConfigError, match=f"column {column} is no setting"):
        understand(["animal", "neural", column], HERE)


def test_a_table_without_animals_or_streams_is_refused():
    with pytest.raises(DataError, match="no column 'animal'"):
        understand(["neural"], HERE)
    with pytest.raises(DataError, match="no column with files"):
        understand(["animal", "sex"], HERE)
    with pytest.raises(ConfigError, match="'id' cannot be a covariate"):
        understand(["animal", "neural", "id"], HERE)


def test_tables_are_read_with_any_separator_and_broken_ones_are_refused(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("animal;neural\r\nfly1;a.tif\r\n\r\n")
    assert read_table(table) == (
        ["animal", "neural"],
        [{"animal": "fly1", "neural": "a.tif"}],
    )
    for text, message in [
        ("animal,neural\n", "holds no recording"),
        ("animal,animal\na,b\n", "there twice"),
        ("animal,neural\na,b,c\n", "row 2: 3 cells"),
    ]:
        table.write_text(text)
        with pytest.raises(DataError, match=message):
            read_table(table)
    with pytest.raises(DataError, match="is not there"):
        read_table(tmp_path / "none.csv")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    pytest.importorskip("napari_neuroembed.data.readers.csv")
    return write_table(write_lab(tmp_path / "lab").resolve())


def accept(*checks: str) -> list[Acceptance]:
    return [Acceptance(check=c, why="seen") for c in checks]


def test_a_table_is_imported_under_one_root_with_typed_covariates(table, tmp_path):
    project = Project.draft(tmp_path / "flies")
    plans = plan_table(project, table)
    assert [plan.status for plan in plans] == ["new"] * 4
    results = run_plans(project, plans)
    assert summary(results) == "4 imported"
    project = Project.open(project.path)
    assert project.roots.folders == {"DATA": table.parent}
    covariates = project.covariates()
    assert covariates["trial"].tolist() == [1, 2, 1, 2]
    assert covariates["sex"].tolist() == ["m", "m", "f", "f"]
    assert project.raw("fly2_002").streams["pose"].time.start_s == -0.25
    assert project.raw("fly2_002").streams["scalar"].units == "cm/s"


def test_the_same_table_again_adds_only_what_is_new(table, tmp_path):
    project = Project.draft(tmp_path / "flies")
    run_plans(project, plan_table(project, table)[:3])
    again = plan_table(Project.open(project.path), table)
    assert [plan.status for plan in again] == ["present"] * 3 + ["new"]
    assert summary(run_plans(Project.open(project.path), again)) == (
        "3 present, 1 imported"
    )


def test_a_dry_run_of_a_table_writes_nothing(table, tmp_path):
    project = Project.draft(tmp_path / "flies")
    results = run_plans(project, plan_table(project, table), dry_run=True)
    assert summary(results) == "4 checked"
    assert not project.path.exists()


def test_a_missing_file_is_named_and_the_other_recordings_are_imported(table, tmp_path):
    (table.parent / "fly1" / "2026-03-02_002" / "pose.csv").unlink()
    project = Project.draft(tmp_path / "flies")
    plans = plan_table(project, table)
    assert [plan.status for plan in plans] == ["new", "missing", "new", "new"]
    assert "pose: fly1/2026-03-02_002/pose.csv is not there" in plans[1].why
    results = run_plans(project, plans)
    assert summary(results) == "3 imported, 1 failed"
    assert "--accept import.missing" in results[1].error
    again = plan_table(project, table)
    late = run_plans(project, again, accepted=accept("import.missing"))
    assert summary(late) == "3 present, 1 imported"
    assert set(project.recording("fly1_002").streams) == {"neural", "scalar"}


def test_a_recording_without_rate_fails_alone(table, tmp_path):
    table.write_text(table.read_text().replace("neural.npy,16,", "neural.npy,,", 1))
    project = Project.draft(tmp_path / "flies")
    results = run_plans(project, plan_table(project, table))
    assert summary(results) == "1 failed, 3 imported"
    assert "no frame rate" in results[0].error


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("fly1_001,fly1,", "fly1_001,,", "row 2 names no animal"),
        ("fly1_001,fly1,", "a/b,fly1,", "recording: found 'a/b'"),
        ("neural.npy,16,", "neural.npy,fast,", "'fast' is no number"),
    ],
)
def test_a_wrong_cell_is_named(table, tmp_path, old, new, message):
    table.write_text(table.read_text().replace(old, new, 1))
    plan = plan_table(Project.draft(tmp_path / "flies"), table)[0]
    assert plan.status == "wrong"
    assert message in plan.why


def test_two_rows_of_one_name_are_refused(table, tmp_path):
    table.write_text(table.read_text().replace("fly1_002,", "fly1_001,", 1))
    with pytest.raises(DataError, match="several rows are named fly1_001"):
        plan_table(Project.draft(tmp_path / "flies"), table)
