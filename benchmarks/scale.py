"""Where does one driver end? On Ray with trials that sleep, beside plain Ray Tune, and the controller alone.

ray         Trials of three epochs that sleep 0.1 to 1 s each (`--seconds`: the longest sleep), on a local Ray with more
            logical CPUs than the machine has; timed from when all workers are there. `driver ms`: CPU of the driver's
            process a result; `growth`: of that in the last fifth of the results over the second fifth; `late`: from the
            end of an epoch in the worker until the driver has decided on it and written it (median, and 95 of 100);
            `wall`: beside the sleeps divided by the slots. `driver MB` and `all MB`: memory of the driver and of all
            its processes, shared pages counted once; `a worker`: mean of the workers. `CPU s`: of all processes, Ray's
            start and end included. MLflow: what of the journal it lacked when the last trial had ended, and when it had
            all.
controller  the controller, its journal and what follows it, on a simulated clock: milliseconds of CPU for a
            suggestion, a decision, and writing a result's lines; `growth`: a result in the last tenth of the trials
            over one in the second tenth; `end`: CPU seconds to end what still waited at its rung.

`--rounds` takes medians; sides take turns. `--json` prints one object instead of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from scale_controller import measure

PEERS = Path(__file__).parent / "peers"
SAYS = {
    "tuner": "tuner",
    "ray": "Ray Tune, reused actors",
    "bare": "the same, loggers off",
    "tutorial": "Ray Tune, a function",
}
EPOCHS = 3
TUTORIAL_TRIALS = 16
"""Each starts a process of its own."""
LOOK_SECONDS = 2.0
LOOK_REST = 20.0
"""Times as long as a look took: the kernel adds up a process's pages for milliseconds."""
QUIET = {
    "OMP_NUM_THREADS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Workers import for seconds of CPU each. No more at once than there are cores, and none is given up as lost because
    # it was still importing after a minute: it would begin again, and so would the others.
    "RAY_worker_maximum_startup_concurrency": str(psutil.cpu_count(logical=False) or 1),
    "RAY_worker_register_timeout_seconds": "1200",
}


def one(side: str, slots: int, trials: int, seconds: float) -> dict[str, float]:
    """One sweep in a process and a folder of its own, watched from here."""
    script = PEERS / ("sleeping_tuner.py" if side == "tuner" else "sleeping_ray.py")
    words = [side, str(slots), str(trials), str(EPOCHS), str(seconds)]
    with tempfile.TemporaryDirectory(prefix="scale") as folder, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, str(script), *words],
            cwd=folder,
            env=os.environ | QUIET,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        seen = watched(psutil.Process(process.pid))
        assert process.stdout is not None
        out = process.stdout.read()
        if process.wait():
            said.seek(0)
            sys.exit(f"{side} {slots} ended with {process.returncode}:\n{said.read().decode()[-4000:]}")
    answer = json.loads(next(line for line in out.splitlines() if line.startswith(b'{"results"')))  # Ray prints too
    if answer["results"] != trials * EPOCHS:
        sys.exit(f"{side} had {answer['results']} results of {trials * EPOCHS}: nothing to compare")
    return answer | seen


def watched(driver: psutil.Process) -> dict[str, float]:
    """Until it ends: the most memory that it and all its processes had, in MB, and their CPU seconds."""
    cpu: dict[int, float] = {}
    most = {"driver_mb": 0.0, "all_mb": 0.0, "worker_mb": 0.0}
    while driver.is_running() and driver.status() != psutil.STATUS_ZOMBIE:
        began = time.monotonic()
        whole, workers = 0.0, []
        try:
            family = [driver, *driver.children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        for process in family:
            try:
                times = process.cpu_times()
                cpu[process.pid] = times.user + times.system
                held = process.memory_full_info().pss / 2**20
                if "ray::" in " ".join(process.cmdline()[:1]) and "IDLE" not in process.cmdline()[0]:
                    workers.append(held)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            whole += held
            if process == driver:
                most["driver_mb"] = max(most["driver_mb"], held)
        most["all_mb"] = max(most["all_mb"], whole)
        if workers:
            most["worker_mb"] = max(most["worker_mb"], sum(workers) / len(workers))
        time.sleep(max(LOOK_SECONDS, LOOK_REST * (time.monotonic() - began)))
    return most | {"cpu": sum(cpu.values())}


def on_ray(sides: list[str], slots: list[int], trials: int, rounds: int, seconds: float) -> list[dict[str, Any]]:
    rows = []
    for many in slots:
        answers: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side in sides:
                count = TUTORIAL_TRIALS if side == "tutorial" else trials * many
                answers[side].append(one(side, many, count, seconds))
                found = answers[side][-1]
                progress(f"{side} {many}: {found['driver_ms']:.1f} ms a result, {found['results_per_second']:.1f}/s")
        for side, given in answers.items():
            rows.append({"side": side, "slots": many} | {key: median(row[key] for row in given) for key in given[0]})
    for row in rows:
        base = next(one for one in rows if one["slots"] == row["slots"])
        row["ratio"] = row["driver_ms"] / base["driver_ms"]
    return rows


def ray_table(rows: list[dict[str, Any]]) -> str:
    head = f"{'':<26}{'slots':>6}{'results':>9}{'driver ms':>11}{'':>7}{'growth':>8}{'results/s':>11}"
    head += f"{'late ms':>9}{'95 %':>7}"
    out = [head + f"{'wall/ideal':>12}{'driver MB':>11}{'all MB':>8}{'a worker':>10}{'CPU s':>7}  MLflow"]
    for row in rows:
        line = f"{SAYS[row['side']]:<26}{row['slots']:>6}{row['results']:>9.0f}{row['driver_ms']:>11.1f}"
        line += f"{row['ratio']:>6.2f}×{row['growth']:>8.2f}{row['results_per_second']:>11.1f}{row['late_ms']:>9.0f}"
        line += f"{row['late_worst_ms']:>7.0f}{row['wall'] / row['ideal']:>12.2f}{row['driver_mb']:>11.0f}"
        line += f"{row['all_mb']:>8.0f}{row['worker_mb']:>10.0f}{row['cpu']:>7.0f}"
        if "mlflow_seconds" in row:
            line += f"  {100 * row['mlflow_behind']:.0f} % behind, all after {row['mlflow_seconds']:.1f} s"
        out.append(line)
    return "\n".join(out)


def alone(kinds: list[str], trials: int, slots: int) -> list[dict[str, Any]]:
    """Each in a process of its own, so that memory is its own."""
    rows = []
    for kind in kinds:
        command = [sys.executable, str(Path(__file__)), "--one", *kind.split("/"), str(trials), str(slots)]
        done = subprocess.run(command, env=os.environ | QUIET, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}")
        rows.append(json.loads(done.stdout))
        progress(f"{kind}: {rows[-1]['results_per_cpu_second']:.0f} results a CPU second")
    return rows


def controller_table(rows: list[dict[str, Any]]) -> str:
    out = [
        f"{'':<26}{'slots':>6}{'trials':>9}{'results':>9}{'suggest ms':>12}{'decide ms':>11}{'write ms':>10}"
        f"{'results/CPU s':>15}{'growth':>8}{'end s':>7}{'KB/trial':>10}{'journal MB':>12}"
    ]
    out += [
        f"{row['algorithm'] + ' / ' + row['scheduler']:<26}{row['slots']:>6}{row['trials']:>9,}{row['results']:>9,}"
        f"{row['suggest_ms']:>12.2f}{row['decide_ms']:>11.2f}{row['write_ms']:>10.2f}"
        f"{row['results_per_cpu_second']:>15,.0f}{row['growth']:>8.2f}{row['end_seconds']:>7.1f}"
        f"{row['kb_per_trial']:>10.1f}{row['journal_mb']:>12.0f}"
        for row in rows
    ]
    return "\n".join(out)


def progress(says: str) -> None:
    print(f"  {says}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["ray", "controller"])
    parser.add_argument("--sides", nargs="+", choices=list(SAYS), default=list(SAYS))
    parser.add_argument("--slots", nargs="+", type=int, default=[16, 64, 128], help="logical CPUs of the local Ray")
    parser.add_argument("--trials", type=int, default=12, help="of each slot")
    parser.add_argument("--seconds", type=float, default=1.0, help="of the longest sleep")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--controller",
        nargs="+",
        default=["random/asha_promotion", "rung_tpe/asha_promotion", "random/none"],
        metavar="SEARCHER/SCHEDULER",
    )
    parser.add_argument("--controller-trials", type=int, default=100_000)
    parser.add_argument("--controller-slots", type=int, default=1_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        algorithm, scheduler, trials, slots = chosen.one
        print(json.dumps(measure(algorithm, scheduler, int(trials), int(slots))))
        return
    results: dict[str, Any] = {"load": os.getloadavg()[0], "cpus": os.cpu_count()}
    if chosen.only != "ray":
        results["controller"] = alone(chosen.controller, chosen.controller_trials, chosen.controller_slots)
        if not chosen.json:
            print(controller_table(results["controller"]), end="\n\n", flush=True)
    if chosen.only != "controller":
        results["ray"] = on_ray(chosen.sides, chosen.slots, chosen.trials, chosen.rounds, chosen.seconds)
        if not chosen.json:
            print(ray_table(results["ray"]))
    if chosen.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
