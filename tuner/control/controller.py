"""The controller: what happens to each trial, decided from reports, failures and the clock, and journalled first.

It never looks at the time or at a random number of its own: the driver hands in a clock, the searcher seeds each
suggestion by the trial's number. So the same events give the same lines, in one process, on Ray, and on resume.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tuner.control.clock import Budget
from tuner.control.control_trials import ControlTrials, control_line
from tuner.control.endings import diagnosed, ending_at_report, ending_lines, never_reported, not_finite
from tuner.control.losses import Nodes, lost_line, note_loss, wait_seconds
from tuner.control.repeats import Tried
from tuner.control.rules import Rules
from tuner.control.seeds import FurtherSeeds, further_seed_line
from tuner.control.suggestions import Suggestions
from tuner.control.trials import ENDED, PAUSED, RUNNING, WAITING, LiveTrial, trial_seed
from tuner.records.epochs import EVICTED, LOST, OUT_OF_MEMORY, PREEMPTED, STORAGE, Assignment, Failure, Report
from tuner.records.finding import Diagnosis, Finding
from tuner.records.fold import encode_facts, report_line
from tuner.records.journal import Line
from tuner.records.trial import COMPLETED, DOOMED, FAILED, INTERRUPTED, PRUNED, trial_name
from tuner.records.values import encode_number
from tuner.search.interface import PausingScheduler, Scheduler, Searcher

Write = Callable[[Sequence[Line]], None]
Clock = Callable[[], float]

EVICTIONS = 1
"""How often a trial may lose its worker for want of memory and be tried again."""


class Controller:
    """Events come in as method calls of a driver; lines go out through `write` before a method returns.

    A driver asks `next_assignment` for work, tells `started`, `on_report` (which answers whether the trial goes on) and
    `on_failure`, calls `silent_trials` now and then, and `finish` at the end. One thread at a time.
    """

    def __init__(
        self, rules: Rules, searcher: Searcher, scheduler: Scheduler, write: Write, clock: Clock = time.time
    ) -> None:
        self.rules = rules
        self.scheduler = scheduler
        # Asked once: whether something is of a protocol takes 50 µs, and each report would ask anew.
        self._pausing = scheduler if isinstance(scheduler, PausingScheduler) else None
        self.budget = Budget(rules, clock())
        self.suggestions = Suggestions(rules, searcher, self.budget)
        self.trials: dict[str, LiveTrial] = {}
        """Those of the search, and the trainings of their configurations on further seeds."""
        self.seeds = FurtherSeeds(rules)
        self.controls = ControlTrials(rules.controls, rules.mode)
        self.stopping: str | None = None
        """Why no further trial starts and running ones are to be interrupted; None while the sweep goes on."""
        self.stopped_by: str | None = None
        """`user`, `clock`, `target` or `storage`, once `stopping`."""
        self.nodes = Nodes()
        self.busy_seconds = 0.0
        """Wall seconds spent in here: suggesting, telling, deciding, writing."""
        self._write, self._clock = write, clock
        self._queue: deque[LiveTrial] = deque()
        self._running: dict[str, LiveTrial] = {}

    @property
    def searcher(self) -> Searcher:
        return self.suggestions.searcher

    @property
    def tried(self) -> Tried:
        return self.suggestions.tried

    @property
    def suggested(self) -> int:
        """How many trials the search has begun."""
        return self.suggestions.count

    # --- what to run ---------------------------------------------------------------------------------------------

    def next_assignment(self, *, wait: bool = True) -> Assignment | None:
        """Work for a free worker; None when there is none now (`done` tells whether there will be).

        Without `wait`, None too while the next suggestion is still being thought out: reports are answered meanwhile.
        """
        began = time.perf_counter()
        try:
            return self._next_assignment(wait)
        finally:
            self.busy_seconds += time.perf_counter() - began

    def _next_assignment(self, wait: bool) -> Assignment | None:
        self._look_at_the_clock()
        if self.stopping is not None:
            return None
        if self.rules.concurrency is not None and len(self._running) >= self.rules.concurrency:
            return None
        trial = self._queued() or self._control() or self._next_trial(wait)
        if trial is None:
            return None
        trial.state, trial.attempt, trial.last_sign = RUNNING, trial.attempt + 1, None
        self._running[trial.trial] = trial
        self.budget.at_once = max(self.budget.at_once, len(self._running))
        return trial.assignment(self.rules.max_epochs)

    def _queued(self) -> LiveTrial | None:
        """The first that is to be tried again and need not wait any longer."""
        now = self._clock() if self._queue else 0.0
        live = next((trial for trial in self._queue if trial.not_before <= now), None)
        if live is not None:
            self._queue.remove(live)
        return live

    def _control(self) -> LiveTrial | None:
        """Enter the next control trial."""
        decided = self.controls.decide()
        if decided is not None:
            self.tell(decided)
        live = self.controls.next()
        if live is not None:
            self.add_control(live)
            self.tell(control_line(live))
        return live

    def add_control(self, live: LiveTrial) -> None:
        """Also what a replay calls."""
        self.trials[live.trial] = live
        self.controls.add(live)

    def _next_trial(self, wait: bool) -> LiveTrial | None:
        again = self._again(self.seeds.next_repeat())
        # Promoted after a suggestion too: the searcher may just have said that it has no more.
        return again or self._promote() or self._suggest(wait) or self._promote() or self._final()

    def _again(self, live: LiveTrial | None) -> LiveTrial | None:
        """Enter a training on a further seed."""
        if live is not None:
            self.add_further(live)
            self.tell(further_seed_line(live))
        return live

    def add_further(self, live: LiveTrial) -> None:
        """Also what a replay calls."""
        self.trials[live.trial] = live
        self.seeds.add(live)

    def _final(self) -> LiveTrial | None:
        """The finalists' next training; they are chosen when nothing of the search runs any more."""
        if self.rules.final_top and self.seeds.finalists is None and not self._running and self._search_is_over:
            for live, diagnosis in diagnosed([t for t in self.trials.values() if t.state == PAUSED], self.rules):
                self._end_paused(live, diagnosis)
            self.seeds.finalists = self.seeds.chosen()
            if self.seeds.finalists:
                chosen, seeds = list(self.seeds.finalists), self.rules.final_seeds
                self.tell({"kind": "finalists", "trials": chosen, "seeds": seeds})
        return self._again(self.seeds.next_final())

    def _end_paused(self, live: LiveTrial, diagnosis: Diagnosis) -> None:
        """It waited at its rung for others that will not come; it waits again should the sweep be extended."""
        reason = f"still paused at the end: {live.paused}"
        *seen, line = self._ending(live, PRUNED, reason, None, diagnosis=diagnosis)
        self.tell(*seen, line | {"paused": True})

    def _promote(self) -> LiveTrial | None:
        """The paused trial that has earned its next rung, if there is one."""
        name = self._next_promoted()
        if name is None:
            return None
        live = self.trials[name]
        self.promote(live)
        self.tell({"kind": "promotion", "trial": name, "epoch": live.last_epoch})
        return live

    def promote(self, live: LiveTrial) -> None:
        """Tell the scheduler that the trial goes on; also what a replay calls."""
        assert self._pausing is not None
        self._pausing.on_trial_promoted(live.trial)
        live.paused = None

    def _next_promoted(self) -> str | None:
        if self._pausing is None:
            return None
        last = not (self.more_to_suggest or self._queue or self._running)
        return self._pausing.next_promoted(last=last)

    def _suggest(self, wait: bool) -> LiveTrial | None:
        found = self.suggestions.next(wait=wait)
        if found is None:
            return None
        trial = self.add_trial(found.number, found.config, found.origin)
        self.tell(found.line(trial.trial, trial.seed))
        self.prepare_next()
        return trial

    def prepare_next(self) -> None:
        """Have the next suggestion thought out; also what a replay calls."""
        self.suggestions.prepare_next()

    def add_trial(self, number: int, config: Any, origin: str) -> LiveTrial:
        """Enter a trial that the searcher knows of already; the journal line is the caller's."""
        trial = LiveTrial(trial_name(number), number, config, origin, trial_seed(self.rules.seed, number))
        self.trials[trial.trial] = trial
        self.seeds.add(trial)
        self.suggestions.add(trial.trial, number, config)
        return trial

    def warm(self, line: Line) -> None:
        """An earlier run's trial, which is none of this sweep's; also what a replay calls."""
        self.suggestions.warm(line)

    def requeue(self, trial: LiveTrial) -> None:
        """Hand the trial out again before anything new, from its last checkpoint."""
        trial.state, trial.ending, trial.last_sign = WAITING, None, None
        self._queue.append(trial)

    @property
    def done(self) -> bool:
        """Nothing runs, and nothing will."""
        if self._running:
            return False
        return self.stopping is not None or (self._search_is_over and not self.seeds.left and not self.controls.left)

    @property
    def more_to_suggest(self) -> bool:
        """The searcher is to be asked again, as far as is known."""
        return self.suggestions.more

    @property
    def _search_is_over(self) -> bool:
        """Nothing is left to be handed out but further seeds."""
        return not self.more_to_suggest and not self._queue and self._next_promoted() is None

    # --- what happens to it --------------------------------------------------------------------------------------

    def started(self, trial: str, attempt: int, node: str | None = None) -> None:
        """A worker has taken the trial up."""
        live = self._current(trial, attempt)
        if live is None:
            return
        live.last_sign, live.node = self._clock(), node or live.node
        self.tell({"kind": "start", "trial": trial, "attempt": attempt, "after_epoch": live.last_epoch})

    def on_report(self, report: Report) -> bool:
        """An epoch is done: whether the trial goes on. A stale worker's report is dropped, and it is told to stop."""
        began = time.perf_counter()
        try:
            return self._on_report(report)
        finally:
            self.busy_seconds += time.perf_counter() - began

    def _on_report(self, report: Report) -> bool:
        live = self._current(report.trial, report.attempt)
        if live is None:
            return False
        live.last_sign = self._clock()
        live.node = report.node or live.node
        epoch = report.epoch
        if epoch.epoch == live.last_epoch and report.finished is not None:  # its loop ended by itself after all
            live.finished = report.finished
            self.tell(*self._ending(live, COMPLETED, report.finished, None))
            return False
        if epoch.epoch <= live.last_epoch:  # trained again after a loss: the journal has it
            self.tell(
                {
                    "kind": "repeated",
                    "trial": live.trial,
                    "attempt": live.attempt,
                    "epoch": epoch.epoch,
                    "seconds": round(epoch.seconds, 6),
                }
            )
            return self.stopping is None
        line = report_line(epoch, live.trial, live.attempt, live.last_sign)
        if report.facts is not None:
            line["facts"] = encode_facts(report.facts)
        if report.node is not None:
            line["node"] = report.node
        if report.finished is not None:
            line["finished"] = report.finished
        lines = [line, *self.take_report(live, report)]
        ending = ending_at_report(live, self.rules)
        if ending is not None:
            lines += self._ending(live, *ending)
        elif live.paused is not None:
            del self._running[live.trial]
            live.state = PAUSED
        self.tell(*lines)
        reached = None if live.control else self.seeds.reached(live, epoch.metrics)
        if reached is not None:
            self.request_stop("target", reached)
        return live.state == RUNNING and self.stopping is None

    def take_report(self, live: LiveTrial, report: Report) -> list[dict[str, Any]]:
        """Bring trial, searcher and scheduler up to this report; returns the rung's line, if it met one.

        Also what a replay of the journal calls: the state after it is a function of the reports' order alone.
        """
        self.budget.spend(report.epoch)
        live.facts = report.facts or live.facts
        live.finished = report.finished
        live.lost_in_a_row = 0
        value = live.take(report.epoch, self.rules.metric, self.rules.mode)
        if value is None or not live.is_search:
            return []
        self.searcher.on_trial_result(live.number, report.epoch.epoch, value)
        oriented = value if self.rules.mode == "min" else -value
        rung = self.scheduler.on_trial_result(live.trial, report.epoch.epoch, oriented)
        if rung is None:
            return []
        live.stop_at_rung = None if rung.promoted or rung.paused else rung.reason
        live.paused = rung.reason if rung.paused else None
        line = {
            "kind": "rung",
            "trial": live.trial,
            "epoch": rung.epoch,
            "value": encode_number(value),
            "promoted": rung.promoted,
            "reason": rung.reason,
        }
        return [line | {"paused": True} if rung.paused else line]

    def on_failure(self, failure: Failure) -> None:
        """The worker cannot go on: retried from the last checkpoint when it was lost, else the trial has failed.

        A trial whose worker was ended for want of memory is tried once more, as its neighbours may have filled the
        node; the second time it is the trial that does not fit. A pre-emption is not held against it. Where checkpoints
        cannot be written again and again, no trial would keep anything: the sweep stops, to be resumed.
        """
        live = self._current(failure.trial, failure.attempt)
        if live is None:
            return
        live.node = failure.node or live.node
        lost = failure.kind in (LOST, EVICTED, PREEMPTED, STORAGE)
        if lost and self.stopping is not None:
            self.tell(*self._ending(live, INTERRUPTED, self.stopping, None))
            return
        if lost:
            note_loss(live, failure.kind)
            if live.losses <= self.rules.retries and live.evictions <= EVICTIONS:
                self._retry(live, failure)
                return
        if failure.kind == STORAGE:
            self.request_stop("storage", f"checkpoints cannot be written: {failure.message}")
            self.tell(*self._ending(live, INTERRUPTED, self.stopping or "", None))
            return
        reason = failure.message
        if failure.kind == EVICTED:
            failure = replace(failure, kind=OUT_OF_MEMORY)
            reason = f"out of memory: its worker was ended {_times(live.evictions)}; at last: {failure.message}"
        elif failure.kind == LOST:
            reason = f"out of retries: its worker was lost {_times(live.losses)}; at last: {failure.message}"
        live.failures += 1
        self.tell(*self._ending(live, FAILED, reason, None, failure=failure))

    def _retry(self, live: LiveTrial, failure: Failure) -> None:
        """Hand it out again, when it has waited; from its last checkpoint."""
        now = self._clock()
        wait = wait_seconds(live.lost_in_a_row + (failure.kind == STORAGE))  # storage needs time, not another node
        line = lost_line(live, failure) | {"at": now}
        if failure.node is not None:
            line["node"] = failure.node
        if failure.node_gone:
            line["node_gone"] = True
        if wait:
            line["wait"] = wait
        avoid = self.nodes.on_lost(line)
        del self._running[live.trial]
        self.tell(line, *([] if avoid is None else [avoid]))
        self.requeue(live)
        live.not_before = now + wait

    def seconds_to_wait(self) -> float | None:
        """Until the next trial that lost its worker may be handed out; None where none waits."""
        waiting = [live.not_before for live in self._queue]
        return max(0.0, min(waiting) - self._clock()) if waiting and self.stopping is None else None

    def avoided_nodes(self) -> tuple[str, ...]:
        """Those on which no further worker is to be started while others have room."""
        return self.nodes.avoided(self._clock())

    def silent_trials(self) -> tuple[str, ...]:
        """Trials without a sign of life for too long: they have ended as failed, the driver kills their workers."""
        self._look_at_the_clock()
        limit = self.rules.silent_seconds
        if limit is None:
            return ()
        now = self._clock()
        silent = [t for t in self._running.values() if t.last_sign is not None and now - t.last_sign > limit]
        for live in silent:
            since = now - (live.last_sign or now)
            text = f"silent: no sign of life for {since / 60:.3g} minutes after epoch {live.last_epoch}"
            self.on_failure(Failure(live.trial, live.attempt, "silent", text))
        return tuple(live.trial for live in silent)

    def request_stop(self, by: str, reason: str) -> None:
        """No further trial starts; what runs is interrupted at its next report or by `finish`."""
        if self.stopping is None:
            self.stopping, self.stopped_by = reason, by

    def _look_at_the_clock(self) -> None:
        now = self._clock()
        over = self.budget.over(now)
        if over is not None:
            self.request_stop("clock", over)
        elif self.budget.time_for_finalists(now) and self.stopping is None:
            self.budget.search_over = "the rest of the budget is for the finalists"
            self.tell({"kind": "search_over", "reason": self.budget.search_over})

    def finish(self) -> None:
        """The driver has stopped all workers: what has not ended is interrupted, or pruned where it still waited at
        its rung when there was nothing left to try."""
        left = [trial for trial in self.trials.values() if trial.state in (RUNNING, PAUSED)]
        for live, diagnosis in diagnosed(left, self.rules):
            if live.state == PAUSED and self.stopping is None:
                self._end_paused(live, diagnosis)
            else:
                reason = self.stopping or "the driver stopped"
                self.tell(*self._ending(live, INTERRUPTED, reason, None, diagnosis=diagnosis))
        for live in self._queue:
            if live.lost_in_a_row:  # it waited to be tried again
                self.tell(*self._ending(live, INTERRUPTED, self.stopping or "the driver stopped", None))
        self._queue.clear()

    # --- how it ends ---------------------------------------------------------------------------------------------

    def end_what_is_over(self) -> None:
        """After a replay: trials whose last report ended them, though the driver died before it could say so."""
        for live in self.trials.values():
            if live.state != ENDED and live.epochs:
                ending = ending_at_report(live, self.rules)
                if ending is not None:
                    if live in self._queue:
                        self._queue.remove(live)
                    self.tell(*self._ending(live, *ending))

    def _ending(
        self,
        live: LiveTrial,
        ending: str,
        reason: str,
        seen: Finding | None,
        *,
        failure: Failure | None = None,
        diagnosis: Diagnosis | None = None,
    ) -> list[dict[str, Any]]:
        """`diagnosis`: where it was made already."""
        if ending == COMPLETED and live.value is None:
            ending, reason = FAILED, never_reported(live, self.rules.metric)
        self.note_ending(live, ending, out_of_memory=failure is not None and failure.kind == OUT_OF_MEMORY)
        if diagnosis is None:
            ((_, diagnosis),) = diagnosed([live], self.rules)
        return ending_lines(live, ending, reason, seen, diagnosis, failure)

    def note_ending(self, live: LiveTrial, ending: str, *, out_of_memory: bool = False) -> None:
        """Tell searcher and scheduler of an ending, as the table of endings says; also what a replay calls."""
        self._running.pop(live.trial, None)
        live.state, live.ending = ENDED, ending
        if ending == INTERRUPTED:
            return  # goes on after a resume: nobody is told
        diverged = ending == DOOMED and any(not_finite(value) for value in live.epochs[-1].metrics.values())
        told = None if live.control else self.seeds.on_ending(live, ending, diverged=diverged or out_of_memory)
        if told is not None:
            self.suggestions.on_end(told)
        if ending in (DOOMED, FAILED) and live.is_search:
            self.scheduler.on_trial_lost_for_good(live.trial, worst=ending == DOOMED or out_of_memory)

    def _current(self, trial: str, attempt: int) -> LiveTrial | None:
        live = self._running.get(trial)
        return live if live is not None and live.attempt == attempt else None

    def tell(self, *lines: dict[str, Any]) -> None:
        """Write lines with the time of now."""
        now = self._clock()
        self._write([{"at": now, **line} for line in lines])


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
