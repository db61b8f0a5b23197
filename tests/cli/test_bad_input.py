"""Bad input through the command line: a clear error, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.data.project_files import write_lab, write_table
from tests.journeys.command import Told, contents, done, neuroembed, sets

SMALL_FRAMES = ("resize.height=16", "resize.width=16")
TRAIN = ("--budget", "quick", *sets("training.steps=1", "training.batch_size=8"))


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return lit(write_lab(tmp_path / "lab").resolve())


def lit(lab: Path) -> Path:
    """Make the movies large enough to be registered."""
    for seed, path in enumerate(sorted(lab.rglob("neural.npy"))):
        np.save(path, frames(64, seed))
    return lab


@pytest.fixture
def place(lab: Path) -> Path:
    """Give the folder of one recording: neural.npy, pose.csv, map.npy, speed.csv."""
    return lab / "fly1" / "2026-03-01_001"


@pytest.fixture
def project(lab: Path, tmp_path: Path) -> Path:
    """Give a project that holds something worth losing."""
    folder = tmp_path / "project"
    place = lab / "fly2" / "2026-03-01_001"
    done("import", folder, place / "neural.npy", "--animal", "fly2", "--rate", 16)
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a pre-processed project of two animals; tests that write copy it."""
    folder = tmp_path_factory.mktemp("prepared")
    table = write_table(lit(write_lab(folder / "lab")))
    done("import", folder / "flies", "--table", table)
    done("preprocess", folder / "flies", *sets(*SMALL_FRAMES))
    return folder / "flies"


def refused(project: Path, *words: object, code: int = 2) -> str:
    """Run what must be refused; return the message, after looking that all is kept."""
    before = contents(project) if project.exists() else None
    told = neuroembed(*words)
    assert told.code == code, told.out + told.err
    assert "Traceback" not in told.err
    assert (contents(project) if project.exists() else None) == before
    return told.err if code == 2 else told.out


def movie(place: Path, name: str, stack: np.ndarray, **options: object) -> Path:
    options.setdefault("metadata", {"axes": "TYX"} if stack.ndim == 3 else None)
    tifffile.imwrite(place / name, stack, **options)  # type: ignore[arg-type]
    return place / name


def frames(n: int = 40, seed: int = 0) -> np.ndarray:
    """Make a bright spot in shot noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16]
    scene = 200 + 400 * np.exp(-((y - 7) ** 2 + (x - 8) ** 2) / 8)
    return rng.poisson(scene, (n, 16, 16)).astype(np.uint16)


# Rates and clocks


def test_a_missing_rate_is_asked_for(project, place):
    told = refused(project, "import", project, place / "neural.npy", "--animal", "a")
    assert "no frame rate. Give it with --rate" in told


@pytest.mark.parametrize("rate", ["0", "-16", "nan", "inf"])
def test_a_rate_that_is_none_is_refused(project, place, rate):
    words = ["import", project, place / "neural.npy", "--animal", "a"]
    told = refused(project, *words, f"--rate={rate}")
    assert "rate_hz" in told


def test_streams_whose_clocks_are_not_tied_get_a_question(project, place):
    words = ["import", project, place / "neural.npy", "--animal", "a", "--rate", 16]
    told = refused(project, *words, "--pose", place / "pose.csv", "--pose-rate", 32)
    assert "--pose-start SECONDS" in told
    assert "--pose-sync FILE" in told


def test_streams_that_share_no_second_are_refused(project, place):
    words = ["import", project, place / "neural.npy", "--animal", "a", "--rate", 16]
    words += ["--pose", place / "pose.csv", "--pose-rate", 32, "--pose-start", 70]
    told = refused(project, *words)
    assert "no window fits" in told
    assert '--accept sync.overlap --why "..."' in told


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (999, "4 point beyond the last frame 63 (row 40: 999)"),
        (-7, "4 are in the middle (40, 41, 42"),
        (-(2**63), "4 are in the middle (40, 41, 42"),
    ],
)
def test_invalid_sync_indices_are_named_and_never_clamped(
    project, place, value, message
):
    index = np.load(place / "map.npy")
    index[40:44] = value
    np.save(place / "map.npy", index)
    words = ["import", project, place / "neural.npy", "--animal", "a", "--rate", 16]
    words += ["--pose", place / "pose.csv", "--pose-rate", 32]
    told = refused(project, *words, "--pose-sync", place / "map.npy")
    assert message in told
    assert '--accept sync.invalid --why "..."' in told


# Images


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9, 0.999])
def test_a_truncated_movie_is_refused_with_its_frames(project, place, share):
    path = cut(movie(place, "cut.tif", frames()), share)
    told = refused(project, "import", project, path, "--animal", "a", "--rate", 16)
    assert "cut.tif" in told
    assert "--salvage" in told or "tiff" in told


def test_a_file_that_is_no_movie_is_refused(project, place):
    (place / "noise.tif").write_bytes(b"II*\x00" + bytes(range(200)))
    words = ["import", project, place / "noise.tif", "--animal", "a", "--rate", 16]
    assert "noise.tif" in refused(project, *words)


def test_one_image_and_colour_images_are_refused(project, place):
    flat = movie(place, "flat.tif", frames()[0])
    told = refused(project, "import", project, flat, "--animal", "a", "--rate", 16)
    assert "flat.tif" in told
    colour = np.zeros((10, 16, 16, 3), np.uint8)
    rgb = movie(place, "rgb.tif", colour, photometric="rgb")
    told = refused(project, "import", project, rgb, "--animal", "a", "--rate", 16)
    assert "RGB" in told


def test_a_broken_video_is_refused(project, place):
    (place / "camera.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(500))
    words = ["import", project, place / "neural.npy", "--animal", "a", "--rate", 16]
    words += ["--video", place / "camera.mp4", "--video-start", 0]
    assert "camera.mp4" in refused(project, *words)


def test_frames_that_are_not_finite_are_masked_and_counted(lab, place, tmp_path):
    stack = frames(200).astype(np.float32)
    stack[7] = np.nan
    stack[9, 3, 3] = np.inf
    path = movie(place, "nan.tif", stack, photometric="minisblack")
    project = tmp_path / "nan"
    done("import", project, path, "--animal", "a", "--rate", 16)
    done("preprocess", project, *sets(*SMALL_FRAMES))
    facts = json.loads(one(project, "neural.json").read_text())
    assert facts["invalid"] == [[7, 8], [9, 10]]
    made = np.delete(tifffile.imread(one(project, "neural.tif")), [7, 9], axis=0)
    assert np.isfinite(made).all()


def test_many_frames_that_are_not_finite_are_refused(place, tmp_path):
    stack = frames().astype(np.float32)
    stack[:20] = np.nan
    path = movie(place, "nan.tif", stack, photometric="minisblack")
    project = tmp_path / "nan"
    done("import", project, path, "--animal", "a", "--rate", 16)
    told = refused(project, "preprocess", project, code=1)
    assert "20 of 40 frames (50.0%) hold NaN, Inf or values" in told
    assert "--accept neural.nonfinite --why" in told


def test_a_recording_without_light_is_refused_and_the_other_is_made(place, tmp_path):
    project = tmp_path / "dark"
    dark = movie(place, "dark.tif", np.zeros((40, 16, 16), np.uint16))
    lit = movie(place, "lit.tif", frames())
    done("import", project, dark, "--animal", "a", "--rate", 16)
    done("import", project, lit, "--animal", "b", "--rate", 16)
    told = neuroembed("preprocess", project)
    assert told.code == 1
    assert "1 made" in told.out
    assert "a_001" in told.out
    assert (project / "derived" / "b_001" / "neural.tif").is_file()
    assert not (project / "derived" / "a_001").exists()


def test_pixels_without_resting_light_are_zero_and_counted(place, tmp_path):
    stack = frames()
    stack[:, :4] = 0
    project = tmp_path / "p"
    path = movie(place, "edge.tif", stack)
    done("import", project, path, "--animal", "a", "--rate", 16)
    settings = sets("registration.method=none", *SMALL_FRAMES)
    # 1. A quarter of the pixels is dark, which is more than is let pass unasked.
    told = refused_preprocessing(project, *settings)
    assert "25.0% of pixels have a resting fluorescence under" in told
    words = ["--accept", "neural.zero_f0", "--why", "dark edge"]
    assert " ".join(words[:3]) in told
    # 2. Accepted with the reason, they are 0.
    done("check", project, "--recording", "a_001", *words)
    done("preprocess", project)
    made = tifffile.imread(one(project, "neural.tif"))
    assert np.isfinite(made).all()
    assert (made[:, 0] == 0).all()


def refused_preprocessing(project: Path, *settings: str) -> str:
    """Pre-process what fails; the settings stay, nothing else changes."""
    told = neuroembed("preprocess", project, *settings)
    assert told.code == 1
    assert not list((project / "derived").glob("a_*"))
    return told.out


def one(project: Path, name: str) -> Path:
    (found,) = (project / "derived").glob(f"*/{name}")
    return found


# Labels


def with_labels(project: Path, place: Path, text: str, *words: object) -> list[object]:
    (place / "labels.csv").write_text(text)
    return [
        *("import", project, place / "neural.npy", "--animal", "a", "--rate", 16),
        *("--labels", place / "labels.csv", "--rater", "me", *words),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("2.0,1.0,walk", "before"),
        ("0.5,1.5,walk\n1.0,2.0,rest", "overlap"),
        ("1.0,99.0,walk", "99"),
    ],
)
def test_bouts_that_cannot_be_are_refused_whole(project, place, rows, message):
    text = f"start_s,stop_s,action\n0.1,0.2,rest\n{rows}\n"
    told = refused(project, *with_labels(project, place, text))
    assert message in told


def test_a_code_without_a_name_is_refused(project, place):
    text = ",".join(["0", "1", "7"] + ["0"] * 61)
    words = with_labels(project, place, text, "--label-option", "names=[rest, walk]")
    assert "code 7 has no name" in refused(project, *words)


def test_too_few_labels_for_the_frames_are_refused(project, place):
    words = with_labels(project, place, "rest,walk\n" + "1,0\n" * 10)
    told = refused(project, *words)
    assert "10" in told
    assert "64" in told


# Trainings and runs


def test_swapping_needs_two_animals(prepared, tmp_path):
    project = tmp_path / "one"
    shutil.copytree(prepared, project, ignore=shutil.ignore_patterns("jobs"))
    words = ["train", project, "--method", "guenel2022", "--run", "x", *TRAIN]
    split = "split.fit=[fly1_001]"
    told = refused(project, *words, *sets(split))
    assert "at least 2" in told
    assert "--method simclr" in told
    assert not (project / "runs" / "x").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "training.stps=3",
            "training.stps is not an option. Did you mean training.ste",
        ),
        ("training_.steps=3", "Did you mean training"),
        ("training.steps=many", "training.steps"),
        ("training.steps=-1", "training.steps"),
        ("training.steps", "expected section.name=value"),
        ("normalise=zscor", "normalise"),
        ("training.learning_rate=.nan", "training.learning_rate"),
    ],
)
def test_a_typo_in_the_configuration_is_told(prepared, setting, message):
    words = ["train", prepared, "--run", "typo", "--budget", "quick", "--set", setting]
    assert message in refused(prepared, *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "P", "nosuch.yaml"], "There is no configuration nosuch.yaml"),
        (["train", "P", "--method", "simclrr"], "Unknown method 'simclrr'. Known: gue"),
        (["train", "P", "--budget", "1 parsec"], "neither a preset"),
        (["train", "P", "--run", "../x", *TRAIN], "'../x'"),
        (["train", "P", "--resume"], "--resume needs the run's name: --run NAME"),
        (["train", "P", "--resume", "--run", "no"], "There is no run 'no'"),
        (["embed", "P", "no"], "There is no run 'no'"),
        (["evaluate", "P", "no"], "There is no run 'no'"),
        (["preprocess", "P", "--recordings", "no"], "There is no recording 'no'"),
        (["preprocess", "P", "--set", "dff.windw=3"], "dff.windw is not an option"),
        (["jobs", "show", "P", "no"], "no"),
        (["train", "P", "--stpes", "3"], "--stpes"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(prepared, words, message):
    typed = [prepared if word == "P" else word for word in words]
    assert message in refused(prepared, *typed)
    assert not (prepared / "x").exists()


def test_training_before_preprocessing_says_what_to_do(project):
    told = refused(project, "train", project, "--method", "simclr_views", *TRAIN)
    assert f"Run: neuroembed preprocess {project}" in told
    assert "--accept" not in told


def test_foreign_and_damaged_run_folders_are_refused_and_kept(prepared, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(prepared, project, ignore=shutil.ignore_patterns("jobs"))
    runs = project / "runs"
    for name, content in (
        ("foreign", None),
        ("torn", '{"status": "runn'),
        ("other", '{"a": 1}'),
        ("newer", '{"name": "newer", "schema_version": 99}'),
    ):
        (runs / name).mkdir(parents=True)
        (runs / name / "mine.txt").write_text("mine")
        if content is not None:
            (runs / name / "run.json").write_text(content)
    for name, message in (
        ("foreign", "not a run of neuroembed"),
        ("torn", "run.json is not readable"),
        ("other", "not a run of neuroembed"),
        ("newer", "Update napari-neuroembed"),
    ):
        for words in (
            ["evaluate", project, name],
            ["embed", project, name],
            ["train", project, "--resume", "--run", name],
        ):
            assert message in refused(project, *words), words
        told = refused(project, "train", project, "--run", name, *TRAIN)
        assert "exists" in told


def test_a_class_missing_in_an_animal_is_said_in_the_table_with_exit_0(tmp_path):
    lab = lit(write_lab(tmp_path / "lab"))
    project = tmp_path / "flies"
    for animal, second in (("fly1", "walk"), ("fly2", "groom")):
        for trial in (1, 2):
            place = lab / animal / f"2026-03-0{trial}_{trial:03d}"
            text = f"start_s,stop_s,action\n0,2,rest\n2,4,{second}\n"
            (place / "labels.csv").write_text(text)
            words = ["import", project, place / "neural.npy", "--rate", 16]
            done(*words, "--animal", animal, "--labels", place / "labels.csv")
    done("preprocess", project, *sets(*SMALL_FRAMES))
    words = ["--method", "simclr_views", "--run", "first", *TRAIN]
    done("train", project, *words, *sets("windows.eval_stride_s=0.1"))
    told = done("evaluate", project, "first")
    assert "Could not be computed" in told.out
    assert "'walk'" in told.out or "'groom'" in told.out


# How people type


def test_every_verb_prints_valid_json_lines(lab, tmp_path):
    project = tmp_path / "flies"
    table = write_table(lab)
    verbs: list[list[object]] = [
        ["info"],
        ["import", project, "--table", table],
        ["check", project],
        ["check", lab / "fly1" / "2026-03-01_001" / "pose.csv"],
        ["relink", project],
        ["preprocess", project, *sets(*SMALL_FRAMES)],
        ["train", project, "--run", "a", *TRAIN],
        ["embed", project, "a"],
        ["evaluate", project, "a"],
        ["jobs", "list", project],
    ]
    for words in verbs:
        told = neuroembed(*words, "--json")
        assert told.code == 0, (words, told.out)
        assert events(told) >= {"result"}, words
    told = neuroembed("evaluate", project, "nosuch", "--json")
    assert told.code == 2
    assert events(told) == {"error"}


def events(told: Told) -> set[str]:
    """Return the events of JSON lines without NaN, which is no JSON."""

    def no(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    rows = [json.loads(line, parse_constant=no) for line in told.out.splitlines()]
    return {row["event"] for row in rows}


def test_umlauts_spaces_and_relative_paths_are_no_obstacle(lab, tmp_path, monkeypatch):
    home = tmp_path / "Mäuse & Fliegen (neu)"
    shutil.copytree(lab, home / "Rohdaten für 2026")
    monkeypatch.chdir(home)
    movie = "Rohdaten für 2026/fly1/2026-03-01_001/neural.npy"
    done("import", "mein Projekt", movie, "--animal", "fly1", "--rate", 16)
    monkeypatch.chdir(tmp_path)
    assert done("check", home / "mein Projekt").code == 0
    done("preprocess", Path(home.name) / "mein Projekt")
    assert (home / "mein Projekt" / "derived" / "fly1_001" / "neural.tif").is_file()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_sources_are_read_from_a_folder_that_nobody_may_write(lab, tmp_path):
    place = lab / "fly1" / "2026-03-01_001"
    for path in (place / "neural.npy", place / "pose.csv", place):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        project = tmp_path / "flies"
        words = ["--animal", "fly1", "--rate", 16]
        done("import", project, place / "neural.npy", *words)
        done("preprocess", project)
        assert sorted(p.name for p in place.iterdir()) == sorted(
            ["map.npy", "neural.npy", "pose.csv", "speed.csv"]
        )
    finally:
        place.chmod(0o755)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--animal", "x"], "--animal has no effect beside --table"),
        (["--pose", "a.csv"], "--pose has no effect beside --table"),
        (["--pose-pattern", "{animal}"], "--pose-pattern has no effect"),
        (["--video-rate", "5"], "no video: name its file with --video"),
        (["--reader-option", "trace.key=x"], "there is no stream 'trace'"),
    ],
)
def test_flags_that_would_have_no_effect_beside_a_table_are_refused(
    lab, project, words, message
):
    table = write_table(lab)
    told = refused(project, "import", project, "--table", table, *words)
    assert message in told


def test_flags_hold_for_every_row_that_does_not_say_otherwise(lab, tmp_path):
    table = write_table(lab)
    words = ["--covariate", "rig=B", "--reader-option", "pose.unit=mm"]
    done("import", tmp_path / "p", "--table", table, *words)
    text = (tmp_path / "p" / "project.yaml").read_text()
    assert text.count("rig: B") == 4
    assert text.count("unit: mm") == 4
