"""What does a trial cost in MLflow, on SQLite and on a server with PostgreSQL, by whose curves are sent?

A made-up journal of a finished sweep is followed to its end, as the tracking process would.

follower   the tuner, with `tracking.curves` all, top and none
each call  the peer: a client that calls MLflow when something happens, as callbacks do: the run, each parameter, the
           metrics of each epoch in one request, the status. It writes no tags, findings or closing values.
Ray        the peer that a Ray Tune user has: `ray.air.integrations.mlflow.MLflowLoggerCallback`, called as Tune does,
           with the seven numbers that Tune adds to each result. One request a metric; no run above its trials.

`CPU ms` is the follower's own process a trial, `server` that of MLflow's server (not PostgreSQL's), `wall` the clock's.
`requests` are calls of the MLflow client, `commits` transactions of the database, both a trial; `curves` how many
trials have theirs. The store is empty each time; making it is not counted.

    python benchmarks/tracking.py [--trials 200] [--epochs 12] [--stores sqlite postgresql] [--curves all top none]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracking_journal import write_journal
from tracking_servers import cpu_seconds, mlflow_server, postgresql

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
STORES, CURVES = ("sqlite", "postgresql"), ("all", "top", "none")
PEER, RAY = "each call", "Ray's callback"
PEERS = (PEER, RAY)


@dataclass(frozen=True)
class Place:
    """Where MLflow's records go, and how what it did there is counted."""

    uri: str
    commits: Callable[[], int]
    server_seconds: Callable[[], float] = lambda: 0.0


def main() -> None:
    asked = _arguments()
    print(f"{asked.trials} trials of up to {asked.epochs} epochs")
    print("| store | who | curves | CPU ms | server | wall ms | requests | commits |")
    print("|:--|:--|--:|--:|--:|--:|--:|--:|")
    for store in asked.stores:
        with tempfile.TemporaryDirectory(prefix="tuner-") as name:
            folder = Path(name)
            folder.chmod(0o755)  # PostgreSQL's own user has to pass through
            with (_sqlite if store == "sqlite" else _server)(folder) as places:
                for who in [*asked.curves, *([] if asked.no_peer else PEERS)]:
                    print(f"| {store} | {_row(next(places), folder / who.replace(' ', '-'), who, asked)} |", flush=True)


def _row(place: Place, folder: Path, who: str, asked: argparse.Namespace) -> str:
    run = write_journal(folder / "runs", asked.trials, asked.epochs)
    if who == RAY:
        import ray.air.integrations.mlflow  # noqa: F401  (before the clock runs: seconds)
    requests = _counted_requests()
    commits, server = place.commits(), place.server_seconds()
    cpu, wall = time.process_time(), time.monotonic()
    if who in PEERS:
        shown = (_each_call if who == PEER else _rays_callback)(place.uri, run.record())
    else:
        from tuner import tracking

        tracking.track(run, place.uri, who, who)
        shown = -1
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    server, commits = place.server_seconds() - server, place.commits() - commits
    asks = requests()
    shown = _shown(place.uri, who) if shown < 0 else shown
    n = asked.trials
    name = who if who in PEERS else f"follower, {who}"
    return (
        f"{name} | {shown} | {1000 * cpu / n:.1f} | {1000 * server / n:.1f} | {1000 * wall / n:.1f} | "
        f"{asks / n:.2f} | {commits / n:.2f}"
    )


def _each_call(uri: str, record: Any) -> int:
    """One after the other, trial by trial. How many trials have a curve: all."""
    from mlflow.entities import Metric
    from mlflow.tracking.client import MlflowClient

    client = MlflowClient(uri)
    experiment = client.create_experiment("peer")
    for trial in record.trials:
        run = client.create_run(experiment, run_name=trial.trial).info.run_id
        for name, value in trial.config.items():
            client.log_param(run, name, value)
        for row in trial.epochs:
            client.log_batch(run, [Metric(name, value, 1, row.epoch) for name, value in row.metrics.items()])
        client.set_terminated(run, "FINISHED")
    return len(record.trials)


def _rays_callback(uri: str, record: Any) -> int:
    """Tune's callback with trials that never ran."""
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    callback = MLflowLoggerCallback(uri, experiment_name="ray")
    callback.setup()
    for trial in record.trials:
        here = _TuneTrial(trial.trial, tuple(trial.config.items()))
        callback.log_trial_start(here)
        for row in trial.epochs:
            own = dict.fromkeys(("time_this_iter_s", "time_total_s", "time_since_restore", "timestamp", "pid"), 1.0)
            counts = dict.fromkeys(("training_iteration", "iterations_since_restore"), row.epoch)
            callback.log_trial_result(row.epoch, here, {**row.metrics, **own, **counts})
        callback.log_trial_end(here)
    return len(record.trials)


@dataclass(frozen=True)
class _TuneTrial:
    """What the callback asks of a trial of Tune's."""

    name: str
    settings: tuple[tuple[str, Any], ...]

    @property
    def config(self) -> dict[str, Any]:
        return dict(self.settings)

    def __str__(self) -> str:
        return self.name


def _shown(uri: str, experiment: str) -> int:
    """Trials whose epochs are there."""
    from mlflow.tracking.client import MlflowClient

    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    return sum("val_loss" in run.data.metrics for run in client.search_runs([found.experiment_id], max_results=5000))


def _counted_requests() -> Callable[[], int]:
    """Counts the client's calls of its store from now on, until it is asked."""
    from mlflow.tracking.client import MlflowClient

    names = (
        *(
            "create_run",
            "log_batch",
            "log_param",
            "log_metric",
            "set_terminated",
            "update_run",
            "search_runs",
            "get_run",
        ),
        *("get_experiment", "get_experiment_by_name", "create_experiment", "set_experiment_tag", "delete_tag"),
        *("log_inputs", "log_artifact", "get_metric_history"),
    )
    kept = {name: getattr(MlflowClient, name) for name in names}
    count = [0]

    def counting(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            count[0] += 1
            return real(*given, **named)

        return call

    for name, real in kept.items():
        setattr(MlflowClient, name, counting(real))

    def stop() -> int:
        for name, real in kept.items():
            setattr(MlflowClient, name, real)
        return count[0]

    return stop


@contextmanager
def _sqlite(folder: Path) -> Iterator[Iterator[Place]]:
    """A new file for each; MLflow writes it from this process, so its commits are seen here."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    from tuner.tracking import mlflow_store as _  # noqa: F401  (before the clock runs: it imports mlflow)
    from tuner.tracking.sqlite_file import make

    count = [0]

    def committed(_connection: object) -> None:
        count[0] += 1

    def places() -> Iterator[Place]:
        number = 0
        while True:
            number += 1
            path = folder / f"{number}.db"
            make(path)
            yield Place(f"sqlite:///{path}", lambda: count[0])

    event.listen(Engine, "commit", committed)
    try:
        yield places()
    finally:
        event.remove(Engine, "commit", committed)


@contextmanager
def _server(folder: Path) -> Iterator[Iterator[Place]]:
    """One server; each has an experiment of its own."""
    import psycopg2

    with (
        postgresql(folder) as database,
        mlflow_server(f"postgresql+psycopg2://{database}", folder) as (address, process),
    ):
        connection = psycopg2.connect(f"postgresql://{database}")
        connection.autocommit = True

        def commits() -> int:
            time.sleep(1.5)  # PostgreSQL's sessions report their counts about once a second
            with connection.cursor() as cursor:
                cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'")
                return int(cursor.fetchone()[0])

        def places() -> Iterator[Place]:
            while True:
                yield Place(address, commits, lambda: cpu_seconds(process))

        try:
            yield places()
        finally:
            connection.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--stores", nargs="+", choices=STORES, default=list(STORES))
    parser.add_argument("--curves", nargs="+", choices=CURVES, default=list(CURVES))
    parser.add_argument("--no-peer", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
