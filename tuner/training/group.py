"""The workers of one trial, as the trainer sees them: each takes its part of a batch, and gradients are summed.

Data parallelism by hand rather than `DistributedDataParallel`: every part is weighted by its share of the batch, so
that parts may be unequal; weights that a step did not use, closures that run several times and steps of a user's own
need nothing special; and the network stays the user's module, so that checkpoints know of no workers.

The workers meet at a store that rank 0 opens. Whoever fails leaves the group, and that closes its connections: what
the others wait for then raises `GroupBroken` in them (gloo) or is aborted from a second thread (NCCL).
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import TCPStore

from tuner.errors import Fault, InputError
from tuner.training.failures import GroupBroken

PATIENCE = timedelta(minutes=10)
"""How long one worker may be ahead of another; a worker that is gone is noticed at once."""
BUCKET_NUMBERS = 1 << 24
"""Gradients that are summed in one go."""
_ADDRESS_OF = 0x8915
"""Linux's SIOCGIFADDR."""

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where the workers of a trial find one another."""

    host: str
    port: int


class Group:
    """One worker's place among those of a trial. `Group()` is that of a worker that is alone: it changes nothing."""

    def __init__(self, rank: int = 0, size: int = 1, host: str = "127.0.0.1") -> None:
        """`host`: this worker's own address."""
        self.rank, self.size, self._host = rank, size, host
        self._store: TCPStore | None = None
        self._broken = False
        self._door: socket.socket | None = None

    # --- coming and going ----------------------------------------------------------------------------------------

    def open_door(self) -> Meeting:
        """Rank 0's: a port of its own address, where the others can find it; then everyone has to `join`."""
        self.leave()
        self._door = socket.create_server((self._host, 0), backlog=max(64, self.size))
        return Meeting(self._host, self._door.getsockname()[1])

    def join(self, meeting: Meeting) -> None:
        """Waits for the others. Raises GroupBroken where they do not come."""
        if self._door is None:
            self.leave()
        door = None if self._door is None else self._door.detach()
        self._door = None
        self._broken = False
        _use_interface(self._host)
        with self._breaking():
            self._store = TCPStore(
                meeting.host,
                meeting.port,
                self.size,
                is_master=door is not None,
                timeout=PATIENCE,
                wait_for_workers=False,
                master_listen_fd=door,
            )
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(backend, store=self._store, rank=self.rank, world_size=self.size, timeout=PATIENCE)

    @property
    def broken(self) -> bool:
        """Whether another worker failed or is gone, or this one gave up."""
        return self._broken

    def abort(self) -> None:
        """From any thread: what this worker waits for in vain is given up, as far as the library can do that."""
        self._broken = True
        if self.size > 1 and dist.is_initialized() and torch.cuda.is_available():
            with suppress(RuntimeError, AttributeError):  # a group that is being left by its own thread
                dist.group.WORLD.abort()  # type: ignore[union-attr]

    def leave(self) -> None:
        """Closes the connections, which wakes up the others. Nothing happens where there is no group."""
        if self._door is not None:
            self._door.close()
            self._door = None
        if self.size > 1 and dist.is_initialized():
            if self._broken:
                self.abort()  # or NCCL would wait for its peers
            with suppress(RuntimeError):  # a broken group cannot be left in good order
                dist.destroy_process_group()
        self._store = None

    def check(self) -> None:
        """Raises GroupBroken where the group was aborted: what was received since is not to be trusted."""
        if self._broken:
            raise GroupBroken("another worker of this trial failed")

    # --- parts of a batch ----------------------------------------------------------------------------------------

    def rows(self, count: int) -> slice:
        """This worker's part of a batch of `count` examples. A batch of fewer examples than there are workers is
        taken whole by each of them."""
        if count < self.size:
            return slice(0, count)
        least, more = divmod(count, self.size)
        first = self.rank * least + min(self.rank, more)
        return slice(first, first + least + (self.rank < more))

    def share(self, count: int) -> float:
        """The weight of this worker's part in the whole batch; over all workers they sum to 1."""
        if count < self.size:
            return 1.0 / self.size
        rows = self.rows(count)
        return float(rows.stop - rows.start) / count

    def turns(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Every size-th batch, this worker's: for what is only measured."""
        return (batch for number, batch in enumerate(batches) if number % self.size == self.rank)

    def part(self, batch: Any, count: int) -> Any:
        """This worker's rows of a batch of `count` examples: of every tensor in it, however nested."""
        return batch if self.size == 1 else _rows(batch, self.rows(count), count)

    # --- what is exchanged ---------------------------------------------------------------------------------------

    def total(self, value: torch.Tensor) -> torch.Tensor:
        """The sum over all workers."""
        if self.size == 1:
            return value
        summed = value.detach().clone()
        with self._breaking():
            dist.all_reduce(summed)
        return summed

    def add_gradients(self, weights: Sequence[torch.nn.Parameter]) -> None:
        """Each weight's gradient becomes the sum over all workers; None stays None where nobody has one."""
        if self.size == 1:
            return
        for bucket in _buckets(weights):
            held = [weight.grad is not None for weight in bucket]
            parts = [w.new_zeros(w.numel()) if w.grad is None else w.grad.reshape(-1) for w in bucket]
            flat = torch.cat([*parts, torch.tensor(held, dtype=parts[0].dtype, device=parts[0].device)])
            with self._breaking():
                dist.all_reduce(flat)
            *sums, holders = torch.split(flat, [*(w.numel() for w in bucket), len(bucket)])
            if not all(held):  # who lacks one has to know whether others have it; nobody else waits for the device
                for weight, count in zip(bucket, holders.tolist(), strict=True):
                    if weight.grad is None and count:
                        weight.grad = torch.empty_like(weight)
            pairs = [(w.grad, total.view_as(w)) for w, total in zip(bucket, sums, strict=True) if w.grad is not None]
            with torch.no_grad():
                torch._foreach_copy_([grad for grad, _ in pairs], [total for _, total in pairs])

    def level(self, tensors: Iterable[torch.Tensor]) -> None:
        """Rank 0's values for all, in place."""
        if self.size == 1:
            return
        for tensor in tensors:
            sent = tensor.detach().to(torch.uint8) if tensor.dtype == torch.bool else tensor.detach().contiguous()
            with self._breaking():
                dist.broadcast(sent, src=0)
            with torch.no_grad():
                tensor.copy_(sent)

    def draw_together(self) -> None:
        """Rank 0's state of torch's global generator for all: from here, a DataLoader draws one order."""
        if self.size > 1:
            state = torch.get_rng_state()
            self.level([state])
            torch.set_rng_state(state)

    def draw_apart(self, seed: int) -> None:
        """Dropout of its own for each worker, or all parts of a batch would be dropped alike. Rank 0 goes on as if it
        were alone; the others' follows from `seed`, so a checkpoint need not hold it."""
        if self.rank:
            torch.manual_seed((seed * 1_000_003 + self.rank) % 2**63)

    def hand_round(self, data: bytes | None) -> bytes | None:
        """Rank 0's bytes, or its None, for all."""
        if self.size == 1:
            return data
        length = torch.tensor([-1 if data is None else len(data)])
        with self._breaking():
            dist.broadcast(length, src=0)
        if int(length) < 0:
            return None
        buffer = torch.empty(int(length), dtype=torch.uint8)
        if self.rank == 0 and data is not None:
            buffer.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        with self._breaking():
            dist.broadcast(buffer, src=0)
        return buffer.numpy().tobytes()

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        """What the library raises in here, a connection that closed or a worker that did not come, breaks the group."""
        self.check()
        try:
            yield
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            self._broken = True
            raise GroupBroken(f"another worker of this trial is gone: {str(error).splitlines()[0]}") from error


def _rows(batch: Any, rows: slice, count: int) -> Any:
    if torch.is_tensor(batch):
        return batch[rows] if batch.ndim and len(batch) == count else batch
    if isinstance(batch, Mapping):
        return type(batch)({name: _rows(part, rows, count) for name, part in batch.items()})  # type: ignore[call-arg]
    if isinstance(batch, tuple | list):
        parts = [_rows(part, rows, count) for part in batch]
        return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
    if batch is None or isinstance(batch, str | int | float):
        return batch
    cure = "with several workers a batch is made of tensors, in tuples, lists and mappings: write it so"
    raise InputError("a batch that cannot be divided", (Fault("batch", type(batch).__name__, cure),))


def _buckets(weights: Sequence[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    """Weights of one type and device, of some 16 million numbers together; the same on every worker."""
    kinds: dict[tuple[torch.dtype, torch.device], list[torch.nn.Parameter]] = {}
    for weight in weights:
        kinds.setdefault((weight.dtype, weight.device), []).append(weight)
    for kind in kinds.values():
        bucket: list[torch.nn.Parameter] = []
        for weight in kind:
            if bucket and sum(w.numel() for w in bucket) + weight.numel() > BUCKET_NUMBERS:
                yield bucket
                bucket = []
            bucket.append(weight)
        yield bucket


def _use_interface(host: str) -> None:
    """Let gloo and NCCL talk through the network interface of this address, not whatever the host's name says."""
    name = _interface(host)
    if name is not None:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", name)


def _interface(host: str) -> str | None:
    """Linux's name of the interface that has this IPv4 address; None where it cannot be told."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # an interface without an address
                found = fcntl.ioctl(probe.fileno(), _ADDRESS_OF, struct.pack("256s", name.encode()))
                if socket.inet_ntoa(found[20:24]) == host:
                    return name
    return None
