import argparse

import pytest

from napari_neuroembed.cli.annotation_verbs import add_parsers
from napari_neuroembed.data.annotations import AnnotationStore
from napari_neuroembed.errors import DataError


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "flies"
    folder.mkdir()
    (folder / "project.yaml").write_text(
        "schema_version: 1\nname: flies\nrecordings:\n"
        "  - {id: fly1, animal: a}\n  - {id: fly2, animal: b}\n"
    )
    return folder


@pytest.fixture
def neuroembed():
    def run(*words):
        parser = argparse.ArgumentParser()
        add_parsers(parser.add_subparsers(required=True))
        args = parser.parse_args([str(word) for word in words])
        return args.run(args)

    return run


def test_labels_go_in_and_come_out_the_same(project, neuroembed, tmp_path, capsys):
    frames = tmp_path / "frames.csv"
    frames.write_text("walk,rest\n1,0\n1,0\n0,1\n-1,-1\n")
    words = ("annotations", "import", project, frames, "--recording", "fly1")
    more = ("--rater", "ana", "--rate", 2, "--start", -0.5)
    assert neuroembed(*words, *more, "--dry-run") == 0
    assert "nothing was written" in capsys.readouterr().out
    assert neuroembed(*words, *more) == 0
    assert "walk -0.500-0.500 s" in capsys.readouterr().out
    assert neuroembed(*words, *more) == 0
    assert "0 bouts added, 4 were there already" in capsys.readouterr().out
    table = tmp_path / "out.csv"
    assert (
        neuroembed("annotations", "export", project, table, "--format", "csv-intervals")
        == 0
    )
    assert table.read_text().splitlines()[1:] == [
        "fly1,ana,-0.5,0.5,rest,0",
        "fly1,ana,-0.5,0.5,walk,1",
        "fly1,ana,0.5,1.0,rest,1",
        "fly1,ana,0.5,1.0,walk,0",
    ]
    again = tmp_path / "again.csv"
    assert (
        neuroembed(
            "annotations",
            "export",
            project,
            again,
            "--format",
            "csv-frames",
            "--rate",
            2,
            "--start",
            -0.5,
            "--frames",
            4,
        )
        == 0
    )
    lines = again.read_text().splitlines()
    assert lines[0] == "frame,time_s,rest,walk"
    assert [line.split(",")[2:] for line in lines[1:]] == [
        ["0", "1"],
        ["0", "1"],
        ["1", "0"],
        ["-1", "-1"],
    ]
    assert "rater's name (ana) is not in the file" in capsys.readouterr().out


def test_a_table_of_many_goes_to_its_own_recordings_as_the_cli(
    project, neuroembed, tmp_path
):
    path = tmp_path / "many.csv"
    path.write_text("file;who;from;to;type\nfly1;ana;0;2;dip\nfly2;ben;1;3;Dip\n")
    neuroembed(
        "annotations",
        "import",
        project,
        path,
        "--column",
        "rater=who",
        "--map",
        "Dip=dip",
        "--multi-label",
    )
    with AnnotationStore.open(project / "annotations.sqlite") as store:
        table = store.bouts()
        assert table["recording"].tolist() == ["fly1", "fly2"]
        assert table["rater"].tolist() == ["ana", "ben"]
        assert store.actions()["group"].tolist() == [None]
        assert set(store.events()["app"]) == {"cli"}


@pytest.mark.parametrize(
    ("content", "words", "match"),
    [
        (
            "file,from,to,type\nfly9,0,1,a\n",
            ["--rater", "x"],
            "no recording fly9.*fly1",
        ),
        ("from,to,type\n0,1,a\n", ["--rater", "x"], "give --recording R"),
        ("from,to,type\n0,1,a\n", ["--recording", "fly1"], "give --rater NAME"),
        (
            "file,from,to,type\nfly1,0,1,a\nfly2,0,1,a\n",
            ["--recording", "fly1", "--rater", "x"],
            "names 2 recordings",
        ),
        (
            "from,to,type\n0,2,a\n1,3,b\n",
            ["--recording", "fly1", "--rater", "x"],
            "multi-label",
        ),
        ("from,to,type\n0,2,a\n", ["--map", "ab"], "expected OLD=NEW"),
    ],
)
def test_what_cannot_be_imported_is_refused_whole(
    project, neuroembed, tmp_path, content, words, match
):
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=match):
        neuroembed("annotations", "import", project, path, *words)
    with AnnotationStore.open(project / "annotations.sqlite") as store:
        assert store.bouts().empty


def test_another_spelling_of_a_known_action_is_never_merged(
    project, neuroembed, tmp_path
):
    path = tmp_path / "labels.csv"
    words = ("annotations", "import", project, path, "--rater", "x", "--recording")
    path.write_text("from,to,type\n0,1,Start/End\n")
    neuroembed(*words, "fly1")
    path.write_text("from,to,type\n0,1,start_end\n")
    with pytest.raises(DataError, match=r"--map 'start_end=Start/End'.*label\.unknown"):
        neuroembed(*words, "fly2")
    assert neuroembed(*words, "fly2", "--accept", "label.unknown") == 0
    with AnnotationStore.open(project / "annotations.sqlite") as store:
        assert store.actions()["name"].tolist() == ["Start/End", "start_end"]


def test_a_folder_that_is_no_project_and_an_empty_one_are_named(
    project, neuroembed, tmp_path
):
    with pytest.raises(DataError, match=r"no project\.yaml"):
        neuroembed("annotations", "import", tmp_path, tmp_path / "a.csv")
    AnnotationStore.open(project / "annotations.sqlite").close()
    with pytest.raises(DataError, match="holds no bouts of 'fly1'"):
        neuroembed(
            "annotations",
            "export",
            project,
            tmp_path / "o.csv",
            "--format",
            "csv-intervals",
            "--recording",
            "fly1",
        )
