"""What Tune's register of trainables says is asked for once, while a sweep runs."""

from __future__ import annotations

from collections import Counter

import pytest
from ray.tune import registry

from tuner.launch.registry import remembered


class Store:
    """In the place of the head's."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], object] = {}
        self.asked: Counter[str] = Counter()

    def contains(self, category: str, key: str) -> bool:
        self.asked["contains"] += 1
        return (category, key) in self.known

    def get(self, category: str, key: str) -> object:
        self.asked["get"] += 1
        return self.known[category, key]


def test_a_trainable_is_asked_for_once_and_one_that_comes_later_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    monkeypatch.setattr(registry, "_global_registry", store)
    with remembered():
        assert not registry._has_trainable("mine")
        store.known[registry.TRAINABLE_CLASS, "mine"] = Store
        for _ in range(3):
            assert registry.get_trainable_cls("mine") is Store
    assert store.asked == {"contains": 2, "get": 1}
    assert registry.get_trainable_cls("mine") is Store
    assert store.asked == {"contains": 3, "get": 2}
