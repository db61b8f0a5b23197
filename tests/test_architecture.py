"""The shape of the code: sizes, imports, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from napari_neuroembed.data.project import yaml_text

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
FILES = sorted(SOURCE.rglob("*.py"))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

LONG_FILES: dict[str, str] = {
    "napari_neuroembed/files.py": "all ways to write, in the one place they may be",
}
"""Files over the limit, each with the reason."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions over the limit as ``file:name``, each with the reason."""

LIBRARIES = {
    "napari": "napari_neuroembed/widgets/",
    "qtpy": "napari_neuroembed/widgets/",
    "magicgui": "napari_neuroembed/widgets/",
    "superqt": "napari_neuroembed/widgets/",
    "dash": "dashboard/",
    "flask": "dashboard/",
    "waitress": "dashboard/",
}
"""Libraries with the only folder that may know them; figures are pure plotly."""

HEAVY = ("torch", "napari", "dask", "pandas", "plotly", "dash", "sklearn", "skimage")
LIGHT_MODULES = (
    "napari_neuroembed",
    "napari_neuroembed.cli",
    "napari_neuroembed.files",
    "napari_neuroembed.jobs",
    "napari_neuroembed.options",
)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count lines of the body without its docstring."""
    first = function.body[0]
    has_docstring = (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    body = function.body[1:] if has_docstring else function.body
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_files_are_short_enough_to_read_at_a_sitting() -> None:
    lengths = {name_of(p): len(p.read_text("utf-8").splitlines()) for p in FILES}
    long = {name: n for name, n in lengths.items() if n > MAX_FILE_LINES}
    assert set(long) == set(LONG_FILES), f"over {MAX_FILE_LINES} lines: {long}"


def test_functions_fit_on_a_screen() -> None:
    long = {}
    for path in FILES:
        for function in functions(ast.parse(path.read_text("utf-8"))):
            n = body_lines(function)
            if n > MAX_FUNCTION_LINES:
                long[f"{name_of(path)}:{function.name}"] = n
    assert set(long) == set(LONG_FUNCTIONS), f"over {MAX_FUNCTION_LINES} lines: {long}"


def test_no_file_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert [name_of(p) for p in FILES if p.stem in empty] == []


def test_nothing_is_unpickled_and_no_shell_is_called() -> None:
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and is_unsafe(node):
                found.append(name_of(path))
    assert found == []


def test_yaml_is_loaded_by_a_safe_loader() -> None:
    assert issubclass(yaml_text.StrictSafeLoader, yaml.SafeLoader)


def is_unsafe(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    flags = {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}
    return (
        name in {"pickle.load", "pickle.loads", "joblib.load", "pd.read_pickle"}
        or name in {"eval", "exec", "os.system", "os.popen"}
        or (name == "yaml.load" and not flags.get("Loader", "").endswith("SafeLoader"))
        or flags.get("shell") == "True"
        or flags.get("allow_pickle") == "True"
        or (name == "torch.load" and flags.get("weights_only") != "True")
    )


@pytest.mark.parametrize(
    ("code", "unsafe"),
    [
        ("np.load(path, allow_pickle=True)", True),
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=True)", False),
        ("subprocess.run(command, shell=True)", True),
        ("yaml.safe_load(text)", False),
    ],
)
def test_the_search_for_unsafe_calls_finds_them(code: str, unsafe: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert is_unsafe(call) is unsafe


def test_posix_only_modules_are_used_nowhere() -> None:
    """Windows can follow: what differs by system is asked of `os` by name."""
    posix = {"fcntl", "pwd", "grp", "resource", "termios", "pty", "posix"}
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = imported(node)
            found += [f"{name_of(path)}: {name}" for name in names & posix]
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.fork":
                found.append(f"{name_of(path)}: os.fork")
    assert found == []


def test_gui_and_server_libraries_stay_in_their_folder() -> None:
    found = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found += [
                f"{name_of(path)}: {name}"
                for name in imported(node) & set(LIBRARIES)
                if not name_of(path).startswith(LIBRARIES[name])
            ]
    assert found == []


def imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return {(node.module or "").partition(".")[0]}
    return set()


def test_imports_go_one_way() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(lint), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE), "PATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_importing_loads_no_heavy_library(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        f"print(*[n for n in {HEAVY!r} if n in sys.modules])\n"
        "print(len(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    loaded, n_modules = out.stdout.splitlines()
    assert loaded == ""
    assert int(n_modules) < 1000, "as many modules as a heavy library brings"


def test_help_loads_neither_pydantic_nor_rich() -> None:
    code = (
        "import sys; from napari_neuroembed.cli import main; main(['--help'])\n"
        "print(*[n for n in ('pydantic', 'rich', 'numpy') if n in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SOURCE)},
    )
    assert out.stdout.splitlines()[-1] == ""
