"""``python -m benchmarks list | NAME... | all``."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import BENCHMARKS
from benchmarks.measure import Result, Settings, report, skipped

_MET = {True: " met", False: " MISSED", None: ""}
_THREADS = ("OMP", "MKL", "OPENBLAS", "NUMEXPR")


def main(argv: Sequence[str] | None = None) -> int:
    """Run benchmarks; 0 when every target was met, 1 when one was not."""
    args = _parser().parse_args(argv)
    if args.names == ["list"]:
        for name, about in BENCHMARKS.items():
            print(f"{name:12} {about}")
        return 0
    names = list(BENCHMARKS) if args.names == ["all"] else args.names
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        print(
            f"There is no benchmark {', '.join(unknown)}. Known: "
            f"{', '.join(BENCHMARKS)}.",
            file=sys.stderr,
        )
        return 2
    settings = Settings(args.device, args.quick, args.threads)
    _fix_threads(settings)
    missed = 0
    for name in names:
        result = _run(name, settings)
        print(_table(name, result), flush=True)
        missed += sum(r.met is False for r in (*result.ratios, *result.rows))
        if args.out is not None:
            _save(args.out, report(name, settings, result))
    return 1 if missed else 0


def _run(name: str, settings: Settings) -> Result:
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        return Result([skipped("on a GPU", "torch finds no CUDA device")])
    result: Result = importlib.import_module(f"benchmarks.{name}").run(settings)
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="+", metavar="NAME", help="list, all, or names")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--quick", action="store_true", help="smaller input, 3 repeats")
    parser.add_argument("--threads", type=int, default=1, help="default 1")
    parser.add_argument("--out", type=Path, help="folder for NAME-DEVICE-UTC.json")
    return parser


def _fix_threads(settings: Settings) -> None:
    """Set threads for libraries not loaded yet, and for torch."""
    for library in _THREADS:
        os.environ[f"{library}_NUM_THREADS"] = str(settings.threads)
    import torch

    torch.set_num_threads(settings.threads)


def _table(name: str, result: Result) -> str:
    lines = [f"{name} ({', '.join(f'{k}: {v}' for k, v in result.parameters.items())})"]
    for row in result.rows:
        if row.status == "skipped":
            lines.append(f"  {row.variant:28} SKIPPED ({row.reason})")
            continue
        if row.counts:
            counts = ", ".join(f"{n} {name}" for name, n in row.counts.items())
            text = f"{row.value:4.0f} {row.unit} ({counts}){_MET[row.met]}"
            lines.append(f"  {row.variant:30} {text}")
            continue
        limit = "" if row.error_limit is None else f", limit {row.error_limit:g}"
        lines.append(
            f"  {row.variant:28} {row.value:12,.3f} {row.unit:18} "
            f"{row.cpu_s:9.3f} CPU s  {row.error:.2e} {row.error_unit}{limit}"
            f"{_MET[row.met]}"
        )
    for one in result.ratios:
        target = "" if one.target is None else f", target {one.target:g}"
        lines.append(
            f"  {one.ours} : {one.peer} = {one.median:.2f} "
            f"({one.low:.2f}-{one.high:.2f}){target}{_MET[one.met]}"
        )
    return "\n".join(lines)


def _save(folder: Path, content: dict[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = str(content["started_utc"]).replace(":", "").replace("-", "")
    path = folder / f"{content['name']}-{content['device']}-{stamp}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    sys.exit(main())
