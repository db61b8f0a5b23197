"""``neuroembed reproduce``: the paper's tables from its own data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_neuroembed.cli import flags
from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.import_verb import acceptances
from napari_neuroembed.errors import ConfigError

if TYPE_CHECKING:
    from napari_neuroembed.api.reproduction_checks import Found
    from napari_neuroembed.api.reproduction_setting import Reproduction
    from napari_neuroembed.cli.running import VerbReport

_PREPROCESSING = "preprocessing."


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    parser.add_argument(
        "folder", type=Path, metavar="MC2P_FOLDER", help="the folder of the data set"
    )
    parser.add_argument(
        "--project",
        type=Path,
        default=Path("mc2p"),
        metavar="DIR",
        help="the project to make, or to go on with; default mc2p",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="look and tell, write nothing"
    )
    _data_arguments(parser)
    _label_arguments(parser)
    rows = parser.add_argument_group("what is trained")
    rows.add_argument(
        "--methods",
        default="paper",
        metavar="A,B",
        help="rows of a comparison; default those of the paper's tables",
    )
    flags.add_judging(rows)
    flags.add_set(parser)
    flags.add_accept(parser)
    parser.add_argument("--by", help="who accepts; default: the user of this computer")


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Look, tell, refuse what is wrong; else do it and print the tables."""
    del verb
    from napari_neuroembed.api.project import Project
    from napari_neuroembed.api.reproducing import reproduce
    from napari_neuroembed.api.reproduction_checks import find
    from napari_neuroembed.api.reproduction_costs import disk_text, training_text

    if not args.folder.is_dir():
        raise ConfigError(f"There is no folder {args.folder}.")
    project = Project.draft(args.project, preset="paper")
    asked = _asked(args)
    found = find(project, asked, report)
    costs = {
        "disk": disk_text(project, found.look, asked),
        "training": training_text(project, found.look, asked),
    }
    _say_found(found, asked, costs, report)
    found.refuse()
    if args.dry_run:
        return ExitCode.DONE
    made = reproduce(project, asked, found, scheduler=args.scheduler, report=report)
    report.say(
        f"{made.text}\nIn {made.folder}, with report.html in tables/.",
        folder=str(made.folder),
        failed=dict(made.failed),
        table=_rows(made.table),
    )
    return ExitCode.SOME_FAILED if made.failed else ExitCode.DONE


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    from napari_neuroembed.data.readers.mc2p.names import IMAGES, POSES

    data = parser.add_argument_group("the data")
    data.add_argument("--rate", type=float, metavar="HZ", help="images per second")
    data.add_argument(
        "--pose-rate",
        action="append",
        default=[],
        metavar="[GENOTYPE=]HZ",
        help="frames of the camera per second; repeatable",
    )
    data.add_argument(
        "--rates",
        choices=("paper",),
        help="MC2P, values of the paper: --rate 16 --pose-rate 100, where no other is "
        "given",
    )
    data.add_argument(
        "--images", choices=IMAGES, default=IMAGES[0], help="default %(default)s"
    )
    data.add_argument(
        "--pose", choices=POSES, default=POSES[0], help="default %(default)s"
    )
    data.add_argument("--no-video", action="store_true", help="leave the films out")
    data.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="RECORDING",
        help="leave a recording out; repeatable",
    )
    data.add_argument(
        "--salvage", action="store_true", help="take the whole frames of cut files"
    )


def _label_arguments(parser: argparse.ArgumentParser) -> None:
    labels = parser.add_argument_group("actions")
    labels.add_argument(
        "--labels", type=Path, metavar="F", help="table of actions of all recordings"
    )
    labels.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="another name for an action; an empty one leaves it out; repeatable",
    )
    labels.add_argument(
        "--keep-rest",
        action="store_true",
        help="count windows of rest, which the public loader of the data set drops",
    )


def _asked(args: argparse.Namespace) -> Reproduction:
    from napari_neuroembed.api.reproduction_setting import Reproduction
    from napari_neuroembed.data.importing.mc2p_checks import (
        EVERY,
        POSE_RATE_HZ,
        RATE_HZ,
        Mc2pRequest,
    )
    from napari_neuroembed.reports.published import METHOD_ROWS

    pose_rates = _pose_rates(args.pose_rate)
    rate = args.rate
    if args.rates == "paper":
        rate = RATE_HZ if rate is None else rate
        pose_rates.setdefault(EVERY, POSE_RATE_HZ)
    data = Mc2pRequest(
        folder=args.folder,
        images=args.images,
        pose=args.pose,
        rate_hz=rate,
        pose_rate_hz=pose_rates,
        video=not args.no_video,
        without=tuple(args.without),
        salvage=args.salvage,
    )
    rows = [name.strip() for name in args.methods.split(",") if name.strip()]
    before = {
        path: value
        for path, value in flags.settings(args).items()
        if path.startswith(_PREPROCESSING)
    }
    return Reproduction(
        data=data,
        labels=args.labels,
        names=_names(args.map),
        rows=METHOD_ROWS if rows == ["paper"] else tuple(rows),
        settings=tuple(s for s in args.set if not s.strip().startswith(_PREPROCESSING)),
        preprocessing={k.removeprefix(_PREPROCESSING): v for k, v in before.items()},
        profile=args.profile,
        keep_rest=args.keep_rest,
        accepted=tuple(acceptances(args)),
    )


def _pose_rates(texts: list[str]) -> dict[str, float]:
    """Read ``HZ`` and ``GENOTYPE=HZ``."""
    found = {}
    for text in texts:
        genotype, _, number = text.rpartition("=")
        try:
            found[genotype.strip()] = float(number)
        except ValueError:
            raise ConfigError(
                f"--pose-rate {text!r}: expected HZ or GENOTYPE=HZ, e.g. "
                "--pose-rate 100 --pose-rate G23xU1=30."
            ) from None
    return found


def _names(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        old, equals, new = text.partition("=")
        if not equals or not old:
            raise ConfigError(f"--map {text!r}: expected OLD=NEW.")
        found[old] = new
    return found


def _say_found(
    found: Found, asked: Reproduction, costs: dict[str, str], report: VerbReport
) -> None:
    from dataclasses import asdict

    from napari_neuroembed.data.importing.mc2p_text import actions_text, found_text

    looked = found.look
    parts = [found_text(looked.recordings, looked.frames, asked.data.rate_hz)]
    if found.labels is not None:
        parts.append(actions_text(found.labels))
    parts += [*costs.values(), *(f"warning: {text}" for text in found.warnings)]
    report.say(
        "\n".join(parts),
        recordings={name: asdict(frames) for name, frames in looked.frames.items()},
        actions={} if found.labels is None else found.labels.actions(),
        problems=list(found.problems),
        warnings=list(found.warnings),
        **costs,
    )


def _rows(table: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        table.astype(object).where(table.notna(), None).to_dict("records")
    )
    return rows
