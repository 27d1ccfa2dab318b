"""Writes text with a network that has learnt which character comes next: one character at a time, each read in turn."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import nn

from tuner.errors import Fault, InputError
from tuner.training.task_info import TaskInfo


@runtime_checkable
class Remembers(Protocol):
    """A network that need not read again what it has read: `models.rnn.Recurrent`."""

    def go_on(self, x: torch.Tensor, memory: object = None) -> tuple[torch.Tensor, object]:
        """Tokens [N, steps] -> (outputs of the last one [N, outputs], what it remembers)."""
        ...


def write_text(
    model: nn.Module, task: TaskInfo, *, prompt: str = "", length: int = 500, temperature: float = 0.8, seed: int = 0
) -> str:
    """The `length` characters that follow `prompt`, which is not among them. The model is in evaluation mode.

    `temperature`: the logits are divided by it before a character is drawn; 0 takes the likeliest one. Without a prompt
    it begins as after the end of a line. A network that does not remember sees as many characters as in training.
    Raises InputError for a task without characters and for a prompt that holds others.
    """
    tokens = _tokens(prompt or _beginning(task), task)
    generator = torch.Generator().manual_seed(seed)
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    written: list[int] = []
    with torch.no_grad():
        unread, memory = tokens, None
        for _ in range(length):
            if isinstance(model, Remembers):
                outputs, memory = model.go_on(torch.tensor([unread], device=device), memory)
            else:
                seen = (tokens + written)[-task.input_shape[0] :]
                outputs = model(torch.tensor([seen], device=device))[:, -1]
            unread = [_drawn(outputs[0].float().cpu(), temperature, generator)]
            written += unread
    return "".join(task.characters[token] for token in written)


def _drawn(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> int:
    if temperature == 0:
        return int(logits.argmax())
    return int(torch.multinomial((logits / temperature).softmax(0), 1, generator=generator))


def _beginning(task: TaskInfo) -> str:
    return "\n" if "\n" in task.characters else task.characters[:1]


def _tokens(prompt: str, task: TaskInfo) -> list[int]:
    if not task.characters:
        cure = f"the task {task.name} learns {task.kind}, no characters: a run of text or tiny_shakespeare writes"
        raise InputError("this network writes no text", (Fault("RUN", task.name, cure),))
    unknown = sorted({character for character in prompt if character not in task.characters})
    if unknown:
        shown = ", ".join(repr(character) for character in unknown[:10])
        cure = f"the text that it learnt has no {shown}: write with its characters {task.characters!r}"
        raise InputError("characters that the network does not know", (Fault("--prompt", prompt, cure),))
    return [task.characters.index(character) for character in prompt]
