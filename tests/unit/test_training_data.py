"""How examples are found, divided, limited and standardised."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.errors import InputError
from tuner.training.data import find_task, load_splits, load_test, raw
from tuner.training.division import stratified
from tuner.training.plan import TrainingPlan
from tuner.training.tasks import Digits, Examples, FashionMNIST, Task

SAMPLE = str(Path(__file__).parents[1] / "data")


def plan(task: str = "digits", **given: Any) -> TrainingPlan:
    return TrainingPlan(task, "unused", **given)


def fashion(**given: Any) -> TrainingPlan:
    return plan("fashion_mnist", data_dir=SAMPLE, **given)


class Tabular(Task):
    """Rows [i, 7] of class i % 3: a constant feature, and one that names the row."""

    name = "tabular"

    def load(self, folder: Path | None) -> Examples:
        rows = np.arange(300.0)
        return Examples(np.stack([rows, np.full(300, 7.0)], 1), rows.astype(int) % 3)


@pytest.fixture
def tabular(monkeypatch: pytest.MonkeyPatch) -> str:
    import sys

    monkeypatch.setitem(sys.modules, "my_tasks", sys.modules[Tabular.__module__])
    return "my_tasks:Tabular"


@pytest.mark.slow
def test_digits_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    examples = Digits().load(None)
    assert np.array_equal(examples.x.reshape(len(images), -1), images)
    assert np.array_equal(examples.y, labels)


def test_splits_divide_all_examples_and_share_none(tabular: str) -> None:
    splits = load_splits(plan(tabular))
    test_x, _ = load_test(plan(tabular))
    rows = [np.round(raw(x, splits)[:, 0]).astype(int) for x in (splits.train_x, splits.val_x, test_x)]
    assert [len(part) for part in rows] == [180, 60, 60]
    assert sorted(np.concatenate(rows)) == list(range(300))


def test_each_class_has_its_share_in_each_split() -> None:
    splits = load_splits(fashion())
    assert np.bincount(splits.train_y).tolist() == [400] * 10
    assert np.bincount(splits.val_y).tolist() == [80] * 10


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(5, 60), min_size=2, max_size=6),
    shares=st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (0.5, 0.5, 0.0)]),
    limit=st.one_of(st.none(), st.integers(20, 100)),
    seed=st.integers(0, 9),
)
def test_stratification_is_as_near_as_whole_numbers_allow(
    counts: list[int], shares: tuple[float, float, float], limit: int | None, seed: int
) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    parts = stratified(y, np.array(shares), limit, np.random.default_rng(seed))
    kept = min(limit or len(y), len(y))
    assert sum(map(len, parts)) == len(np.unique(np.concatenate(parts))) == kept
    for part, share in zip(parts, shares, strict=True):
        assert abs(len(part) - share * kept) <= 1
        for label, count in enumerate(counts):
            assert abs((y[part] == label).sum() - share * kept * count / len(y)) <= 2


def test_the_sweeps_seed_alone_decides_the_split() -> None:
    one, again, other = (load_splits(plan(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one.train_x, again.train_x)
    assert one.data_hash == again.data_hash != other.data_hash


def test_standardisation_is_fitted_on_the_training_split_only() -> None:
    splits = load_splits(fashion())
    assert abs(splits.train_x.mean()) < 1e-4
    assert splits.train_x.std() == pytest.approx(1, abs=1e-4)
    assert abs(splits.val_x.mean()) > 1e-4  # so these were not used
    assert raw(splits.val_x, splits).max() == pytest.approx(255, abs=0.01)


def test_a_constant_feature_is_not_divided_by_zero(tabular: str) -> None:
    splits = load_splits(plan(tabular))
    assert np.isfinite(splits.train_x).all()
    assert (splits.train_x[:, 1] == 0).all()


def test_a_tasks_own_test_set_stays_the_test_set() -> None:
    splits = load_splits(fashion())
    test_x, test_y = load_test(fashion())
    assert (splits.task.n_train, len(splits.val_y), splits.n_test) == (4000, 800, 1200)
    own = FashionMNIST().load(Path(SAMPLE))
    assert own.test_y is not None
    assert np.array_equal(test_y, own.test_y)
    assert np.allclose(raw(test_x, splits), own.test_x, atol=0.01)


def test_a_split_that_is_given_divides_everything() -> None:
    splits = load_splits(fashion(fixed={"split": (0.8, 0.1, 0.1)}))
    assert (splits.task.n_train, len(splits.val_y), splits.n_test) == (4800, 600, 600)


def test_a_limit_counts_all_splits_together() -> None:
    splits = load_splits(fashion(limit=600))
    assert splits.task.n_train + len(splits.val_y) + splits.n_test == 600
    assert np.bincount(splits.train_y).tolist() == [40] * 10
    assert load_splits(plan(limit=100)).task.n_train == 60
    assert load_splits(plan(limit=10**6)).task.n_train == load_splits(plan()).task.n_train


@pytest.mark.parametrize("split", [(0.5, 0.5), (0.8, 0.3, 0.1), (1.0, 0.0, 0.0), (1.2, -0.2, 0.0)])
def test_a_split_that_makes_no_sense_is_refused(split: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match=r"fixed\.split.*sum to 1"):
        load_splits(plan(fixed={"split": split}))


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(InputError, match=r"data\.limit = 1"):
        load_splits(plan(limit=1))


def test_an_absent_data_set_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_splits(plan("fashion_mnist", data_dir=str(tmp_path)))
    assert str(tmp_path / "FashionMNIST" / "raw") in str(caught.value)
    assert "TUNER_DATA" in str(caught.value)


def test_extracted_files_serve_as_well_as_packed_ones(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    shutil.copytree(Path(SAMPLE) / "FashionMNIST" / "raw", folder)
    for path in list(folder.glob("*.gz")):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
        path.unlink()
    assert load_splits(plan("fashion_mnist", data_dir=str(tmp_path))).data_hash == load_splits(fashion()).data_hash


def test_a_folder_that_cannot_be_written_is_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    shutil.copytree(Path(SAMPLE) / "FashionMNIST" / "raw", folder)
    folder.chmod(0o500)
    load_splits(plan("fashion_mnist", data_dir=str(tmp_path)))
    assert len(list(folder.iterdir())) == 4
    folder.chmod(0o700)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "FashionMNIST" / "raw"
    shutil.copytree(Path(SAMPLE) / "FashionMNIST" / "raw", folder)
    path = folder / "train-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match=r"train-labels-idx1-ubyte\.gz.*damaged"):
        load_splits(plan("fashion_mnist", data_dir=str(tmp_path)))


@pytest.mark.slow
def test_torchvision_reads_the_same(tmp_path: Path) -> None:
    import torchvision.datasets

    folder = tmp_path / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for path in (Path(SAMPLE) / "FashionMNIST" / "raw").glob("*.gz"):
        (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    theirs, own = torchvision.datasets.FashionMNIST(str(tmp_path), train=True), FashionMNIST().load(tmp_path)
    assert np.array_equal(theirs.data.numpy(), own.x[:, 0])
    assert np.array_equal(theirs.targets.numpy(), own.y)


@pytest.mark.parametrize("labels", [[0, 1], [0.5] * 300, [-1] * 300])
def test_labels_that_are_none_are_refused(tabular: str, monkeypatch: pytest.MonkeyPatch, labels: list[float]) -> None:
    examples = Examples(np.zeros((300, 2)), np.array(labels))
    monkeypatch.setattr(Tabular, "load", lambda self, folder: examples)
    with pytest.raises(InputError, match="y has to be as long as x"):
        load_splits(plan(tabular))


def test_what_is_no_task_is_refused() -> None:
    with pytest.raises(InputError, match="load"):
        find_task("pathlib:Path")
    with pytest.raises(InputError, match="no module"):
        find_task("no_such_package.tasks:Churn")
    with pytest.raises(InputError, match="has no"):
        find_task("tuner.training.tasks:Churn")
