"""Nothing that a run left is unpickled: a pickle runs whatever it holds. Every place that could is named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
READS = {"load", "loads", "Unpickler", "read_pickle"}
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "cPickle"}
ALLOWED = {
    "tuner/launch/adapters.py": "what Tune has just written in the driver's own temporary folder, never in a run's",
    "tuner/search/gp_helper.py": "what a process and the helper that it started say to each other through a pipe",
    "tuner/launch/losses.py": "what Tune has just written in the driver's own temporary folder, never in a run's",
}
"""File -> why it may: it reads nothing that anybody else could have put there."""


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    """(file, call, what is called, as it is written)."""
    for path in sorted((ROOT / "tuner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(ROOT).as_posix(), node, ast.unparse(node.func)


def keyword(call: ast.Call, name: str) -> object:
    return next((ast.literal_eval(one.value) for one in call.keywords if one.arg == name), None)


def test_no_module_of_pickles_reads_anything() -> None:
    found = {
        file
        for file, _, name in calls()
        if name.rpartition(".")[2] in READS and (name.split(".")[0] in PICKLES or name.endswith("read_pickle"))
    }
    assert found <= set(ALLOWED)


def test_names_from_pickle_are_not_imported_one_by_one() -> None:
    """Or the test above would not see them."""
    for path in sorted((ROOT / "tuner").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in PICKLES, path
            if isinstance(node, ast.Import):
                assert all(one.asname is None for one in node.names if one.name in PICKLES), path


def test_torch_reads_weights_alone() -> None:
    loads = [(file, call) for file, call, name in calls() if name in ("torch.load", "torch.jit.load", "torch.hub.load")]
    assert loads
    assert [file for file, call in loads if keyword(call, "weights_only") is not True] == []


def test_numpy_reads_no_objects() -> None:
    loads = [(file, call) for file, call, name in calls() if name in ("np.load", "numpy.load", "np.fromfile")]
    assert [file for file, call in loads if keyword(call, "allow_pickle") is True] == []


def test_yaml_builds_no_objects() -> None:
    names = [(file, name) for file, _, name in calls() if name.startswith("yaml.") and "load" in name]
    assert [found for found in names if "unsafe" in found[1] or "full" in found[1]] == []
