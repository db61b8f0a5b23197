"""The figures of the paper from a project, as files one can edit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pandas as pd
import pytest
from tests.journeys.command import done, neuroembed

import napari_neuroembed as ne
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.plotting.export import BROWSERS, KINDS

NAMES = ("s3_mean_images", "s4_tsne", "s5_annotations")


@pytest.fixture(scope="module")
def flies(tmp_path_factory):
    options = SyntheticOptions(
        n_animals=2, n_recordings=2, duration_s=12.0, image_size=32, video=1
    )
    path = tmp_path_factory.mktemp("figures") / "flies"
    project = ne.make_synthetic_project(path, options=options)
    project.preprocess()
    settings = ["training.steps=3", "training.batch_size=16", "training.threads=1"]
    for method in ("simclr", "guenel2022"):
        project.train(method=method, run=method, settings=settings)
    return path


@pytest.fixture(scope="module")
def drawn(flies):
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("needs Chromium or Chrome")
    told = done("figures", flies, "--video", "fly1_001", "--stop", "2")
    assert "without neuroembed2026 in s4_tsne: no finished run of it" in told.out
    assert told.out.count("without") == 2
    return flies / "figures" / "paper"


def test_every_figure_is_there_in_every_kind_with_its_numbers(drawn):
    for name in NAMES:
        for kind in (*KINDS, "csv"):
            assert (drawn / f"{name}.{kind}").stat().st_size > 500, (name, kind)
        page = (drawn / f"{name}.html").read_text("utf-8")
        assert not re.search(r'<(script|link|img)[^>]+(src|href)="http', page)


def test_svg_keeps_text_as_text_and_has_the_width_of_two_columns(drawn):
    for name in NAMES:
        root = ElementTree.parse(drawn / f"{name}.svg").getroot()
        assert root.get("width") == "183mm"
        assert root.get("height").endswith("mm")
        texts = ["".join(t.itertext()) for t in root.iterfind(".//{*}text")]
        assert any("animals" in t or "windows" in t for t in texts), name
    shown = (drawn / "s4_tsne.svg").read_text("utf-8")
    assert "guenel2022" in shown
    assert "raw" in shown


def test_pdf_has_one_page_of_that_size(drawn):
    for name in NAMES:
        content = (drawn / f"{name}.pdf").read_bytes()
        assert content.startswith(b"%PDF")
        box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)
        assert float(box[1]) == pytest.approx(183 / 25.4 * 72, abs=1.5)
        assert content.count(b"/Type /Page\n") == 1
        assert b"/FontName" in content


def test_the_numbers_are_those_of_the_project(flies, drawn):
    project = ne.Project.open(flies)
    bouts = pd.read_csv(drawn / "s5_annotations.csv")
    seconds = (bouts["stop_s"] - bouts["start_s"]).sum()
    assert seconds <= 4 * 16.0  # four recordings; nothing is counted twice
    assert seconds > 4 * 8.0
    tsne = pd.read_csv(drawn / "s4_tsne.csv")
    windows, _ = project.run("simclr").embedding("neural")
    assert len(tsne) == len(windows)
    assert {"raw_1", "simclr_2", "guenel2022_1"} <= set(tsne.columns)
    image = pd.read_csv(drawn / "s3_mean_images.csv")
    own = image[image["animal"] == "fly1"].pivot(
        index="y", columns="x", values="counts"
    )
    mean = np.load(project.derived_folder("fly1_001") / "mean.npy")
    np.testing.assert_allclose(own.to_numpy(), mean, rtol=1e-5)


def test_the_film_runs_at_real_speed(drawn):
    with av.open(str(drawn / "film_fly1_001.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
        rate = float(container.streams.video[0].average_rate)
    # Poses and camera began later: the film begins with the first image.
    assert len(frames) / rate == pytest.approx(2.0, abs=0.1)
    assert frames[0].shape[0] == 396
    left, right = frames[10][40:, :300], frames[10][40:, -420:-100]
    assert left.std() > 5  # the camera
    assert right.std() > 5  # the images
    assert np.abs(right.astype(int) - right[..., :1]).max() > 20  # in colour


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--runs", "nosuch"], "No finished run nosuch. Known: guenel2022, simclr"),
        (["--action", "flying"], "No window shows the action 'flying'"),
        (["--kinds", "tiff"], "Unknown kind of figure tiff"),
        (["--kinds", "html", "--video", "nosuch"], "no recording 'nosuch'"),
        (
            ["--kinds", "html", "--video", "fly1_001", "--start", "900"],
            "No image lies between 900",
        ),
        (
            ["--kinds", "html", "--video", "fly1_001", "--start", "5", "--stop", "4"],
            "from 5 s to 4 s",
        ),
        (["--name", "../x"], "Figures"),
    ],
)
def test_what_is_not_there_is_named(flies, more, said):
    told = neuroembed("figures", flies, *more)
    assert told.code == 2
    assert said in told.err


def test_without_a_browser_the_message_says_what_to_do(flies, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    told = neuroembed("figures", flies, "--kinds", "svg", "--name", "none")
    assert told.code == 2
    assert "Install Chromium or Chrome" in told.err


def test_a_bare_project_gets_what_it_can(tmp_path):
    options = SyntheticOptions(
        n_animals=2, n_recordings=2, duration_s=6.0, image_size=32, video=0
    )
    project = ne.make_synthetic_project(tmp_path / "bare", options=options)
    told = done("figures", project.path, "--kinds", "html")
    assert "without s3_mean_images: no pre-processed images" in told.out
    assert "without s4_tsne: no finished run" in told.out
    assert Path(project.path / "figures" / "paper" / "s5_annotations.html").is_file()
