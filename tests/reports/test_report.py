"""A report says what is on disk, in one page that stands alone."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
import yaml
from tests.journeys.command import done, neuroembed, scores

from napari_neuroembed.api import Project, make_synthetic_project
from napari_neuroembed.cli.parser import build_parser
from napari_neuroembed.config import load_config, with_settings
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.plotting.export import BROWSERS
from napari_neuroembed.progress import silent
from napari_neuroembed.reports.figure_files import DRAWN, files_of, write_drawings
from napari_neuroembed.reports.report import REPORT_FILES
from napari_neuroembed.reports.report_page import POLICY
from napari_neuroembed.reports.run_figures import RunFigure

UNDRAWN = ("--kinds", "none")
"""A browser takes seconds for every figure; one test looks at what it draws."""


class Page(HTMLParser):
    """Tags with their attributes, text, and figures of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.figures: list[dict] = []
        self._inside = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data):
        if self._inside == "script" and "data-figure" in self.tags[-1][1]:
            self.figures.append(json.loads(data))
        elif self._inside not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def made(judged) -> Path:
    told = done("report", judged, "--name", "all", *UNDRAWN)
    folder = judged / "report" / "all"
    assert str(folder / "report.html") in told.out
    return folder


def test_the_page_stands_alone(made):
    page = Page(made / "report.html")
    links = [a["href"] for _, a in page.tags if "href" in a]
    assert links
    assert all((made / link).is_file() for link in links)
    names = {tag for tag, _ in page.tags}
    assert not names & {"link", "iframe", "img", "object", "embed", "form", "base"}
    assert not [a for _, a in page.tags if "src" in a or "srcset" in a or "action" in a]
    policies = [a["content"] for t, a in page.tags if "http-equiv" in a and t == "meta"]
    assert policies == [POLICY]
    assert POLICY.startswith("default-src 'none'")
    style = re.search(r"<style>(.*?)</style>", (made / "report.html").read_text(), re.S)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_every_file_is_documented_and_every_documented_file_is_there(made):
    patterns = {
        name: re.compile(
            re.sub(r"<[a-z]+>|\\\*", "[^/]+", re.escape(name)).replace("/", "/")
        )
        for name in REPORT_FILES
    }
    found = [p.relative_to(made).as_posix() for p in made.rglob("*") if p.is_file()]
    assert [
        f for f in found if not any(p.fullmatch(f) for p in patterns.values())
    ] == []
    missing = [n for n, p in patterns.items() if not any(map(p.fullmatch, found))]
    assert [name for name in missing if "mm.svg" not in name] == []


def test_the_main_numbers_are_those_of_the_table_of_scores(made, judged):
    table = scores(judged, "first")
    row = table[
        (table["task"] == "action_single")
        & (table["metric"] == "balanced_accuracy")
        & (table["probe"] == "linear")
        & (table["stream"] == "neural")
        & (table["animal"] == "mean")
        & (table["control"] == "none")
        & (table["fraction"].astype(float) == 1.0)
    ]
    own = row[row["method"] == "guenel2022"].iloc[0]
    raw = row[row["method"] == "raw"].iloc[0]
    text = Page(made / "report.html").text
    told = (
        f"actions within an animal {own['value']:.2f} [{float(own['low']):.2f}, "
        f"{float(own['high']):.2f}], chance {float(own['chance']):.2f}, raw signals "
        f"{raw['value']:.2f}"
    )
    assert told in text
    lines = pd.read_csv(made / "tables" / "lines.csv")
    within = lines[lines["task"] == "action_single"].iloc[0]
    assert within["value"] == pytest.approx(own["value"])
    assert within["raw"] == pytest.approx(raw["value"])
    assert "not testable" in text  # one fresh recording per animal


def test_the_methods_say_every_step_parameter_number_seed_and_version(made, judged):
    text = (made / "methods.md").read_text("utf-8")
    assert "4 recordings of 2 animals (fly1, fly2; 2 per animal), 1.6 min" in text
    run = json.loads((judged / "runs/first/run.json").read_text())
    assert f"seed {run['seed']}" in text
    assert f"torch {run['torch']}" in text
    assert f"{run['n_windows']} windows, 16 in a batch" in text
    config = yaml.safe_load((judged / "runs/first/config.yaml").read_text())
    for name, options in config["augmentation"].items():
        assert (f"{name.replace('_', ' ')} (p {options['p']:g}" in text) == (
            options["p"] > 0
        )
    splits = json.loads((judged / "runs/first/splits.json").read_text())
    fit = [name for name, role in splits["roles"].items() if role == "fit"]
    assert f"{len(fit)} recordings to fit on ({', '.join(fit)})" in text
    one = json.loads((judged / "derived/fly1_001/provenance.json").read_text())
    for name, version in one["versions"].items():
        assert f"{name} {version}" in text
    assert "running mean over 15 frames after 200 counts" in text
    table = pd.read_csv(made / "tables" / "parameters.csv", dtype=str)
    leaves = dict(leaves_of(config))
    written = table[table["of"] == "first"]
    assert dict(zip(written["option"], written["value"].fillna(""), strict=True)) == {
        path: "" if value is None else str(value) for path, value in leaves.items()
    }


def leaves_of(values, head=""):
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves_of(value, f"{head}{name}.")
        else:
            yield f"{head}{name}", value


def test_an_imported_run_is_told_to_be_made_elsewhere(made):
    page = Page(made / "report.html")
    assert "brought is an embedding that was made elsewhere" in page.text
    assert "brought (brought_in) was never evaluated" in page.text
    assert not list((made / "figures/brought").glob("history*"))
    assert list((made / "figures/brought").glob("embedding_action_a.csv"))
    about = json.loads((made / "report.json").read_text())
    assert set(about["runs"]) == {"first", "brought"}


def test_the_numbers_of_a_panel_are_those_that_are_drawn(made):
    page = Page(made / "report.html")
    assert len(page.figures) >= 6
    table = pd.read_csv(made / "figures/first/actions_a.csv")
    drawn = next(
        f
        for f in page.figures
        if f["layout"]["title"]["text"].startswith("Action recognition")
    )
    first = [t for t in drawn["data"] if t.get("xaxis", "x") == "x"]
    assert len(table) == sum(len(np.atleast_1d(decoded(t["x"]))) for t in first)
    values = np.concatenate([decoded(t["x"]) for t in first])
    np.testing.assert_allclose(table["Balanced accuracy"], values, rtol=1e-6)
    assert all(t["type"] != "scattergl" for f in page.figures for t in f["data"])


def decoded(values):
    """Return numbers as plotly writes them: a list, or base64 with a type."""
    if isinstance(values, dict):
        import base64

        kinds = {"f8": "<f8", "f4": "<f4"}
        raw = base64.b64decode(values["bdata"])
        return np.frombuffer(raw, dtype=kinds[values["dtype"]])
    return np.asarray(values, dtype=float)


def test_the_commands_that_repeat_it_are_taken_and_mean_the_same(made, judged):
    config = load_config(judged / "runs/first/config.yaml")
    blocks = re.findall(r"<code>(.*?)</code>", page_text(made), re.DOTALL)
    lines = [line for block in blocks for line in unescape(block).splitlines()]
    lines = [line for line in lines if line.startswith("neuroembed ")]
    parsed = [build_parser().parse_args(shlex.split(line)[1:]) for line in lines]
    by_verb = {args.verb: args for args in parsed}
    assert set(by_verb) >= {"train", "evaluate", "report"}
    assert str(by_verb["train"].config) == "flies/runs/first/config.yaml"
    settings = [f"evaluation.{text}" for text in by_verb["evaluate"].set]
    again = with_settings(config, settings).evaluation
    latest = json.loads((judged / "runs/first/evaluation/latest.json").read_text())
    used = judged / "runs/first/evaluation" / latest["name"] / "config.yaml"
    assert yaml.safe_load(used.read_text())["bootstraps"] == again.bootstraps == 10


def page_text(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


def test_chosen_runs_only(own):
    project = own()
    told = done("report", project, "--runs", "brought", "--json", *UNDRAWN)
    assert told.rows[-1]["runs"] == ["brought"]
    about = json.loads((project / "report/report/report.json").read_text())
    assert about["command"] == (
        "neuroembed report flies --name report --kinds none --runs brought"
    )


def test_mistakes_are_one_plain_message(judged, tmp_path):
    wrong = [
        ([judged, "--runs", "second"], "no run second"),
        ([judged, "--runs", ","], "There is no run named"),
        ([judged, "--name", "../up"], "Report name '../up'"),
        ([judged, "--name", "none", "--verify"], "There is no report in"),
        ([judged, "--verify", "--runs", "first"], "--runs has no effect"),
        ([judged, "--kinds", "gif"], "Unknown kind of figure gif. Known: svg, pdf"),
        ([tmp_path], "is not a neuroembed project"),
    ]
    for words, match in wrong:
        told = neuroembed("report", *words)
        assert told.code == 2, words
        assert match in told.err
        assert "Traceback" not in told.err


def test_what_a_user_put_beside_it_stays_and_other_folders_are_refused(own):
    project = own()
    done("report", project, *UNDRAWN)
    note = project / "report/report/note.txt"
    note.write_text("mine")
    done("report", project, *UNDRAWN)
    assert note.read_text() == "mine"
    foreign = project / "report/mine"
    foreign.mkdir()
    (foreign / "diary.txt").write_text("dear")
    told = neuroembed("report", project, "--name", "mine", *UNDRAWN)
    assert told.code == 2
    assert "cannot be told to be neuroembed's own" in told.err
    assert (foreign / "diary.txt").read_text() == "dear"


def test_a_damaged_run_is_named_and_the_others_are_reported(own):
    project = own()
    (project / "runs/first/config.yaml").write_text("method: [")
    told = neuroembed("report", project, *UNDRAWN)
    assert told.code == 1
    assert "first" in told.out
    text = Page(project / "report/report/report.html").text
    assert "Run first: " in text
    assert "brought (brought_in)" in text


def test_a_damaged_evaluation_is_a_warning(own):
    project = own()
    (path,) = (project / "runs/first/evaluation").glob("*/scores.csv")
    path.write_text("run,method\nfirst,guenel2022\n")
    told = done("report", project, *UNDRAWN)
    assert "Traceback" not in told.err
    text = Page(project / "report/report/report.html").text
    assert "Its evaluation cannot be read" in text


@pytest.fixture
def bare(tmp_path) -> Project:
    """Return one animal with one recording, neither prepared nor labelled nor run."""
    options = SyntheticOptions(
        n_animals=1, n_recordings=1, duration_s=4.0, image_size=32, video=0
    )
    project = make_synthetic_project(tmp_path / "one", options=options)
    for path in project.path.glob("annotations.sqlite*"):
        path.unlink()
    return Project.open(project.path)


def test_one_animal_without_labels_runs_or_preparation(bare):
    written = bare.report(kinds=[])
    text = Page(written.page).text
    assert "No run yet" in text
    assert "Nothing is annotated: actions could not be judged." in text
    assert "is not pre-processed" in text
    assert "1 recording of 1 animal (fly1; 1 per animal), 0.1 min in all" in text
    assert set(bare.verify_report()["status"]) == {"intact"}
    assert (written.folder / "references.bib").read_text() == ""


def test_a_project_whose_sources_are_gone_is_still_described(bare):
    (bare.path / "source").rename(bare.path.parent / "elsewhere")
    written = bare.report(kinds=[])
    assert "1 recording of 1 animal" in Page(written.page).text
    found = bare.verify_report()
    assert set(found.loc[found["kind"] == "source", "status"]) == {"missing"}


def test_an_empty_project_is_refused(tmp_path):
    Project.create(tmp_path / "empty")
    told = neuroembed("report", tmp_path / "empty")
    assert told.code == 2
    assert "holds no recording. Import one first." in told.err


def test_names_of_actions_cannot_become_markup(own):
    project = own()
    evil = "</script><script>alert(1)</script>"
    with Project.open(project).annotations() as store:
        store.add_action(evil, key="q", group=None)
        store.add("fly1_001", evil, 5.5, 5.9, rater="simulation", source="human")
    table = project / "runs/first/evaluation"
    (path,) = table.glob("*/predictions.parquet")
    predictions = pd.read_parquet(path)
    predictions["true"] = predictions["true"].replace("walking", evil)
    predictions.to_parquet(path, index=False)
    done("report", project, *UNDRAWN)
    written = (project / "report/report/report.html").read_text("utf-8")
    assert "alert(1)" in written
    assert "<script>alert(1)" not in written


def test_a_drawing_is_as_wide_as_a_column_and_can_be_edited(tmp_path):
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("needs Chromium or Chrome")
    drawn = go.Figure(go.Scattergl(x=[1, 2], y=[3, 4], mode="markers"))
    one = RunFigure("dots", "Two dots.", drawn.update_layout(title="Dots"))
    problem = write_drawings(tmp_path, {"first": [one]}, DRAWN, silent)
    assert problem == ""
    for mm in (89, 183):
        path = tmp_path / "first" / f"dots_{mm}mm.svg"
        root = ElementTree.parse(path).getroot()
        assert root.get("width") == f"{mm}mm"
        texts = ["".join(t.itertext()) for t in root.iterfind(".//{*}text")]
        assert "Dots" in texts
        assert not list(root.iterfind(".//{*}image"))  # points are points
        assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    found = files_of(tmp_path, {"first": [one]})
    assert found == {("first", "dots"): []}  # they count from the page


def test_without_a_browser_there_is_a_report_that_says_so(own, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    project = own()
    told = neuroembed("report", project)
    assert told.code == 1
    assert "svg, pdf files are missing" in told.out
    assert "Install Chromium or Chrome" in told.out
    folder = project / "report/report"
    assert "svg, pdf files are missing" in Page(folder / "report.html").text
    assert list((folder / "figures/first").glob("actions_a.csv"))
    assert not list(folder.rglob("*.svg"))
