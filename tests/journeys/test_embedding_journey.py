"""Published embeddings of worms as runs, judged beside the traces they came from."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.journeys.command import done, neuroembed, scores

from napari_neuroembed.data.project import Project

WORMS = (0, 4)
ROWS = {0: (3122, 3137), 4: (3006, 3021)}


@pytest.fixture
def worms(shared_data, tmp_path):
    """Return a project with the two worms whose traces are public."""
    data, project = shared_data("worm_kato2015"), tmp_path / "worms"
    for number in WORMS:
        words = ["import", project, "--trace", data / f"worm_{number}.npz"]
        words += ["--animal", f"worm{number}", "--rater", "kato"]
        words += ["--reader-option", "trace.key=traces"]
        words += ["--reader-option", "trace.transpose=true"]
        words += ["--labels", data / f"worm_{number}_y.csv"]
        states = data / "worm_0_states.csv"
        done(*words, "--label-option", f"names={states}")
    return project


def test_two_published_embeddings_of_two_worms_are_judged(worms, shared_data):
    data = shared_data("worm_kato2015_embeddings")
    bundle = {n: data / f"Y0__BunDLeNet_worm_{n}" for n in WORMS}
    words = ["import", worms, "--embedding"]
    # 1. Fewer rows than frames: which frame is row 0?
    told = neuroembed(*words, bundle[0], "--animal", "worm0")
    assert told.code == 2
    assert "has 3,122 rows and worm0_001 has 3,137 trace frames, 15 more" in told.err
    assert "--row-offset N" in told.err
    assert not (worms / "runs").exists()
    # 2. Fifteen: then the labels beside the file are those of the recording.
    words += [f"worm0_001={bundle[0]}", "--embedding", f"worm4_001={bundle[4]}"]
    words += ["--row-offset", 15, "--row-frames", 16, "--run", "bundle"]
    told = done(*words, "--embedding-method", "bundle_net")
    assert "share no space" in told.out
    windows, h = read(worms, "bundle")
    for number in WORMS:
        own = windows["recording"] == f"worm{number}_001"
        published = np.loadtxt(bundle[number])
        np.testing.assert_allclose(h[own], published, rtol=1e-6)
        n_rows, n_frames = ROWS[number]
        assert int(own.sum()) == n_rows == n_frames - 15
    first = windows["recording"] == "worm0_001"
    codes = np.loadtxt(data / "B__BunDLeNet_worm_0").astype(int)
    states = shared_data("worm_kato2015") / "worm_0_states.csv"
    names = states.read_text().strip().split(",")
    assert windows["action"][first].tolist() == [names[c].strip() for c in codes]
    # 3. As many rows as frames: nothing to say. Another method, another run.
    hybrid = data / "Y__cebra_hybrid_worm_0.npy"
    words = ["import", worms, "--embedding", hybrid, "--animal", "worm0"]
    told = done(*words, "--run", "cebra", "--embedding-method", "cebra_hybrid")
    assert "share no space" not in told.out
    assert len(read(worms, "cebra")[0]) == 3137
    # 4. There is no encoder: what needs one says so.
    for verb in (["embed", worms, "bundle"], ["train", worms, "--resume", "--run"]):
        told = neuroembed(*verb, *(["bundle"] if verb[0] == "train" else []))
        assert told.code == 2
        assert "made elsewhere. It has no encoder" in told.err
    # 5. Judged like any other, beside raw traces and chance, with what it cannot show.
    told = neuroembed("evaluate", worms, "bundle")
    assert told.code == 2
    assert "neuroembed preprocess" in told.err
    done("preprocess", worms)
    told = done("evaluate", worms, "bundle", "--profile", "quick")
    assert "warning: made elsewhere" in told.out
    assert "warning: the recordings were embedded by fits of their own" in told.out
    table = scores(worms, "bundle")
    main = table[
        (table["metric"] == "balanced_accuracy") & (table["probe"] == "linear")
    ]
    assert {"bundle_net", "raw"} <= set(main["method"])
    own = main[(main["method"] == "bundle_net") & main["value"].notna()]
    assert own["note"].str.contains("made elsewhere").all()
    across = own[own["task"].isin(["action_multi", "identity"])]
    assert len(across)
    assert across["note"].str.contains("share no space").all()
    within = own[(own["task"] == "action_single") & (own["animal"] == "mean")]
    assert within["value"].iloc[0] > 0.8  # it was fitted with these very labels
    assert not within["note"].str.contains("share no space").any()
    raw = main[main["method"] == "raw"]["note"]
    assert not raw.str.contains("made elsewhere").any()


def read(project, run):
    from napari_neuroembed.store.run_folder import RunFolder

    folder = RunFolder.open(project / "runs" / run)
    facts = json.loads((folder.path / "embeddings/dense/embedding.json").read_text())
    assert facts["streams"] == {"neural": "trace"}
    return folder.read_embedding("neural", "dense")


def test_flags_that_belong_elsewhere_and_unclear_recordings_are_refused(
    worms, shared_data, tmp_path
):
    hybrid = shared_data("worm_kato2015_embeddings") / "Y__cebra_hybrid_worm_0.npy"
    words = ["import", worms, "--embedding", hybrid]
    wrong = [
        ([], "Which recording is the embedding of? There are 2: worm0_001, worm4_001"),
        (["--animal", "worm9"], "There are 0 of animal 'worm9'"),
        (["--recording", "worm0_001", "--animal", "worm4"], "is not of animal 'worm4'"),
        (["--animal", "worm0", "--rate", 3], "--rate: no effect beside --embedding"),
        (["--animal", "worm4"], "worm4_001 has 3,021 trace frames, so that row 3,136"),
        (
            ["--animal", "worm0", "--embedding-method", "simclr"],
            "--embedding-method 'simclr' must be of small letters",
        ),
        (
            ["--animal", "worm0", "--embedding", hybrid],
            "two embeddings of recording 'worm0_001'",
        ),
    ]
    for more, match in wrong:
        told = neuroembed(*words, *more)
        assert told.code == 2, more
        assert match in told.err, more
    told = neuroembed("import", worms, "--trace", hybrid, "--row-offset", 1)
    assert "--row-offset: no effect without --embedding" in told.err
    told = done(*words, "--animal", "worm0", "--dry-run")
    assert "nothing was written (--dry-run)" in told.out
    assert not (worms / "runs").exists()
    assert Project.open(worms).recording_ids() == ("worm0_001", "worm4_001")
