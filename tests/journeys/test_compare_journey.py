"""Many methods on one project, as a methods person types it."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
import yaml
from tests.journeys.command import contents, done, neuroembed, sets, start, until

import napari_neuroembed as ne
from napari_neuroembed.api import compare_tasks
from napari_neuroembed.api.comparing import compare, compare_twins, plan_of
from napari_neuroembed.errors import Cancelled, ConfigError, TrainingError
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.reports.comparison import FILES

CHEAP = (
    "training.batch_size=16",
    "training.threads=1",
    "training.steps=3",
    "evaluation.permutations_linear=2",
    "evaluation.permutations_knn=0",
    "evaluation.permutations_mlp=0",
    "evaluation.bootstraps=10",
    "evaluation.shifts=2",
    "evaluation.controls=false",
)
ROWS = "simclr,guenel2022,guenel2022_inductive"


def words(project: Path, *more: object) -> list[object]:
    return ["compare", project, "--methods", ROWS, "--name", "t", *sets(*CHEAP), *more]


@pytest.fixture(scope="module")
def flies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make three animals with two short recordings of small images each."""
    options = SyntheticOptions(
        n_animals=3, n_recordings=2, duration_s=24.0, image_size=32, video=0
    )
    path = tmp_path_factory.mktemp("compare") / "flies"
    ne.make_synthetic_project(path, options=options).preprocess()
    return path


@pytest.fixture(scope="module")
def compared(flies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compare three rows, with two worker processes."""
    project = tmp_path_factory.mktemp("compared") / "flies"
    shutil.copytree(flies, project)
    told = done(*words(project, "--scheduler", "local:2"))
    assert "Action recognition, inductive" in told.out
    return project


class Links(HTMLParser):
    """What a page leads to, and what it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a":
            self.leads.append(unquote(found["href"]))
        self.loads += [found[k] for k in ("src", "data") if k in found]
        if tag in ("link", "iframe", "form"):
            self.loads.append(tag)


def test_every_promised_file_is_there_and_the_page_loads_nothing(compared):
    folder = compared / "compare" / "t"
    for name in FILES:
        assert list(folder.glob(name)), name
    page = Links()
    page.feed((folder / "tables" / "report.html").read_text("utf-8"))
    assert page.loads == []
    assert len(page.leads) > 20
    for target in page.leads:
        run = (folder / "tables" / target).resolve()
        assert run.parent == (compared / "runs").resolve()
        assert (run / "run.json").is_file()


def test_the_tables_hold_every_row_with_its_baselines(compared):
    tables = compared / "compare" / "t" / "tables"
    table = pd.read_csv(tables / "table.csv")
    rows = set(table["row"])
    assert {"simclr", "guenel2022", "guenel2022_inductive", "raw", "majority"} <= rows
    own = table[(table["stream"] == "neural") & (table["transform"] == "subspace")]
    assert {"simclr", "guenel2022", "raw", "random_encoder"} <= set(own["row"])
    assert not table.duplicated(["row", "mode", "stream", "transform"]).any()
    about = json.loads((tables / "comparison.json").read_text("utf-8"))
    assert len(about["runs"]) == 2 + 3
    assert about["failed"] == {}
    config = tables / "configs" / "t-guenel2022_inductive-fly1.yaml"
    assert yaml.safe_load(config.read_text("utf-8"))["training"]["held_out"] == ["fly1"]


def test_the_same_again_trains_nothing_and_says_the_same(compared):
    tables = compared / "compare" / "t" / "tables"
    before = contents(compared / "runs")
    text = (tables / "table.md").read_bytes()
    done(*words(compared))
    assert contents(compared / "runs") == before
    assert (tables / "table.md").read_bytes() == text


def test_a_killed_one_goes_on_and_gives_what_two_workers_gave(
    compared, flies, tmp_path
):
    project = tmp_path / "flies"
    shutil.copytree(flies, project)
    process = start(*words(project))
    try:
        until(lambda: list(project.glob("runs/t-simclr/embeddings/eval")), 240)
    finally:
        process.kill()
        process.communicate()
    done(*words(project))
    name = Path("compare/t/tables/table.csv")
    assert (project / name).read_bytes() == (compared / name).read_bytes()


def test_another_plan_of_the_same_name_is_refused(compared):
    told = neuroembed("compare", compared, "--methods", "eq3", "--name", "t")
    assert told.code == 2
    assert "another --name" in told.err
    assert "simclr" in told.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--methods", "simclrr"], "Did you mean simclr?"),
        (["--methods", "simclr,simclr"], "simclr twice"),
        (["--methods", ""], "no row"),
        (["--name", "../x"], "Comparison"),
        (["--scheduler", "local:0"], "local:N"),
        (["--set", "synthetic.gap=0"], "--twin"),
        (["--set", "training.stepz=1"], "steps"),
        (["--methods", "simclr", "--set", "evaluation.profile=quick"], "--profile"),
        (["--twin", "--seeds", "0"], "--seeds"),
        (["--seeds", "3"], "go with --twin"),
        (["--first-seed", "0"], "go with --twin"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_made(flies, tmp_path, more, said):
    project = tmp_path / "flies"
    shutil.copytree(flies, project)
    told = neuroembed("compare", project, "--name", "x", *more)
    assert told.code == 2
    assert said in told.err
    assert not (project / "runs").exists()
    assert not (project / "compare" / "x" / "tables").exists()


def test_what_was_not_pre_processed_is_refused_at_once(flies, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(flies, project)
    shutil.rmtree(project / "derived" / "fly2_002")
    told = neuroembed("compare", project, "--methods", "simclr")
    assert told.code == 2
    assert "'fly2_002' is not pre-processed" in told.err
    assert not (project / "compare").exists()


def test_a_damaged_run_is_named_and_the_others_are_there(compared, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(compared, project)
    (project / "runs" / "t-simclr" / "run.json").write_text("{", encoding="utf-8")
    told = neuroembed(*words(project))
    assert told.code == 1
    assert "run.json" in told.out
    assert "| guenel2022 |" in told.out


def test_a_run_of_another_configuration_is_not_taken_for_a_row(compared, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(compared, project)
    shutil.rmtree(project / "compare")
    told = neuroembed(*words(project, "--set", "training.steps=4"))
    assert told.code == 1
    assert "training.steps from 3 to 4" in told.out


def test_a_folder_that_is_no_twin_is_left_alone(tmp_path):
    (tmp_path / "twins" / "seed0").mkdir(parents=True)
    told = neuroembed("compare", tmp_path / "twins", "--twin", "--seeds", 1)
    assert told.code == 2
    assert "is no project of synthetic animals" in told.err
    assert not (tmp_path / "twins" / "compare").exists()


def test_a_row_that_fails_is_named_and_the_others_are_there(
    flies, tmp_path, monkeypatch
):
    project = tmp_path / "flies"
    shutil.copytree(flies, project)
    real = ne.Project.train

    def train(self, config, **named):
        if config.method == "simclr":
            raise TrainingError("The loss is not finite from step 1.")
        return real(self, config, **named)

    monkeypatch.setattr(compare_tasks.Project, "train", train)
    told = neuroembed(
        "compare", project, "--methods", "simclr,calcium_only", *sets(*CHEAP)
    )
    assert told.code == 1
    assert re.search(r"simclr: The loss is not finite", told.out)
    assert "| calcium_only |" in told.out


def test_cancelling_keeps_what_is_finished(flies, tmp_path):
    project = tmp_path / "flies"
    shutil.copytree(flies, project)
    plan = plan_of("c", ["simclr", "calcium_only"], CHEAP)

    def stop(stage, done_, total, message=""):
        if stage == "compare":
            raise Cancelled("on purpose")

    with pytest.raises(Cancelled):
        compare(ne.Project.open(project), plan, report=stop)
    assert (project / "runs" / "c-simclr" / "evaluation" / "compare").is_dir()
    assert not (project / "runs" / "c-calcium_only").exists()


def test_two_worms_with_traces_alone_allow_no_statistics(shared_data, tmp_path):
    data, project = shared_data("worm_kato2015"), tmp_path / "worms"
    for number in (0, 4):
        words = ["import", project, "--trace", data / f"worm_{number}.npz"]
        words += ["--animal", f"worm{number}", "--rater", "kato"]
        words += ["--reader-option", "trace.key=traces"]
        words += ["--reader-option", "trace.transpose=true"]
        words += ["--labels", data / f"worm_{number}_y.csv"]
        done(*words, "--label-option", f"names={data / 'worm_0_states.csv'}")
    done("preprocess", project)
    told = neuroembed("compare", project)
    assert told.code == 2
    assert "--methods one_stream" in told.err
    words = ["compare", project, "--methods", "one_stream", "--budget", "quick"]
    told = done(*words, *sets(*CHEAP, "windows.neural_step=1"))
    assert "2 animals allow no statistics over animals" in told.out
    assert "| simclr_views |" in told.out
    table = pd.read_csv(project / "compare" / "compare" / "tables" / "table.csv")
    assert {"raw", "random_encoder", "simclr_views_zscore"} <= set(table["row"])
    gained = pd.read_csv(project / "compare" / "compare" / "tables" / "differences.csv")
    assert gained.empty or gained["p"].isna().all()


TINY_TWIN = SyntheticOptions(
    n_animals=2, n_recordings=2, duration_s=6.0, image_size=32, video=0
)


def test_fresh_synthetic_animals_are_compared_seed_by_seed(tmp_path):
    folder = tmp_path / "twins"
    (folder / ".making" / "seed1" / "half").mkdir(parents=True)  # of a killed call
    told = done(
        *("compare", folder, "--twin", "--seeds", 2, "--first-seed", 1),
        *("--methods", "simclr", "--name", "t", *sets(*CHEAP)),
        *sets(
            "synthetic.n_animals=2",
            "synthetic.n_recordings=2",
            "synthetic.duration_s=6",
            "synthetic.image_size=32",
        ),
    )
    assert "2 synthetic projects, seeds 1, 2" in told.out
    joint = pd.read_csv(folder / "compare" / "t" / "tables" / "over_seeds.csv")
    assert set(joint["n_seeds"]) == {2}
    assert ne.Project.open(folder / "seed2").run("t-simclr").config.seed == 2
    told = done(
        *("compare", folder, "--twin", "--seeds", 1, "--first-seed", 2),
        *("--methods", "simclr", "--name", "t", *sets(*CHEAP)),
        *sets(
            "synthetic.n_animals=2",
            "synthetic.n_recordings=2",
            "synthetic.duration_s=6",
            "synthetic.image_size=32",
        ),
    )
    assert "2 synthetic projects" in told.out  # the other seed is kept
    with pytest.raises(ConfigError, match=r"other synthetic animals \(gap from 1.0"):
        compare_twins(
            folder,
            plan_of("u", ["simclr"], CHEAP),
            [1],
            options=SyntheticOptions(
                n_animals=2,
                n_recordings=2,
                duration_s=6.0,
                image_size=32,
                video=0,
                gap=0.5,
            ),
        )


def test_leaving_one_of_two_animals_out_is_refused(tmp_path):
    project = ne.make_synthetic_project(tmp_path / "two", options=TINY_TWIN)
    project.preprocess()
    with pytest.raises(ConfigError, match="needs two others"):
        compare(project, plan_of("t", ["inductive"]))
