"""``neuroembed relink``: find the data again after a drive or folder moved."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.flags import pairs

if TYPE_CHECKING:
    from napari_neuroembed.cli.running import VerbReport


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``relink``."""
    del verb
    flags.add_project(parser)
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="where a root is now; repeatable",
    )
    parser.add_argument(
        "--search",
        type=Path,
        metavar="FOLDER",
        help="look for missing files here by size and content",
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Tell which files are where; 1 when some are missing or changed."""
    del verb
    from napari_neuroembed.data.project import Project
    from napari_neuroembed.data.project.relink import relink

    roots = {name: Path(folder) for name, folder in pairs(args.root, "--root").items()}
    found = relink(Project.open(args.project), roots, search=args.search, report=report)
    report.say(
        found.text(),
        n_found=found.n_found,
        roots={name: str(folder) for name, folder in found.roots.items()},
        moved=[list(entry) for entry in found.moved],
        missing=list(found.missing),
        changed=list(found.changed),
    )
    return 1 if found.missing or found.changed else 0
