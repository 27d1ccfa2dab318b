"""Text a character at a time: windows and tokens, networks that see only what came before, counting, and writing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from catalogue_rows.char_lm import bits
from torch import nn
from training_kit import assignment

from tuner.errors import InputError
from tuner.records.epochs import Report
from tuner.training.data import load_splits
from tuner.training.device_data import EVALUATED_LOGITS, DeviceCache
from tuner.training.generate import write_text
from tuner.training.models import rnn, transformer
from tuner.training.plan import TrainingPlan
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import Text, TinyShakespeare
from tuner.training.tasks.text import decode, encode
from tuner.training.worker import TrialWorker

ALPHABET = "\nabc "
TASK = TaskInfo("text", (12,), 0, 100, kind="tokens", outputs=5, vocabulary=5, characters=ALPHABET)


def test_characters_become_numbers_and_back() -> None:
    tokens, characters = encode("häß 😀\nh")
    assert characters == "\n hßä😀"
    assert decode(tokens, characters) == "häß 😀\nh"


def test_windows_do_not_overlap_and_each_character_is_predicted_once(tmp_path: Path) -> None:
    text = "abcdefghijkl" * 3
    (tmp_path / "mine.txt").write_text(text, encoding="utf-8")
    made = Text(steps=5).load(tmp_path)
    assert made.y is not None
    assert made.ordered
    assert made.vocabulary == len(made.characters) == 12
    assert decode(made.x.ravel(), made.characters) == text[:35]
    assert decode(made.y.ravel(), made.characters) == text[1:36]


def test_a_text_that_is_not_there_says_where_it_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tinyshakespeare\.txt .*TUNER_DATA"):
        TinyShakespeare().load(None)
    (tmp_path / "a.txt").write_text("ab" * 20)
    with pytest.raises(InputError, match="too few for three windows"):
        Text().load(tmp_path)
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match=r"a\.txt, b\.txt: leave one"):
        Text().load(tmp_path)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(InputError, match="UTF-8"):
        Text().load(tmp_path)


@pytest.mark.parametrize("network", ["rnn", "transformer"])
def test_no_output_sees_a_later_token(network: str) -> None:
    torch.manual_seed(0)
    made = rnn.build(TASK, width=8) if network == "rnn" else transformer.build(TASK, width=8, heads=2)
    made.eval()
    tokens = torch.randint(5, (3, 12))
    changed = tokens.clone()
    changed[:, 7] = (changed[:, 7] + 1) % 5
    before, after = made(tokens), made(changed)
    assert before.shape == (3, 12, 5)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7], after[:, 7])
    assert not torch.allclose(before[:, 11], after[:, 11])  # and what came before is seen to the end


def test_a_transformer_says_what_it_cannot_do() -> None:
    with pytest.raises(InputError, match="multiple of them"):
        transformer.build(TASK, width=10, heads=4)
    with pytest.raises(InputError, match="take rnn or cnn1d"):
        transformer.build(TaskInfo("adding", (12, 2), 0, 100, kind="values", outputs=1))


def test_an_evaluation_holds_few_logits_at_once(tmp_path: Path) -> None:
    (tmp_path / "wide.txt").write_text("".join(map(chr, range(300, 2300))) * 40, encoding="utf-8")
    splits = load_splits(TrainingPlan("text", str(tmp_path), data_dir=str(tmp_path), fixed={"steps": 100}))
    data = DeviceCache(splits, torch.device("cpu")).get()
    sizes = [len(x) for x, _ in data.validation()]
    assert sum(sizes) == data.n_val
    assert max(sizes) == EVALUATED_LOGITS // (100 * 2000)


def test_text_is_learnt_and_written_again(tmp_path: Path) -> None:
    """A text that repeats itself: a small network has it by heart, and goes on from any place in it."""
    (tmp_path / "song.txt").write_text("abc abcc\n" * 300)
    fixed = {"steps": 18, "lr": 0.03, "batch_size": 8, "cell": "gru", "width": 16}
    plan = TrainingPlan("text", str(tmp_path), model="rnn", data_dir=str(tmp_path), fixed=fixed, max_epochs=6)
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(assignment(plan))
    reports = [worker.step() for _ in range(6)]
    last = reports[-1]
    assert isinstance(last, Report)
    assert last.epoch.metrics["val_bits"] < 0.5
    session = worker._session
    model, task = session.trainer.model.eval(), session.data.task  # type: ignore[union-attr]
    assert write_text(model, task, prompt="abc abcc\nab", length=16, temperature=0) == "c abcc\nabc abcc\n"


class Next(nn.Module):
    """Says that the character after the last one in the alphabet comes next; remembers nothing."""

    def __init__(self, sure: float) -> None:
        super().__init__()
        self.sure, self.longest = sure, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.longest = max(self.longest, x.shape[1])
        return self.sure * nn.functional.one_hot((x + 1) % 5, 5).float()


def test_the_likeliest_character_the_seed_and_the_temperature() -> None:
    network = Next(2.0)
    assert write_text(network, TASK, prompt="a", length=7, temperature=0) == "bc \nabc"
    assert network.longest == 7
    assert write_text(network, TASK, length=3, temperature=0) == "abc"  # as after a line's end
    once, again, other = (write_text(network, TASK, length=40, temperature=1, seed=seed) for seed in (1, 1, 2))
    assert once == again != other
    assert network.longest == 12  # as many as in training
    cold = write_text(network, TASK, length=40, temperature=0.05, seed=1)
    assert cold == write_text(network, TASK, length=40, temperature=0)


def test_a_network_that_remembers_writes_as_one_that_reads_it_all_again() -> None:
    torch.manual_seed(3)
    network = rnn.build(TASK, width=8).eval()
    forget = nn.Sequential(network)  # hides that it could go on
    kept, read = (write_text(made, TASK, prompt="ab", length=9, seed=5) for made in (network, forget))
    assert kept == read


def test_what_cannot_be_written_is_refused_with_the_cure() -> None:
    with pytest.raises(InputError, match="'x', 'z'"):
        write_text(Next(1.0), TASK, prompt="axzb")
    with pytest.raises(InputError, match="no characters"):
        write_text(Next(1.0), TaskInfo("digits", (1, 8, 8), 10, 100))


def test_counting_by_hand() -> None:
    """Learnt `abab`, judged `ba`: the first character is given, and `a` after `b` is predicted.

    Alone: a twice of 4, 2 distinct, (2 + 2 · 1/2) / (4 + 2) = 1/2. After b: b was followed once, by a: (1 + 1 · 1/2) /
    (1 + 1) = 3/4.
    """
    learnt, judged = np.array([0, 1, 0, 1]), np.array([1, 0])
    assert bits(learnt, judged, 1, 2) == pytest.approx(1.0)
    assert bits(learnt, judged, 2, 2) == pytest.approx(-math.log2(3 / 4))
    # A context never seen leaves the shorter one's answer: `b b` was not, so 3/4 again.
    assert bits(learnt, judged, 3, 2) == pytest.approx(-math.log2(3 / 4))


def test_a_sample_of_the_best_network_is_written(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("abc abcc\n" * 60)
    fixed = {"steps": 18, "width": 8}
    plan = TrainingPlan("text", str(tmp_path), model="rnn", data_dir=str(tmp_path), fixed=fixed, max_epochs=1)
    worker = TrialWorker(plan, load_splits(plan))
    worker.open(assignment(plan))
    assert isinstance(worker.step(), Report)
    (path,) = tmp_path.glob("*/pictures/*")
    text = path.read_text(encoding="utf-8")
    assert path.name == "sample.txt"
    assert len(text) == 800
    assert set(text) <= set("abc \n")
