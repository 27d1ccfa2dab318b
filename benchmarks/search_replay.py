"""How soon does each search find a good configuration? Real learning curves, replayed under a simulated clock.

    TUNER_DATA=... python benchmarks/search_replay.py --out replay.svg
    python benchmarks/search_replay.py --tables DIR --workers 1,16 --json

TaskSet's tables and, apart, the surrogate of LCBench: 50 full trainings' worth of epochs, for 1 and 16 workers; the
whole of it, with `--workers 1,4,16,64 --minutes 600`, takes hours because of what the peers think.
`default` is what a sweep file without a `search:` section gets, `random` trains every draw to its end. What each file
does is said at its head: `replay_tables` (rows, scales), `replay_clock`, `replay_methods` (ours), `replay_peers`,
`replay_scores` (regret, speed-up). Sweeps are run seed by seed over all tasks and methods, two at a time, and none is
begun after `--minutes`; rows say how many seeds there were in time. `--tables DIR` replays that folder's tables alone.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import json
import logging
import multiprocessing
import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes, one core each

import numpy as np
from replay_clock import replay
from replay_methods import OURS, undiagnosed
from replay_peers import PEERS, absent
from replay_picture import draw
from replay_scores import Array, Group, Summary, mean_curve, moments, regret_curve, speedup, summarise
from replay_tables import LcBenchTask, Task, lcbench_names, read_tables

from tuner.errors import InputError

TRAININGS = 50
METHODS = {**OURS, **PEERS}
SHOWN = (
    "random",
    "default",
    "tuner-random-asha",
    "optuna-tpe",
    "optuna-tpe-median",
    "optuna-tpe-hyperband",
    "optuna-tpe-halving",
    "syne-asha",
    "syne-rea",
    "syne-bohb",
)
"""Unless `--methods` says otherwise."""
SLOW = {
    **dict.fromkeys(("optuna-tpe-median", "optuna-tpe-hyperband", "optuna-tpe-halving", "tuner-gp-asha"), 1),
    **dict.fromkeys(("syne-bohb", "syne-bore", "syne-cqr", "syne-asha-cqr", "syne-asha-bore"), 2),
}
"""Those whose own thinking takes seconds a sweep (1) and tens of seconds (2): begun when the quicker ones are done."""
WORKERS = (1, 16)
"""Unless `--workers` says otherwise: what two cores can do in 25 minutes with 20 seeds."""


@dataclass(frozen=True)
class Job:
    """One sweep to replay."""

    seed: int
    workers: int
    table: str
    task: str
    method: str


_TASKS: dict[tuple[str, str], Task] = {}
_SOURCE: tuple[str | None, str | None] = (None, None)


def _set_up(folder: str | None, data: str | None) -> None:
    """In each process: where the tables lie."""
    global _SOURCE
    if (folder, data) != _SOURCE:
        _TASKS.clear()
    _SOURCE = (folder, data)


def tasks(folder: str | None, data: str | None, wanted: Sequence[str] = ()) -> list[Task]:
    """Those of the folder, or TaskSet's and LCBench's; `wanted`: parts of their names. Raises InputError."""
    found: list[Task] = []
    if folder is not None:
        found += read_tables(Path(folder), Path(folder).resolve().name)
    else:
        assert data is not None
        found += read_tables(Path(data) / "hpo" / "taskset_rnn", "taskset")
        lcbench = Path(data) / "hpo" / "lcbench"
        names = [name for name in lcbench_names(lcbench) if _is_wanted(name, wanted)]
        if importlib.util.find_spec("onnxruntime") is None:
            print("lcbench is left out: onnxruntime is not installed", file=sys.stderr)
        else:
            found += [LcBenchTask(lcbench, name) for name in names]
    return [task for task in found if _is_wanted(task.name, wanted)]


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    return not wanted or any(part in name for part in wanted)


def _task(table: str, name: str) -> Task:
    if not _TASKS:
        _TASKS.update({(task.table, task.name): task for task in tasks(*_SOURCE)})
    return _TASKS[table, name]


@contextmanager
def _unwarned() -> Iterator[None]:
    """Syne Tune logs warnings of its own defaults, and its libraries raise theirs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _run(job: Job) -> tuple[Job, Array | str, float]:
    """(the job, its regret curve or what the peer raised, CPU seconds)."""
    began = time.process_time()
    task = _task(job.table, job.task)
    budget = TRAININGS * task.epochs
    with undiagnosed(), _unwarned():
        try:
            trace = replay(METHODS[job.method]()(task, job.seed), task, job.workers, budget)
        except Exception as error:
            if job.method in OURS:
                raise
            return job, f"{type(error).__name__}: {error}", time.process_time() - began  # a peer's own fault
    curve = regret_curve(trace, task.best, task.scale, moments(budget, job.workers))
    return job, curve, time.process_time() - began


def plan(found: Sequence[Task], methods: Sequence[str], workers: Sequence[int], seeds: int) -> list[Job]:
    """Seed by seed, so that an early end leaves as many of each; the slow methods last."""
    jobs = [
        Job(seed, count, task.table, task.name, method)
        for seed in range(seeds)
        for count in workers
        for task in found
        for method in methods
    ]
    return sorted(jobs, key=lambda job: (SLOW.get(job.method, 0), job.seed))


def run(jobs: Sequence[Job], given: argparse.Namespace, data: str | None) -> dict[Job, Array]:
    """Regret curves of all that could be begun in time."""
    end = time.monotonic() + 60 * given.minutes
    curves: dict[Job, Array] = {}
    spent: defaultdict[str, float] = defaultdict(float)

    def take(done: tuple[Job, Array | str, float]) -> None:
        job, curve, seconds = done
        if isinstance(curve, str):
            what = f"{job.method}, seed {job.seed}, {job.workers} workers, {job.table} {job.task}"
            print(f"{what} is left out, since it raised {curve}", file=sys.stderr)
            return
        curves[job] = curve
        spent[job.method] += seconds
        if len(curves) % 100 == 0 or len(curves) == len(jobs):
            print(f"{len(curves)} of {len(jobs)} sweeps", file=sys.stderr, flush=True)

    waiting = iter(jobs)
    if given.processes == 1:
        _set_up(given.tables, data)
        for job in waiting:
            if time.monotonic() >= end:
                break
            take(_run(job))
    else:
        context = multiprocessing.get_context("spawn")  # a fork would share the surrogate's threads
        with ProcessPoolExecutor(given.processes, context, _set_up, (given.tables, data)) as pool:
            going = {pool.submit(_run, job) for job in itertools.islice(waiting, 2 * given.processes)}
            while going:
                done, going = wait(going, return_when=FIRST_COMPLETED)
                for future in done:
                    take(future.result())
                more = itertools.islice(waiting, len(done)) if time.monotonic() < end else ()
                going |= {pool.submit(_run, job) for job in more}
    for method, seconds in spent.items():
        count = sum(job.method == method for job in curves)
        print(f"{method}: {seconds / count:.2f} CPU seconds a sweep, {count} sweeps", file=sys.stderr)
    return curves


# --- what is told ------------------------------------------------------------------------------------------------


def gathered(curves: dict[Job, Array], seeds: int) -> dict[tuple[str, int, str, str], Array]:
    """(table, workers, method, task) -> [seed, moment], of all that has a seed; the rest is named on standard error."""
    found: defaultdict[tuple[str, int, str, str], list[Array]] = defaultdict(list)
    for job in sorted(curves, key=lambda job: job.seed):
        found[job.table, job.workers, job.method, job.task].append(curves[job])
    short = {(table, workers, method) for (table, workers, method, _), c in found.items() if len(c) < seeds}
    for table, workers, method in sorted(short):
        least = min(len(c) for (*key, _), c in found.items() if key == [table, workers, method])
        print(f"{table}, {workers} workers: {method} came to {least} of {seeds} seeds in time", file=sys.stderr)
    return {key: np.array(c) for key, c in found.items()}


def rows(found: dict[tuple[str, int, str, str], Array], epochs: dict[tuple[str, str], int]) -> list[dict[str, Any]]:
    """One for each table, task, count of workers and method."""
    told = []
    for (table, workers, method, task), curves in found.items():
        times = moments(TRAININGS * epochs[table, task], workers)
        random = mean_curve(found[table, workers, "random", task])
        told.append(
            {
                "table": table,
                "task": task,
                "workers": workers,
                "method": method,
                "seeds": len(curves),
                "regret_at_budget": float(mean_curve(curves)[-1]),
                "speedup_vs_random": float(speedup(mean_curve(curves), random, times)),
            }
        )
    return told


def summary(found: dict[tuple[str, int, str, str], Array], epochs: dict[tuple[str, str], int]) -> list[Summary]:
    """Geometric means over the tasks of each table, for each method and count of workers."""
    told = []
    for table, workers, method in dict.fromkeys(key[:3] for key in found):
        names = [task for *key, task in found if tuple(key) == (table, workers, method)]
        told.append(
            summarise(
                Group(table, workers, method),
                [found[table, workers, method, name] for name in names],
                [found[table, workers, "random", name] for name in names],
                [moments(TRAININGS * epochs[table, name], workers) for name in names],
            )
        )
    return told


def print_summary(told: Sequence[Summary]) -> None:
    for table, workers in dict.fromkeys((one.group.table, one.group.workers) for one in told):
        group = [one for one in told if (one.group.table, one.group.workers) == (table, workers)]
        seeds = f"{group[0].tasks} tasks"
        print(f"\n{table}, {workers} {'worker' if workers == 1 else 'workers'}, {seeds}")
        print(f"{'':36s} {'seeds':>5s} {'regret at budget':>24s} {'sooner than random':>22s}")
        for one in sorted(group, key=lambda one: -one.speedup.value):
            print(
                f"{one.group.method:36s} {one.seeds:5d} {one.regret.shown('.4f'):>24s} {one.speedup.shown('.1f'):>22s}"
            )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--tables", metavar="DIR", help="replay this folder's .npz tables, in TaskSet's form, alone")
    made.add_argument("--workers", type=_counts, default=WORKERS, metavar="N,N", help="default: %(default)s")
    made.add_argument("--seeds", type=_count, default=20, help="sweeps of each kind (default: %(default)s)")
    made.add_argument("--methods", type=_names, default=SHOWN, metavar="NAME,NAME", help=f"of {', '.join(METHODS)}")
    made.add_argument(
        "--tasks", type=_names, default=(), metavar="PART,PART", help="only tasks whose name holds a part"
    )
    made.add_argument("--processes", type=_count, default=2)
    made.add_argument("--minutes", type=float, default=22.0, help="none is begun later (default: %(default)s)")
    made.add_argument("--out", metavar="FILE.svg", help="draw regret over simulated time")
    made.add_argument("--json", action="store_true", help="one array of rows on standard output, and nothing else")
    return made


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_count(part.strip()) for part in text.split(",")))


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def main() -> None:
    asked = parser()
    given = asked.parse_args()
    unknown = [name for name in given.methods if name not in METHODS]
    if unknown:
        asked.error(f"--methods: unknown: {', '.join(unknown)}; write some of {', '.join(METHODS)}")
    data = os.environ.get("TUNER_DATA")
    if given.tables is None and not data:
        asked.error("name a folder of tables with --tables, or that of the data sets in TUNER_DATA")
    methods = ["random"]  # what all are measured by
    for name in given.methods:
        why = None if name in OURS else absent(name)
        if why is not None:
            print(f"{name} is left out: {why}", file=sys.stderr)
        elif name not in methods:
            methods.append(name)
    try:
        found = tasks(given.tables, data, given.tasks)
    except InputError as error:
        asked.error(str(error))
    if not found:
        asked.error(f"--tasks: none has {' or '.join(given.tasks)} in its name")
    curves = gathered(run(plan(found, methods, given.workers, given.seeds), given, data), given.seeds)
    epochs = {(task.table, task.name): task.epochs for task in found}
    told = summary(curves, epochs) if given.out or not given.json else []
    if given.json:
        print(json.dumps(rows(curves, epochs), allow_nan=False))
    else:
        print_summary(told)
    if given.out:
        Path(given.out).write_text(draw(told))


if __name__ == "__main__":
    main()
