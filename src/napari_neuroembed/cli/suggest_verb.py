"""``neuroembed suggest``: what to label next."""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_neuroembed import files
from napari_neuroembed.cli.exit_codes import ExitCode
from napari_neuroembed.cli.flags import add_project, table
from napari_neuroembed.cli.running import VerbReport


def add_arguments(verb: str, parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    del verb
    from napari_neuroembed.evaluation.next_labels import STRATEGIES

    add_project(parser)
    parser.add_argument("run", metavar="RUN", help="name of the run")
    parser.add_argument(
        "--n", type=int, default=20, metavar="N", help="stretches; default 20"
    )
    parser.add_argument(
        "--strategy",
        choices=tuple(STRATEGIES),
        default="mixed",
        help="mixed: uncertain and far from what is labelled; default mixed",
    )
    parser.add_argument(
        "--length",
        type=float,
        default=4.0,
        metavar="S",
        help="seconds of a stretch; default 4",
    )
    parser.add_argument(
        "--set-name", default="eval", metavar="NAME", help="which embeddings"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of ties; default 0"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE.csv", help="also write the list"
    )


def run(verb: str, args: argparse.Namespace, report: VerbReport) -> int:
    """Do it and return an exit code."""
    del verb
    from napari_neuroembed.api import Project
    from napari_neuroembed.api.suggesting import suggest

    one = Project.open(args.project).run(args.run)
    found = suggest(
        one,
        args.n,
        strategy=args.strategy,
        length_s=args.length,
        set_name=args.set_name,
        seed=args.seed,
    )
    if args.out is not None:
        files.write_file(args.out, lambda p: found.to_csv(p, index=False))
    rows = [
        (
            str(row["rank"]),
            row["recording"],
            f"{row['start_s']:.2f}",
            f"{row['stop_s']:.2f}",
            row["likely"],
            f"{row['uncertainty']:.2f}" if row["likely"] else "",
        )
        for _, row in found.iterrows()
    ]
    head = ("rank", "recording", "start, s", "stop, s", "taken for", "uncertainty")
    told = table(rows, head) if rows else "Every stretch holds a label already."
    records = found.astype(object).where(found.notna(), None).to_dict("records")
    report.say(told, stretches=records)
    return ExitCode.DONE
