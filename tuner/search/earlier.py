"""Trials of an Optuna study, read from its storage: a SQLite database, or a journal file such as our own `study.log`.

Nothing is written: a database is opened read-only, and one that Optuna did not make is refused before Optuna sees it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.errors import Fault, InputError
from tuner.records.earlier import Earlier, EarlierTrial
from tuner.records.trial import COMPLETED, FAILED, PRUNED

WHERE = "search.warm_start"
_ENDINGS = {TrialState.COMPLETE: COMPLETED, TrialState.PRUNED: PRUNED, TrialState.FAIL: FAILED}


def read_study(path: Path, name: str | None) -> Earlier:
    """The study of that name; None: the only one. Raises InputError with the names that there are."""
    storage = _storage(path)
    try:
        studies = {study.study_name: study for study in storage.get_all_studies()}
    except Exception as error:  # an older or newer schema, a damaged file: Optuna raises what its database raises
        text = " ".join(str(error).split())[:300]
        raise InputError("a study that cannot be read", (Fault(WHERE, str(path), text),)) from error
    if name is None and len(studies) == 1:
        (name,) = studies
    if name not in studies:
        there = ", ".join(studies) or "none"
        cure = f"name one of its studies behind a `#`: {path}#NAME; there are: {there}"
        raise InputError("which study", (Fault(WHERE, str(path) if name is None else f"{path}#{name}", cure),))
    study = studies[name]
    if len(study.directions) != 1:
        cure = "the study has several objectives: name one with a single objective"
        raise InputError("which objective", (Fault(WHERE, f"{path}#{name}", cure),))
    mode = {StudyDirection.MINIMIZE: "min", StudyDirection.MAXIMIZE: "max"}.get(study.directions[0])
    trials = storage.get_all_trials(study._study_id, deepcopy=False)
    return Earlier(f"{path.name}#{name}", tuple(_trial(trial) for trial in trials), mode)


def _trial(trial: FrozenTrial) -> EarlierTrial:
    reports = sorted(trial.intermediate_values.items())
    first = 1 if reports and reports[0][0] == 0 else 0  # steps that count from 0 are epochs from 1
    ending = _ENDINGS.get(trial.state)
    last = reports[-1][1] if reports else None
    return EarlierTrial(
        source=str(trial.number),
        settings=dict(trial.params),
        ending=ending,
        reports=tuple((step + first, value) for step, value in reports),
        value=trial.value if ending == COMPLETED else None,
        diverged=ending == PRUNED and last is not None and last != last,
    )


def _storage(path: Path) -> BaseStorage:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise InputError("no such study", (Fault(WHERE, str(path), f"cannot be read: {error.strerror}"),)) from None
    if head.startswith(b"SQLite format 3"):
        _check_tables(path)
        return RDBStorage(
            f"sqlite:///file:{quote(str(path.absolute()))}?mode=ro&uri=true",
            skip_table_creation=True,
        )
    if head.startswith(b"{"):
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            return JournalStorage(JournalFileBackend(str(path)))
        except Exception as error:
            cure = (
                "is no journal of Optuna's: name a SQLite database of Optuna's or a journal file, such as RUN/study.log"
            )
            raise InputError("no study", (Fault(WHERE, str(path), cure),)) from error
        finally:
            optuna.logging.set_verbosity(level)
    cure = "holds no study: name a SQLite database of Optuna's or a journal file, such as RUN/study.log"
    raise InputError("no study", (Fault(WHERE, str(path), cure),))


def _check_tables(path: Path) -> None:
    database = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)
    try:
        tables = {row[0] for row in database.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.DatabaseError as error:
        raise InputError("no study", (Fault(WHERE, str(path), f"cannot be read: {error}"),)) from None
    finally:
        database.close()
    if "studies" not in tables:
        cure = "is a database without Optuna's tables"
        cure += "; for MLflow's write mlflow:EXPERIMENT" if "experiments" in tables else ""
        raise InputError("no study", (Fault(WHERE, str(path), cure),))
