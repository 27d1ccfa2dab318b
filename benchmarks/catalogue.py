"""Does every row of the catalogue train, and does its best trial beat what it has to?

    python benchmarks/catalogue.py [ROW ...] [--page] [--list]

Runs each row's sweeps in this process, one thread, computes its baselines on the same examples, and writes both into
`docs/catalogue.json`, the pictures into `docs/catalogue/`, and `docs/catalogue.md` from these. Rows that are not named
keep what was measured before. Exit code 1 when a row fell short. `--page` writes the page alone.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalogue_page import page
from catalogue_row import Row, Run

ROOT = Path(__file__).parents[1]
FIGURES, PICTURES = ROOT / "docs" / "catalogue.json", ROOT / "docs" / "catalogue"
ORDER = (
    "line",
    "polynomial",
    "housing",
    "digits",
    "fashion_mnist",
    "resnet",
    "attention",
    "finetune",
    "segmentation",
    "series",
    "char_lm",
    "autoencoder",
)


def rows() -> dict[str, Row]:
    """Those that there are, in the catalogue's order."""
    there = {path.stem for path in (Path(__file__).parent / "catalogue_rows").glob("[a-z]*.py")}
    return {name: importlib.import_module(f"catalogue_rows.{name}").ROW for name in ORDER if name in there}


def run(row: Row, runs: Path) -> dict[str, Any]:
    """The figures of one row."""
    import torch

    from tuner.api.launching import Launch
    from tuner.api.running import start_sweep
    from tuner.api.sweeps import load_sweep
    from tuner.training.plan import TrainingPlan

    torch.set_num_threads(1)
    ended: dict[str, Run] = {}
    figures: dict[str, Any] = {"says": row.says, "beats": row.beats, "sweeps": {}}
    for name in row.sweeps:
        changed = {**row.overrides.get(name, {}), "tracking.uri": "none"}
        sweep = load_sweep(name, changed, {})
        began, cpu = time.perf_counter(), time.process_time()
        finished = start_sweep(sweep, Launch(runs=runs, address="none", track=False))
        minutes, cpu_minutes = (time.perf_counter() - began) / 60, (time.process_time() - cpu) / 60
        best = finished.record.best
        if best is None or best.value is None:
            raise SystemExit(f"{row.id}: {name} has no best trial")
        baselines = dict(row.baselines(TrainingPlan.from_sweep(sweep, finished.directory)))
        ended[name] = Run(sweep, finished.directory, best.value, baselines)
        better = best.value < baselines[row.beats] if sweep.metric.mode == "min" else best.value > baselines[row.beats]
        figures["sweeps"][name] = {
            "metric": sweep.metric.name,
            "value": best.value,
            "config": dict(best.config),
            "epoch": best.best_epoch,
            "baselines": baselines,
            "better": better,
            "trials": len(finished.record.trials),
            "epochs": finished.summary["epochs"]["trained"],
            "minutes": round(minutes, 1),
            "cpu_minutes": round(cpu_minutes, 1),
            "verdicts": finished.summary["verdicts"],
            "changed": {key: value for key, value in changed.items() if key != "tracking.uri"},
            "pictures": kept_pictures(row, name, finished.directory.pictures),
        }
        print(f"{row.id:14} {name:22} {sweep.metric.name} {best.value:.5g}  {baselines}  {minutes:.1f} min", flush=True)
    shown = row.wanted(ended) if row.wanted is not None else ()
    figures["shown"] = [{"says": says, "held": held} for says, held in shown]
    for says, held in shown:
        print(f"{row.id:14} {'' if held else 'NOT: '}{says}", flush=True)
    return figures


def kept_pictures(row: Row, name: str, drawn: Path) -> list[str]:
    """Copied beside the page, in place of those of an earlier run."""
    for old in PICTURES.glob(f"{row.id}-{name}-*"):
        old.unlink()
    found = sorted(path for path in drawn.iterdir() if path.is_file()) if drawn.is_dir() else []
    PICTURES.mkdir(parents=True, exist_ok=True)
    return [shutil.copyfile(path, PICTURES / f"{row.id}-{name}-{path.name}").name for path in found]


def fell_short(figures: Mapping[str, Any]) -> bool:
    beaten = any(sweep["better"] for sweep in figures["sweeps"].values())
    return not beaten or not all(item["held"] for item in figures["shown"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--page", action="store_true", help="write the page from what was measured, and no more")
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--runs", type=Path, help="keep the run directories here")
    given = parser.parse_args()
    there = rows()
    unknown = [name for name in given.rows if name not in there]
    if unknown:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(there)}")
    if given.list:
        print("\n".join(there))
        return 0
    measured: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.is_file() else {}
    short = []
    if not given.page:
        with tempfile.TemporaryDirectory(prefix="tuner-") as scratch:
            for name in given.rows or there:
                measured[name] = run(there[name], given.runs or Path(scratch))
                in_order = {key: measured[key] for key in ORDER if key in measured}
                FIGURES.write_text(json.dumps(in_order, indent=1) + "\n")
                short += [name] if fell_short(measured[name]) else []
    (ROOT / "docs" / "catalogue.md").write_text(page({key: measured[key] for key in ORDER if key in measured}))
    if short:
        print(f"fell short: {', '.join(short)}", file=sys.stderr)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
