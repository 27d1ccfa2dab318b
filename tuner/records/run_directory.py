"""The run directory: where each file of a sweep lies, and how a run is found by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuner.errors import Fault, InputError
from tuner.records.fold import Fold
from tuner.records.journal import read_journal
from tuner.records.storage import is_uri
from tuner.records.trial import SweepRecord, TrialRecord


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths inside `runs/NAME-DATE-TIME-HASH/`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def sweep(self) -> Path:
        return self.path / "sweep.yaml"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def trials(self) -> Path:
        return self.path / "trials.parquet"

    @property
    def curves(self) -> Path:
        return self.path / "curves.parquet"

    @property
    def findings(self) -> Path:
        return self.path / "findings.jsonl"

    @property
    def study(self) -> Path:
        return self.path / "study.log"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def tracking(self) -> Path:
        """How far the tracking process came, and the ids of the MLflow runs."""
        return self.path / "tracking.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def pictures(self) -> Path:
        return self.path / "pictures"

    def picture_files(self) -> list[Path]:
        """What the task drew, or wrote, of its best trial; none before the sweep's end."""
        return sorted(self.pictures.iterdir()) if self.pictures.is_dir() else []

    def trial_checkpoints(self, trial: str) -> Path:
        return self.checkpoints / trial

    def best_checkpoint(self, record: SweepRecord) -> tuple[TrialRecord, Path] | None:
        """The best configuration's best training whose weights were kept, and where they are."""
        return None if record.best is None else self.kept_checkpoint(record, record.best.trial)

    def kept_checkpoint(self, record: SweepRecord, trial: str) -> tuple[TrialRecord, Path] | None:
        """The same of any configuration, by its trial (`0017`), or of one training on a further seed (`0017-2`).

        A file of weights, or the file or folder that a loop of the user's own kept.
        """
        asked = [one for one in record.trainings if trial in (one.trial, one.repeat_of)]
        return next(self._kept(asked, record.mode), None)

    def kept_checkpoints(self, record: SweepRecord) -> list[tuple[TrialRecord, Path]]:
        """Every training whose best weights were kept: that of `best_checkpoint` first, then by its value."""
        first = self.best_checkpoint(record)
        kept = self._kept(record.trainings, record.mode)
        return list(kept) if first is None else [first, *(pair for pair in kept if pair[0].trial != first[0].trial)]

    def _kept(self, trainings: Iterable[TrialRecord], mode: str) -> Iterator[tuple[TrialRecord, Path]]:
        """Those whose best weights were kept, the best value first."""
        sign = 1.0 if mode == "min" else -1.0
        valued = [one for one in trainings if one.value is not None]
        for one in sorted(valued, key=lambda t: sign * (t.value or 0.0)):
            for path in sorted(self.trial_checkpoints(one.trial).glob("best*"))[:1]:
                yield one, path

    def record(self) -> SweepRecord:
        """The sweep as its journal tells it, whether it still runs or not."""
        return Fold(str(self.path)).apply(read_journal(self.journal)).record()


def new_run_name(slug: str) -> str:
    """`digits-mlp-20261121-0551-7f3a`; the last part keeps two runs that begin in the same minute apart."""
    return f"{slug}-{datetime.now().strftime('%Y%m%d-%H%M')}-{os.urandom(2).hex()}"


def new_run_directory(runs: Path, name: str) -> RunDirectory:
    """A directory that is not there yet; nothing is written. Raises InputError for a name that is taken or is none."""
    found = RunDirectory(Path(os.path.abspath(runs)) / name)  # noqa: PTH100  (resolve() would follow links)
    cure = ""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}", name):
        cure = "write letters, digits, dots and dashes"
    elif found.path.exists():
        cure = f"is there already, in {found.path.parent}: choose another name, or go on with it by --resume {name}"
    if cure:
        raise InputError("no name for a new run", (Fault("--run-name", name, cure),))
    return found


def find_run(run: str | Path, runs: Path) -> RunDirectory:
    """`run` is a run directory, its name under `runs`, or the start of one that no other run shares; or the URI of one
    on storage, which is brought to `runs`.

    Raises InputError with the runs that there are.
    """
    if is_uri(run):
        from tuner.records.remote_run import fetch_run  # which needs pyarrow

        return fetch_run(str(run), runs)
    given = Path(run)
    for path in (given, runs / given):
        if (path / "journal.jsonl").is_file():
            return RunDirectory(Path(os.path.abspath(path)))  # noqa: PTH100  (resolve() would follow links)
    there = sorted(item.name for item in runs.iterdir() if (item / "journal.jsonl").is_file()) if runs.is_dir() else []
    starts = [name for name in there if name.startswith(str(run))]
    if len(starts) == 1:
        return RunDirectory(Path(os.path.abspath(runs / starts[0])))  # noqa: PTH100
    if starts:
        cure = f"name one of these runs whole: {', '.join(starts)}"
    elif there:
        cure = f"no such run; under {runs} there are: {', '.join(there[-5:])}"
    else:
        cure = f"no such run, and none under {runs}; --runs names another folder"
    raise InputError("no run of that name", (Fault("RUN", str(run), cure),))


def write_atomically(path: Path, text: str | bytes) -> None:
    """A reader sees the old file or the new one, never half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    if isinstance(text, bytes):
        half.write_bytes(text)
    else:
        half.write_text(text, encoding="utf-8")
    half.replace(path)
