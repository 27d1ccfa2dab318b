"""What an error says of memory, quoted: the texts are those of the libraries, as they raise them."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch

from tuner.records.epochs import Assignment
from tuner.training import shortage as texts
from tuner.training.failures import failure, failure_message
from tuner.training.shortage import shortage

GPU = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.72 GiB of which 1.31 GiB is "
    "free. Including non-PyTorch memory, this process has 138.40 GiB memory in use."
)
FRACTION = (
    "CUDA out of memory. Allocation was preemptively rejected because it would exceed per_process_memory_fraction "
    "limit. Requested size: 512.00 MiB"
)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (torch.OutOfMemoryError(GPU), "2.00 GiB more asked for, 1.31 GiB of 139.72 GiB free on the GPU"),
        (torch.OutOfMemoryError(FRACTION), "512.00 MiB more asked for"),
        (torch.OutOfMemoryError("CUDA out of memory."), ""),
        (torch.OutOfMemoryError("something new, 3 GiB"), ""),
        (MemoryError(), ""),
    ],
)
def test_amounts_are_quoted_where_the_error_names_them(error: BaseException, says: str) -> None:
    assert shortage(error) == says


def test_what_torch_and_numpy_raise_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(texts, "CGROUP", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("1073741824\n")
    with pytest.raises(RuntimeError) as torchs:
        torch.empty(1 << 46)
    assert shortage(torchs.value) == "256 TiB more asked for, this machine has 1 GiB"
    with pytest.raises(MemoryError) as numpys:
        np.empty(1 << 50)
    (tmp_path / "memory.max").write_text("max\n")
    assert shortage(numpys.value).startswith("8.00 PiB more asked for, this machine has ")
    assert "1 GiB" not in shortage(numpys.value)


def test_an_error_without_a_word_is_named_by_its_type() -> None:
    assert failure_message(MemoryError(), "lr 0.1") == ("out_of_memory", "out of memory with lr 0.1: MemoryError")


def test_a_failure_holds_nothing_of_the_frames_whatever_the_error_was_raised_from() -> None:
    """The frames of an error's cause were kept, and with them the model, until the next collection."""

    class Model:
        pass

    seen: list[weakref.ref[Model]] = []

    def layer() -> None:
        model = Model()
        seen.append(weakref.ref(model))
        raise torch.OutOfMemoryError(GPU)

    def forward() -> None:
        try:
            layer()
        except torch.OutOfMemoryError as first:
            raise RuntimeError("the step failed") from first

    gc.disable()
    try:
        try:
            forward()
        except RuntimeError as error:
            told = failure(Assignment("0001", 1, {}, 0, 1), error, "a model")
            assert seen[0]() is None
            assert told.kind == "out_of_memory", "that is what it was raised from"
            assert "2.00 GiB more asked for" in told.message
    finally:
        gc.enable()
