"""The numbers behind a finding, each in words and with its unit, for the page and for the terminal.

A finding's evidence is names and plain numbers (`Finding.evidence`), as records and programs want them. Here each is
told as a phrase: a share in per cent, a p value as a probability, epochs, trials and seconds by their names. A loss
stands in its own unit, as it was reported.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from tuner.records.finding import Finding
from tuner.report.wording import number, printable

Kind = Literal["number", "share", "whole", "chance", "seconds", "said"]
"""How the number is written; `said`: the phrase alone says it, where the number is not 0."""

LAST: tuple[str, Kind] = ("seen up to epoch {}", "whole")
CHANCE: tuple[str, Kind] = ("by chance alone with a probability of {}", "chance")
GROUP = "cut at "
"""`diverges_above` names a number for each group of trials: what follows is the group's name."""

GOES_ON = ("to ", "and ", "of ")
"""Beginnings of phrases that go on with the one before: no comma."""

WORDS: Mapping[str, Mapping[str, tuple[str, Kind]]] = {
    "bad_initialisation": {
        "excess": ("{} above the loss of the best constant answer", "share"),
        "initial": ("first loss {}", "number"),
        "baseline": ("loss of the best constant answer {}", "number"),
    },
    "diverged": {
        "not_finite": ("the training loss is not a finite number", "said"),
        "val_not_finite": ("the validation loss is not a finite number", "said"),
        "excess": ("{} times as far above the start as the start is above the best", "number"),
        "last": ("last loss {}", "number"),
        "start": ("loss at the start {}", "number"),
    },
    "easy_validation": {
        "below": ("training loss above validation by {} of the best validation loss", "share"),
        "often": ("so in {} of the epochs", "share"),
        "evaluation_mode": ("training loss measured in evaluation mode, too", "said"),
    },
    "memorisation": {
        "train_fall": ("training loss fell {}", "share"),
        "gap": ("gap {} of the best validation loss", "share"),
        "val_rise": ("validation loss {} above its best", "share"),
        "last_epoch": LAST,
    },
    "noisy_validation": {
        "jumps": ("validation loss jumps by {} an epoch", "share"),
        "train_jumps": ("training loss by {}", "share"),
        "sigma": ("standard deviation of the validation loss {}", "number"),
    },
    "not_learning": {
        "learnt": ("{} of the way from knowing nothing to a loss of 0", "share"),
        "reference": ("loss of knowing nothing {}", "number"),
        "best": ("training loss {}", "number"),
        "epochs": ("after {} epochs", "whole"),
        "first": ("in the first epoch {}", "number"),
    },
    "out_of_memory": {
        "failed": ("{} trials ran out of memory", "whole"),
        "failed_from": ("the smallest product of sizes that did {}", "number"),
        "largest_that_fits": ("the largest that fitted {}", "number"),
        "above": ("{} trials above the cut", "whole"),
        "failed_above": ("{} of these failed", "whole"),
        "below": ("{} trials below it", "whole"),
        "failed_below": ("{} of these failed", "whole"),
        "chance": CHANCE,
        "trials": ("of {} trials", "whole"),
    },
    "overfitting": {
        "val_rise": ("validation loss {} above its best", "share"),
        "train_fall": ("training loss fell {} since", "share"),
        "rise_in_sigmas": ("the rise is {} standard errors", "number"),
        "best_epoch": ("best at epoch {}", "whole"),
        "last_epoch": LAST,
    },
    "plateau": {
        "drop": ("then it fell {} at once", "share"),
        "learnt": ("{} of the way to a loss of 0 learnt", "share"),
        "jumps": ("the loss jumps by {} an epoch", "share"),
    },
    "slow_learning": {
        "learnt": ("{} of the way to a loss of 0 learnt", "share"),
        "late": ("{} of that in the later half", "share"),
        "last_epoch": LAST,
    },
    "train_eval_mismatch": {
        "above": ("in evaluation mode {} above", "share"),
        "train_end": ("training loss while training {}", "number"),
        "train_eval_end": ("training loss in evaluation mode {}", "number"),
    },
    "underfitting": {
        "learnt": ("{} of the way to a loss of 0 learnt", "share"),
        "train_end": ("training loss at the end {}", "number"),
        "reference": ("loss of knowing nothing {}", "number"),
        "fall_to_come": ("{} of it still to come in as many epochs", "share"),
        "last_epoch": LAST,
    },
    "undertrained": {
        "train_to_come": ("{} of the training loss to come in as many epochs", "share"),
        "val_to_come": ("{} of the validation loss", "share"),
        "more_epochs": ("{} more epochs bring most of it", "whole"),
        "last_epoch": LAST,
    },
    "unrepresentative_training_data": {
        "gap": ("gap {} of the best validation loss at the end", "share"),
        "gap_half": ("{} at half time", "share"),
        "train_fall": ("training loss fell {} since then", "share"),
    },
    "unstable": {
        "rise": ("{} of the gain lost again", "share"),
        "jumps": ("jumps of {} of the gain an epoch", "share"),
        "spikes": ("{} spikes", "whole"),
        "lifted": ("the worst epochs {} of the gain above the best before", "share"),
        "leap": ("a leap of {} of the gain", "share"),
        "not_finite_once": ("the loss was not a finite number once", "said"),
    },
    "batch_and_lr_coupled": {
        "slope": ("power {}", "number"),
        "slope_low": ("90 % interval from {}", "number"),
        "slope_high": ("to {}", "number"),
        "trials": ("of {} trials", "whole"),
    },
    "best_at_boundary": {
        "near": ("{} good trials near the bound", "whole"),
        "good": ("of {} good ones", "whole"),
        "chance": CHANCE,
    },
    "best_at_last_epoch": {
        "late": ("{} trials still improving", "whole"),
        "reached": ("of the {} best that reached the end", "whole"),
        "chance": CHANCE,
        "gain": ("the last quarter brought {} of all improvement", "share"),
    },
    "capacity_short": {
        "gap": ("{} of the way from the baseline to the lowest training loss is missing", "share"),
        "chance": CHANCE,
        "small": ("{} small trials", "whole"),
        "large": ("{} large ones", "whole"),
    },
    "diverges_above": {
        "cut": ("cut at {}", "number"),
        "above": ("{} trials above it", "whole"),
        "lost_above": ("{} of these diverged", "whole"),
        "lost_below": ("{} of those below", "whole"),
        "chance": CHANCE,
    },
    "mostly_one_symptom": {
        "trials": ("{} trials", "whole"),
        "judged": ("of {} that could be judged", "whole"),
        "share": ("which is {}", "share"),
    },
    "no_progress": {
        "early": ("{} early trials", "whole"),
        "later": ("{} later ones", "whole"),
        "chance": ("they score so much better by chance with a probability of {}", "chance"),
    },
    "parameter_idle": {
        "importance": ("{} of how the trials rank", "share"),
        "importance_high": ("at most {}", "share"),
        "explained": ("all parameters together explain {}", "share"),
        "trials": ("of {} trials", "whole"),
    },
    "slow_steps": {
        "waiting": ("{} of the time waiting for data", "share"),
        "seconds_waiting": ("{} an epoch", "seconds"),
        "seconds": ("{} a step", "seconds"),
        "slow": ("{} trials are slow", "whole"),
        "trials": ("of {} trials", "whole"),
    },
    "stopped_too_early": {
        "correlation": ("rank correlation {} (from -1 to 1)", "number"),
        "low": ("90 % interval from {}", "number"),
        "high": ("to {}", "number"),
        "trials": ("of {} trials", "whole"),
        "rung": ("between epoch {}", "whole"),
        "later": ("and epoch {}", "whole"),
    },
    "winner_is_lucky": {
        "optimism": ("luck {}", "number"),
        "expected": ("expected on other data {}", "number"),
        "noise": ("standard deviation of one value {}", "number"),
        "trials": ("of {} trials", "whole"),
        "contenders": ("{} within reach of the best", "whole"),
        "n_val": ("{} validation examples", "whole"),
    },
    "within_noise": {
        "tied": ("{} configurations tied", "whole"),
        "behind": ("their means lie within {}", "number"),
        "deviation": ("standard deviation between seeds {}", "number"),
    },
}


def told(finding: Finding) -> str:
    """All of a finding's numbers, as phrases; empty where there are none."""
    words = WORDS.get(finding.symptom, {})
    text = ""
    for name, value in finding.evidence.items():
        phrase = _phrase(name, float(value), words)
        link = "" if not text or not phrase else " " if phrase.startswith(GOES_ON) else ", "
        text += link + phrase
    return text


def _phrase(name: str, value: float, words: Mapping[str, tuple[str, Kind]]) -> str:
    if name not in words:  # a group's name, or a symptom of a file that another version wrote
        return f"{printable(name)}: {number(value)}" if name.startswith(GROUP) else f"{printable(name)} {number(value)}"
    phrase, kind = words[name]
    if kind == "said":
        return phrase if value else ""
    return phrase.format(_written(value, kind))


def _written(value: float, kind: Kind) -> str:
    if not math.isfinite(value):
        return number(value)
    if kind == "share":
        near = 0.0 if abs(value) < 5e-4 else 100 * value
        return f"{near:.3g} %" if abs(value) < 1e3 else f"{number(value)} times"
    if kind == "whole":
        return f"{value:,.0f}"
    if kind == "chance":
        return number(value, 2)
    return f"{number(value, 3)} s" if kind == "seconds" else number(value)
