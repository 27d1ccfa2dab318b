"""A process beside the driver that thinks about the next suggestion while trials run.

The driver's own process has reports to answer, and without Ray it trains; Optuna's Gaussian process would also set the
number of torch's threads there. A helper that is gone costs its answer alone, which is then found here: a question
has one answer, whoever gives it.
"""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

from optuna.distributions import FloatDistribution

from tuner.search.gp_proposal import Question, answer

_ROOT = Path(__file__).resolve().parents[2]
_EASY = Question({"x": FloatDistribution(0.0, 1.0)}, (({"x": 0.2}, 0.0), ({"x": 0.7}, 1.0)), 0)
"""Its answer takes the seconds in which torch and SciPy are imported."""


class Helper:
    """Takes one question at a time. Its process ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._question: Question | None = None

    def start(self) -> None:
        """So that it has its imports behind it when the first question comes."""
        self._running()

    def ask(self, question: Question) -> None:
        """Begin to think. What was asked before and never fetched is thrown away."""
        if self._question is not None:
            self.close()
        self._question = question
        try:
            pipe = self._running().stdin
            assert pipe is not None
            pickle.dump(question, pipe)
            pipe.flush()
        except OSError:  # it died: `answer` does without
            self.close()

    def ready(self) -> bool:
        """Whether `answer` comes at once."""
        if self._process is None:
            return True
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def answer(self) -> dict[str, Any]:
        """To what was asked last; waits for it."""
        question, self._question = self._question, None
        assert question is not None, "nothing was asked"
        process = self._process
        if process is None:
            return answer(question)
        assert process.stdout is not None
        try:
            return dict(pickle.load(process.stdout))
        except (EOFError, pickle.UnpicklingError):  # it died over it; if the question is at fault, we shall see why
            self.close()
            return answer(question)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __del__(self) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tuner.search.gp_helper"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # ^C is for the driver
            )
        return self._process


def serve() -> None:
    """Answer until the driver is gone. Answers go out by the real standard output, which nothing else may write to."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer(_EASY)
    while True:
        try:
            question = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(answer(question), out)
        out.flush()


if __name__ == "__main__":
    serve()
