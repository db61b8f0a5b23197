"""The documentation names what is there, and what it names is there."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tools.generate_reference import PAGES

import napari_neuroembed as ne
from napari_neuroembed.api.plots import RunPlots
from napari_neuroembed.augmentation import AUGMENTATIONS
from napari_neuroembed.cli.parser import build_parser
from napari_neuroembed.cli.verbs import VERBS
from napari_neuroembed.config import PRESETS, RunConfig, with_settings
from napari_neuroembed.data.readers import READERS
from napari_neuroembed.data.readers.labels import LABEL_READERS
from napari_neuroembed.data.writers.labels import LABEL_WRITERS
from napari_neuroembed.evaluation.probes import PROBES
from napari_neuroembed.methods import METHODS
from napari_neuroembed.models.build import ENCODERS
from napari_neuroembed.objectives import OBJECTIVES
from napari_neuroembed.options.base import replace_path
from napari_neuroembed.options.preprocessing import PreprocessingOptions
from napari_neuroembed.options.synthetic import SyntheticOptions
from napari_neuroembed.plotting.figures import FIGURES
from napari_neuroembed.store.run_folder import RunFolder
from napari_neuroembed.store.schema import RUN_FILES
from napari_neuroembed.training.checkpoint import save_checkpoint

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES_BY_HAND = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    if "_build" not in path.parts
]
LINK = re.compile(r"!?\[(?P<text>[^\]\[]*)\]\((?P<target>[^)\s]+)\)")
MAX_IMAGE_BYTES = 150_000
NAMED: dict[str, Collection[str]] = {
    "methods": METHODS,
    "augmentations": AUGMENTATIONS,
    "encoders": ENCODERS,
    "objectives": OBJECTIVES,
    "probes": PROBES,
    "readers": READERS,
    "label readers": LABEL_READERS,
    "label writers": LABEL_WRITERS,
    "figures": FIGURES,
    "presets": PRESETS,
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def links(path: Path) -> Iterator[tuple[str, str]]:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for found in LINK.finditer(text):
        yield found["text"], found["target"]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as sphinx and repositories make them."""
    found = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            words = line.lstrip("#").strip().lower().replace("`", "")
            found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def symbols(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {ast.unparse(target) for target in node.targets}
        elif isinstance(node, ast.AnnAssign):
            names.add(ast.unparse(node.target))
    return names


@pytest.mark.parametrize("kind", NAMED)
def test_everything_that_is_chosen_by_name_is_in_the_table_of_parts(kind: str) -> None:
    page = (DOCS / "reference" / "parts.md").read_text(encoding="utf-8")
    assert [name for name in NAMED[kind] if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", PAGES_BY_HAND, ids=name_of)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for _, target in links(path):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        where, _, anchor = target.partition("#")
        file = (path.parent / where).resolve() if where else path
        is_there = file.exists() and ROOT in file.parents
        if is_there and anchor and file.suffix == ".md":
            is_there = anchor in anchors(file)
        if not is_there:
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", PAGES_BY_HAND, ids=name_of)
def test_a_link_to_code_names_what_the_file_defines(path: Path) -> None:
    wrong = []
    for text, target in links(path):
        name = text.strip("`")
        if target.endswith(".py") and name.isidentifier():
            file = (path.parent / target).resolve()
            if name not in symbols(file):
                wrong.append(f"{name} in {target}")
    assert wrong == []


def test_every_step_of_the_method_has_code_and_a_test() -> None:
    page = DOCS / "explanation" / "method.md"
    rows = [r for r in page.read_text("utf-8").splitlines() if r.startswith("| [")]
    assert len(rows) > 10
    for row in rows:
        step, code, test = row.strip("| ").split(" | ")
        assert "](#" in step
        assert "../src/" in code
        assert "../tests/" in test


def test_the_equations_are_all_there() -> None:
    text = (DOCS / "explanation" / "method.md").read_text(encoding="utf-8")
    assert all(f"Eq. {number}" in text for number in (1, 2, 3, 4))
    assert "Only its rigid form is there" in text


def test_pictures_are_small_and_used() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES_BY_HAND)
    for picture in (DOCS / "_static").glob("*.png"):
        assert picture.stat().st_size < MAX_IMAGE_BYTES, picture.name
        assert picture.name in text, f"{picture.name} is on no page"


def commands() -> list[tuple[str, str]]:
    found = []
    for path in PAGES_BY_HAND:
        for block in blocks(path, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("neuroembed "):
                    found.append((name_of(path), line))
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_on_a_page_is_one_the_program_takes(page: str, line: str) -> None:
    del page
    args = build_parser().parse_args(shlex.split(line)[1:])
    for setting in getattr(args, "set", None) or []:
        check_setting(args.verb, setting)
    if getattr(args, "method", None):
        assert args.method in METHODS


def check_setting(verb: str, setting: str) -> None:
    if verb == "preprocess":
        path, _, value = setting.removeprefix("preprocessing.").partition("=")
        replace_path(PreprocessingOptions(), path, ast.literal_eval(value))
    elif verb == "compare" and setting.startswith("synthetic."):
        path, _, value = setting.removeprefix("synthetic.").partition("=")
        replace_path(SyntheticOptions(), path, ast.literal_eval(value))
    else:
        with_settings(RunConfig(), [setting])


def test_every_verb_is_explained_on_a_page_written_by_hand() -> None:
    text = "".join(
        page.read_text("utf-8")
        for page in PAGES_BY_HAND
        if "reference" not in page.parts
    )
    quiet = {"info", "demo"}
    missing = [
        verb.name
        for verb in VERBS
        if verb.name not in quiet and f"neuroembed {verb.name}" not in text
    ]
    assert missing == []


OWNERS = {"ne": ne, "project": ne.Project, "run": ne.Run, "run.plot": RunPlots}


def python_blocks() -> list[tuple[str, str]]:
    found = []
    for path in PAGES_BY_HAND:
        found += [(name_of(path), block) for block in blocks(path, "python")]
    return found


@pytest.mark.parametrize(("page", "code"), python_blocks())
def test_python_on_a_page_imports_and_calls_what_exists(page: str, code: str) -> None:
    del page
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute):
            owner = OWNERS.get(ast.unparse(node.value))
            if owner is not None and node.attr != "folder":
                assert hasattr(owner, node.attr), f"{ast.unparse(node)} is not there"


def test_a_run_folder_holds_documented_files_only(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "first", {"method": "simclr"})
    run.write_splits({"roles": {}})
    windows = pd.DataFrame({"window_id": [0], "recording": ["r"]})
    arrays = {"neural": np.zeros((1, 2), np.float32)}
    run.write_embeddings("eval", windows, arrays, {})
    run.write_evaluation(
        "one", "profile: quick\n", windows, {"predictions": windows}, windows
    )
    save_checkpoint(
        run.checkpoints, 5, torch.nn.Linear(1, 1), {"kind": "test"}, {}, keep=1
    )
    patterns = [
        re.compile(re.sub(r"<[a-z]+>|\\\*", "[^/]+", re.escape(name)))
        for name in RUN_FILES
    ]
    files = [
        p.relative_to(run.path).as_posix() for p in run.path.rglob("*.*") if p.is_file()
    ]
    assert len(files) > 10
    assert [f for f in files if not any(p.fullmatch(f) for p in patterns)] == []
    page = PAGES["run_folder.md"]()
    assert all(f"`{name}`" in page for name in RUN_FILES)
