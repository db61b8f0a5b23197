"""The verb ``annotations``, on real files of recordings with two clocks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.data.project_files import write_lab, write_table

from napari_neuroembed.cli import main
from napari_neuroembed.data.annotations.store import AnnotationStore
from napari_neuroembed.data.project import Project

POSE_START_S, POSE_HZ, N_POSE = -0.25, 32.0, 150


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    write_table(write_lab(folder, trials=1), trials=1)
    return folder


@pytest.fixture
def project(lab, tmp_path) -> Path:
    """Two recordings, fly1_001 and fly2_001, of 4 s with a pose from -0.25 s on."""
    folder = tmp_path / "flies"
    table = lab / "recordings.csv"
    assert main(["import", str(folder), "--table", str(table)]) == 0
    return folder


@pytest.fixture
def annotations(capsys):
    def run(*words):
        capsys.readouterr()
        code = main(["annotations", *map(str, words)])
        out = capsys.readouterr()
        return code, out.out + out.err

    return run


def stored(project: Path):
    path = project / "annotations.sqlite"
    if not path.exists():
        return None
    with AnnotationStore.open(path) as store:
        return store.bouts()


def write_frames(path: Path, n: int = N_POSE) -> Path:
    """Write walking in the first third, resting in the second, nothing after."""
    rows = [("1,0", "0,1", "-1,-1")[3 * k // n] for k in range(n)]
    path.write_text("\n".join(["walk,rest", *rows]) + "\n")
    return path


def test_rows_of_a_frame_wise_file_are_frames_of_the_pose(
    project, annotations, tmp_path
):
    frames = write_frames(tmp_path / "frames.csv")
    words = ("import", project, frames, "--recording", "fly1_001", "--rater", "ana")
    code, told = annotations(*words)
    assert (code, "4 bouts added, 0 were there already" in told) == (0, True)
    table = stored(project)
    walk = table[(table["action"] == "walk") & (table["state"] == 1)].iloc[0]
    assert walk["start_s"] == pytest.approx(POSE_START_S)
    assert walk["stop_s"] == pytest.approx(POSE_START_S + 50 / POSE_HZ)
    assert set(table["recording"]) == {"fly1_001"}
    out = tmp_path / "out.csv"
    code, told = annotations("export", project, out, "--format", "csv-frames")
    assert code == 0
    assert "rater's name (ana) is not in the file" in told
    lines = out.read_text().splitlines()
    assert len(lines) == N_POSE + 1
    assert lines[0] == "frame,time_s,rest,walk"
    again = ("import", project, out, "--recording", "fly1_001", "--rater", "ana")
    assert "0 bouts added, 4 were there already" in annotations(*again)[1]


def test_frames_of_another_camera_need_its_rate_and_start(
    project, annotations, tmp_path
):
    frames = write_frames(tmp_path / "frames.csv", n=6)
    words = ("import", project, frames, "--recording", "fly1_001", "--rater", "ana")
    code, told = annotations(*words)
    assert code == 2
    assert "6 rows of labels but the camera has 150 frames" in told
    assert stored(project) is None
    words += ("--rate", 2, "--start", 0.5)
    code, told = annotations(*words, "--dry-run")
    assert (code, "nothing was written" in told) == (0, True)
    assert stored(project) is None
    code, told = annotations(*words)
    assert "walk 0.500-1.500 s" in told
    out = tmp_path / "out.csv"
    export = ("export", project, out, "--format", "csv-frames", "--rate", 2)
    assert annotations(*export, "--start", 0.5, "--frames", 6)[0] == 0
    cells = [line.split(",")[2:] for line in out.read_text().splitlines()[1:]]
    assert cells == [["0", "1"]] * 2 + [["1", "0"]] * 2 + [["-1", "-1"]] * 2


def test_labels_of_other_streams_take_their_clock(project, annotations, tmp_path):
    frames = write_frames(tmp_path / "frames.csv", n=64)
    words = ("import", project, frames, "--recording", "fly1_001", "--rater", "ana")
    assert annotations(*words, "--labels-like", "neural")[0] == 0
    assert stored(project)["start_s"].min() == 0.0
    code, told = annotations(*words, "--labels-like", "video")
    assert code == 2
    assert "the recording has neural, pose, scalar only" in told


def test_a_table_of_many_goes_to_its_own_recordings_as_the_cli(
    project, annotations, tmp_path
):
    path = tmp_path / "many.csv"
    path.write_text(
        "file;who;from;to;type\nfly1_001;ana;0;2;dip\nfly2_001;ben;1;3;Dip\n"
    )
    words = ("--column", "rater=who", "--map", "Dip=dip", "--multi-label")
    assert annotations("import", project, path, *words)[0] == 0
    with AnnotationStore.open(project / "annotations.sqlite") as store:
        table = store.bouts()
        assert table["recording"].tolist() == ["fly1_001", "fly2_001"]
        assert table["rater"].tolist() == ["ana", "ben"]
        assert store.actions()["group"].tolist() == [None]
        assert set(store.events()["app"]) == {"cli"}
    out = tmp_path / "out.csv"
    assert annotations("export", project, out, "--format", "csv-intervals")[0] == 0
    assert out.read_text().splitlines()[1:] == [
        "fly1_001,ana,0.0,2.0,dip,1",
        "fly2_001,ben,1.0,3.0,dip,1",
    ]
    code, told = annotations("export", project, out, "--format", "csv-intervals")
    assert code == 2
    assert "--replace" in told


@pytest.mark.parametrize(
    ("content", "words", "match"),
    [
        ("file,from,to,type\nfly9,0,1,a\n", ["--rater", "x"], "no recording fly9"),
        ("from,to,type\n0,1,a\n", ["--rater", "x"], "give --recording R"),
        ("walk,rest\n1,0\n", ["--rater", "x"], "give --recording R"),
        ("from,to,type\n0,1,a\n", ["--recording", "fly1_001"], "give --rater NAME"),
        (
            "file,from,to,type\nfly8_001,0,1,a\nfly9_001,0,1,a\n",
            ["--recording", "fly1_001", "--rater", "x"],
            "names 2 recordings",
        ),
        (
            "from,to,type\n0,2,a\n1,3,b\n",
            ["--recording", "fly1_001", "--rater", "x"],
            "multi-label",
        ),
        ("from,to,type\n0,2,a\n", ["--map", "ab"], "expected OLD=NEW"),
        (
            "from,to,type\n0,9,a\n",
            ["--recording", "fly1_001", "--rater", "x"],
            "label.range",
        ),
        ("from,to,type\n0,2,a\n", ["--recording", "fly7"], "no recording 'fly7'"),
        ("from,to,type\n0,2,a\n", ["--replace"], "--replace is for annotations export"),
    ],
)
def test_what_cannot_be_imported_is_refused_whole(
    project, annotations, tmp_path, content, words, match
):
    path = tmp_path / "labels.csv"
    path.write_text(content)
    code, told = annotations("import", project, path, *words)
    assert code == 2
    assert match in told
    assert "Traceback" not in told
    table = stored(project)
    assert table is None or table.empty


def test_another_spelling_of_a_known_action_is_never_merged(
    project, annotations, tmp_path
):
    path = tmp_path / "labels.csv"
    words = ("import", project, path, "--rater", "x", "--recording")
    path.write_text("from,to,type\n0,1,Start/End\n")
    assert annotations(*words, "fly1_001")[0] == 0
    path.write_text("from,to,type\n0,1,start_end\n")
    code, told = annotations(*words, "fly2_001")
    assert code == 2
    assert "--map 'start_end=Start/End'" in told
    accepting = (*words, "fly2_001", "--accept", "label.unknown")
    code, told = annotations(*accepting)
    assert code == 2
    assert "needs a reason" in told
    assert annotations(*accepting, "--why", "two things", "--by", "ana")[0] == 0
    with AnnotationStore.open(project / "annotations.sqlite") as store:
        assert store.actions()["name"].tolist() == ["Start/End", "start_end"]
    (kept,) = Project.open(project).spec.accepted
    assert (kept.check, kept.recording, kept.why, kept.by) == (
        "label.unknown",
        "fly2_001",
        "two things",
        "ana",
    )


def boris_project(path: Path) -> Path:
    """Write two observations: one to choose, one that is unpaired."""
    walk = [[t, "", "walk", "", ""] for t in (0.5, 1.0)]
    observations = {
        "day #1": {"type": "MEDIA", "time offset": 0, "events": walk},
        "spoilt": {"type": "MEDIA", "time offset": 0, "events": walk[:1]},
    }
    behaviours = {"0": {"type": "State event", "code": "walk"}}
    content = {"behaviors_conf": behaviours, "observations": observations}
    path.write_text(json.dumps(content))
    return path


def test_boris_counts_from_the_camera_and_comes_back(project, annotations, tmp_path):
    path = boris_project(tmp_path / "lab.boris")
    words = ("import", project, path, "--recording", "fly1_001", "--rater", "ana")
    code, told = annotations(*words)
    assert code == 2
    assert "2 observations: 'day #1' (2 events), 'spoilt' (1 event)" in told
    assert "--label-option observation=NAME" in told
    code, told = annotations(*words, "--label-option", "observation=day #1")
    assert (code, "zero of the camera, s: -0.25" in told) == (0, True)
    table = stored(project)
    assert (table["start_s"][0], table["stop_s"][0]) == (
        0.5 + POSE_START_S,
        1.0 + POSE_START_S,
    )
    for form in ("boris", "boris-aggregated"):
        out = tmp_path / f"{form}.tsv"
        code, told = annotations("export", project, out, "--format", form)
        assert code == 0
        assert "rater's name (ana) is not in the file" in told
        again = ("import", project, out, "--rater", "ana", "--label-option")
        code, told = annotations(*again, "observation=*")
        assert (code, "0 bouts added, 1 were there already" in told) == (0, True)
    own = ("--label-option", "observation=day #1", "--start", 2)
    assert annotations(*words, *own, "--multi-label")[0] == 0
    assert stored(project)["start_s"].tolist() == [0.25, 2.5]


@pytest.mark.parametrize("is_import", [False, True])
def test_modifiers_of_boris_are_told_as_left_out_or_kept_in_the_name(
    project, lab, annotations, tmp_path, capsys, is_import
):
    """No silent loss, whichever verb brings the labels in."""
    path = tmp_path / "lab.boris"
    walk = [[t, "", "walk", "fast|None", ""] for t in (0.5, 1.0)]
    told = {"type": "MEDIA", "time offset": 0, "events": walk}
    kinds = {"0": {"type": "State event", "code": "walk"}}
    path.write_text(
        json.dumps({"behaviors_conf": kinds, "observations": {"day": told}})
    )

    def bring(*words):
        if not is_import:
            verb = ("import", project, path, "--recording", "fly1_001")
            return annotations(*verb, "--rater", "ana", *words)
        other = tmp_path / f"other{len(words)}"
        stack = next((lab / "fly1").glob("*/neural.npy"))
        verb = ["import", other, stack, "--animal", "fly1", "--rate", 16]
        capsys.readouterr()
        code = main([*map(str, [*verb, "--labels", path, *words])])
        return code, "".join(capsys.readouterr())

    code, said = bring()
    assert code == 0
    assert "1 bouts have modifiers, which are left out (walk: fast" in said
    assert "--label-option modifiers=name" in said
    code, said = bring("--label-option", "modifiers=name", "--multi-label")
    assert "which are left out" not in said
    kept = stored(tmp_path / "other3" if is_import else project)
    assert "walk (fast)" in set(kept["action"]), said


def test_observations_of_other_names_are_refused_together(
    project, annotations, tmp_path
):
    path = boris_project(tmp_path / "lab.boris")
    words = ("import", project, path, "--rater", "ana", "--accept", "label.unpaired")
    words += ("--why", "known", "--label-option", "observation=*")
    code, told = annotations(*words)
    assert (code, "no recording day #1, spoilt" in told) == (2, True)
    assert stored(project) is None


def test_a_map_of_names_is_kept_and_used_again(project, annotations, tmp_path):
    path = tmp_path / "labels.csv"
    words = ("import", project, path, "--rater", "x", "--recording")
    path.write_text("from,to,type\n0,1,Start_End\n1,2,_DEFAULT\n")
    names = ("--map", "Start_End=Start/End", "--map", "_DEFAULT=")
    assert annotations(*words, "fly1_001", *names, "--dry-run")[0] == 0
    assert Project.open(project).spec.label_names == {}
    assert annotations(*words, "fly1_001", *names)[0] == 0
    assert Project.open(project).spec.label_names == {
        "Start_End": "Start/End",
        "_DEFAULT": "",
    }
    code, told = annotations(*words, "fly2_001")
    assert code == 0
    assert "'Start_End' (1 bouts) is taken for 'Start/End', as before" in told
    assert "'_DEFAULT' (1 bouts) is left out, as before" in told
    assert "placeholder" not in told
    assert set(stored(project)["action"]) == {"Start/End"}


def test_frames_of_many_recordings_count_on_their_own_clocks(
    project, annotations, tmp_path
):
    path = tmp_path / "many.csv"
    path.write_text(
        "recording,start_frame,stop_frame,behaviour\n"
        "fly1_001,0,32,walk\nfly2_001,32,64,rest\n"
    )
    words = ("import", project, path, "--rater", "lab")
    code, told = annotations(*words, "--recording", "fly2_001", "--dry-run")
    assert (code, "1 intervals of other recordings are left out" in told) == (0, True)
    assert annotations(*words)[0] == 0
    assert stored(project)["start_s"].tolist() == [POSE_START_S, POSE_START_S + 1.0]
    path.write_text("recording,start_frame,stop_frame,behaviour\nfly2_001,0,999,walk\n")
    code, told = annotations(*words)
    assert code == 2
    assert "fly2_001: walk stops at frame 999 of 150 camera frames" in told


def test_json_tells_programs_the_same(project, annotations, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("from,to,type\n0,1,a\n2,3,a\n")
    words = ("import", project, path, "--rater", "x", "--recording", "fly1_001")
    code, told = annotations(*words, "--json")
    (row,) = map(json.loads, told.splitlines())
    assert (code, row["event"], row["found"], row["added"]) == (0, "result", 2, 2)
    assert row["labels"] == [{"recording": "fly1_001", "rater": "x", "bouts": 2}]


def test_nothing_to_export_writes_nothing(project, annotations, tmp_path):
    out = tmp_path / "out.csv"
    words = ("export", project, out, "--recording", "fly1_001")
    code, told = annotations(*words)
    assert (code, "needs --format" in told) == (2, True)
    code, told = annotations(*words, "--format", "csv-intervals")
    assert (code, "holds no bouts of 'fly1_001'" in told) == (2, True)
    code, told = annotations("export", tmp_path, out, "--format", "csv-intervals")
    assert code == 2
    assert "project.yaml" in told
    assert not out.exists()


def test_sparse_labels_of_a_real_fly_go_in_and_come_out(
    project, annotations, shared_data, tmp_path
):
    """54,000 camera frames; those within the recording's four seconds are kept."""
    folder = shared_data("fly_annotations_aymanns2022")
    path = folder / "210830_Fly1_003_labels.csv"
    words = ("import", project, path, "--recording", "fly1_001", "--rater", "lab")
    code, told = annotations(*words, "--rate", 100, "--multi-label")
    assert code == 2
    assert "label.range" in told
    words += ("--rate", 100, "--multi-label", "--accept", "label.range")
    code, told = annotations(*words, "--why", "a longer recording")
    assert code == 0
    table = stored(project)
    assert len(set(table["action"])) == 9
    out = tmp_path / "out.csv"
    words = ("export", project, out, "--format", "csv-frames")
    assert annotations(*words, "--rate", 100, "--frames", 54_000)[0] == 0
    written = [line.split(",") for line in out.read_text().splitlines()]
    source = [line.split(",") for line in path.read_text().splitlines()]
    actions = written[0][2:]
    columns = [source[0].index(action) for action in actions]
    as_read = [[int(float(row[i])) for i in columns] for row in source[1:]]
    assert [[int(cell) for cell in row[2:]] for row in written[1:]] == as_read
