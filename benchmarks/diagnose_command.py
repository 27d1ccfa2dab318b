"""What does `tuner diagnose --json` cost beyond reading a file of 10,000 curves of 100 epochs? `python FILE [COUNT]`.

CPU seconds of whole processes, so that what else the machine does counts little; the two sides are interleaved.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).parents[1]
EPOCHS, ROUNDS = 100, 3
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def make(count: int) -> list[dict[str, object]]:
    """Healthy, noisy and overfitting curves, so that there are findings to print."""
    rng = np.random.default_rng(0)
    epoch = np.arange(EPOCHS)
    curves: list[dict[str, object]] = []
    for number in range(count):
        noise = rng.uniform(0, 0.05)
        train = (0.1 + 2.2 * np.exp(-epoch / rng.choice([5, 20, 60]))) * (1 + noise * rng.normal(size=EPOCHS))
        val = train + rng.choice([0, 0.004]) * epoch + noise * rng.normal(size=EPOCHS)
        curves.append({"id": str(number), "train_loss": train.tolist(), "val_loss": val.tolist()})
    return curves


def cpu_seconds(*words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(count: int) -> None:
    reading, diagnosing = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "curves.json")
        Path(path).write_text(json.dumps(make(count)))
        for _ in range(ROUNDS):
            reading.append(cpu_seconds("-c", "import json, sys; json.load(open(sys.argv[1]))", path))
            diagnosing.append(cpu_seconds("-m", "tuner", "diagnose", path, "--json"))
    print(f"{count} curves of {EPOCHS} epochs, CPU seconds, median of {ROUNDS}")
    print(f"json.load             {median(reading):6.2f}")
    print(f"tuner diagnose --json {median(diagnosing):6.2f}")
    print(f"beyond reading        {median(diagnosing) - median(reading):6.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
