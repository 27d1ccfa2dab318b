"""Residual networks, channel attention and CIFAR-10: shapes, values worked out by hand, and files made here."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tuner.errors import InputError
from tuner.training.catalogue import CATALOGUE
from tuner.training.models import cnn, resnet
from tuner.training.models.attention import ChannelAttention, channel_weights
from tuner.training.task_info import TaskInfo
from tuner.training.tasks import CIFAR10

DIGITS = TaskInfo("digits", (1, 8, 8), 10, 1000)


def layers_with_weights(model: nn.Module) -> int:
    """Those in the longest path: a projection beside the path is none."""
    return sum(
        isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3))
        for layer in model.modules()
    )


# --- residual networks


@pytest.mark.parametrize("order", ["post", "pre"])
@pytest.mark.parametrize("normalisation", list(CATALOGUE.family("normalisation")))
def test_a_resnet_and_its_plain_net_are_of_one_depth(order: str, normalisation: str) -> None:
    for skip in (True, False):
        built = resnet.build(DIGITS, 2, 3, 4, skip=skip, order=order, normalisation=normalisation, dropout=0.1)
        assert layers_with_weights(built) == 2 * 3 * 2 + 2
        outputs = built(torch.randn(4, 1, 8, 8))
        outputs.sum().backward()
        assert outputs.shape == (4, 10)
        assert all(weight.grad is not None for weight in built.parameters())


def test_with_the_path_at_zero_a_block_gives_back_its_input() -> None:
    """What a skip connection is for: the identity is what a block starts from, not what it has to learn."""
    given = torch.rand(2, 4, 5, 5)
    for skip, expected in ((True, given), (False, torch.zeros_like(given))):
        block = resnet.BasicBlock(
            4, 4, 1, skip=skip, order="post", normalisation="none", activation="relu", attention="none", dropout=0.0
        )
        for weight in block.path.parameters():
            nn.init.zeros_(weight)
        assert torch.equal(block(given), expected)


def test_a_resnet_has_as_many_weights_as_its_parameters_say() -> None:
    count = sum(weight.numel() for weight in resnet.build(DIGITS, 1, 2, 4, normalisation="none").parameters())
    stem, same, halved = 9 * 4 + 4, 2 * (9 * 16 + 4), (9 * 32 + 8) + (9 * 64 + 8) + (4 * 8 + 8)
    assert count == stem + same + halved + 8 * 10 + 10


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13), (1, 28, 28), (2, 3, 3)])
def test_a_resnet_fits_any_image(shape: tuple[int, int, int]) -> None:
    for stride in (1, 2):
        built = resnet.build(TaskInfo("any", shape, 3, 10), 1, 4, 4, stem_stride=stride, normalisation="instance")
        assert built(torch.randn(2, *shape)).shape == (2, 3)


def test_a_resnet_without_images_is_refused() -> None:
    with pytest.raises(InputError, match="images"):
        resnet.build(TaskInfo("churn", (12,), 2, 10))


# --- channel attention


def test_channel_attention_by_hand() -> None:
    layer = ChannelAttention(2, reduction=1)
    with torch.no_grad():
        layer.squeeze.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
        layer.squeeze.bias.zero_()
        layer.excite.weight.copy_(torch.tensor([[2.0, 0.0], [1.0, 1.0]]))
        layer.excite.bias.zero_()
    x = torch.tensor([[[[1.0, 3.0]], [[5.0, 5.0]]]])  # means 2 and 5; squeezed to 2 and 0; excited to 4 and 2
    first, second = 1 / (1 + math.exp(-4)), 1 / (1 + math.exp(-2))
    assert layer.weigh(x)[0].tolist() == pytest.approx([first, second])
    assert layer(x).flatten().tolist() == pytest.approx([first, 3 * first, 5 * second, 5 * second])


def test_the_channel_weights_of_a_network_can_be_read() -> None:
    x = torch.randn(5, 1, 8, 8)
    built = cnn.build(DIGITS, 2, 8, attention="channel", activation="maxout")
    found = channel_weights(built, x)
    assert [tuple(one.shape) for one in found] == [(5, 8), (5, 16)]
    assert all(((one > 0) & (one < 1)).all() for one in found)
    assert len(channel_weights(resnet.build(DIGITS, 2, 2, 4, attention="channel").eval(), x)) == 4
    assert channel_weights(cnn.build(DIGITS, 2, 8), x) == []


# --- CIFAR-10


def write_cifar(folder: Path, each: int = 4) -> None:
    """Files as the original ones are, with few images."""
    target = folder / "cifar-10-batches-py"
    target.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        data = rng.integers(0, 256, (each, 3072), dtype=np.uint8)
        content = {b"batch_label": b"made", b"labels": [i % 10 for i in range(each)], b"data": data, b"filenames": []}
        (target / name).write_bytes(pickle.dumps(content, protocol=2))


def test_cifar10_is_read_from_torchvisions_files(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    found = CIFAR10().load(tmp_path)
    assert found.x.shape == (20, 3, 32, 32)
    assert found.y is not None and found.y.tolist() == [0, 1, 2, 3] * 5
    assert found.test_x is not None and found.test_x.shape == (4, 3, 32, 32)
    first = np.random.default_rng(0).integers(0, 256, (4, 3072), dtype=np.uint8)
    assert (found.x[0, 1] == first[0, 1024:2048].reshape(32, 32)).all()  # green after red, row by row


def test_cifar10_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data_batch_1.*cifar-10-batches-py.*downloaded"):
        CIFAR10().load(tmp_path)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(pickle.dumps(eval))
    with pytest.raises(InputError, match=r"data_batch_3.*builtins"):
        CIFAR10().load(tmp_path)
