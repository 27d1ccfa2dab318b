"""Optuna's storage in memory, of which samplers see a window: what a suggestion costs does not grow with the sweep."""

from __future__ import annotations

import copy
import math
from collections.abc import Container

from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.search.window import Limits, Rank, Window

RUNNING = 256
"""Running trials that are seen at most, the latest: those that a scheduler has paused run, too, for Optuna."""


class WindowedStorage(InMemoryStorage):
    """Holds one study. A trial out of the window is dropped with all that was known of it; running ones are kept."""

    def __init__(self, limits: Limits, mode: str) -> None:
        super().__init__()
        self._sign = 1.0 if mode == "min" else -1.0
        self._window = Window(limits)
        self._seen: dict[int, None] = {}
        """Trials that ended, in the window."""
        self._running: dict[int, None] = {}

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        trial_id = super().create_new_trial(study_id, template_trial)
        self._running[trial_id] = None
        return trial_id

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: object = None) -> bool:
        done = super().set_trial_state_values(trial_id, state, values)  # type: ignore[arg-type]
        if state.is_finished() and self._running.pop(trial_id, 0) is None:
            self._end(self.get_trial(trial_id))
        return done

    def get_all_trials(
        self,
        study_id: int,  # noqa: ARG002
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Of the trials that are seen; in the order in which they began, which is what weights go by."""
        if states == (TrialState.WAITING,):
            return []
        running = list(self._running)[-RUNNING:]
        trials = [self.get_trial(trial_id) for trial_id in sorted([*self._seen, *running])]
        trials = [trial for trial in trials if states is None or trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def _end(self, trial: FrozenTrial) -> None:
        if trial.state == TrialState.FAIL:  # Optuna's samplers learn nothing from it
            gone: tuple[int, ...] = (trial._trial_id,)
        else:
            self._seen[trial._trial_id] = None
            gone = self._window.end(trial._trial_id, self._rank(trial))
        for trial_id in gone:
            self._seen.pop(trial_id, None)
            self._set_trial(trial_id, _DROPPED)

    def _rank(self, trial: FrozenTrial) -> Rank:
        """Optuna's own order: complete trials by value, then pruned ones, those that lasted longest first."""
        if trial.state == TrialState.COMPLETE:
            assert trial.value is not None
            return 0.0, self._sign * trial.value
        if trial.last_step is None:
            return (2.0,)
        value = self._sign * trial.intermediate_values[trial.last_step]
        return 1.0, -trial.last_step, math.inf if math.isnan(value) else value


_DROPPED = create_trial(state=TrialState.FAIL)
"""Stands where a trial was."""
