"""Runs model-written programs in child processes with a time and a memory limit.

Not the lab's sandbox: for a development machine and for programs of nano only.
"""

from __future__ import annotations

import io
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import prompts
from mistakes import run_program

SECONDS = 1.0
BYTES = 1 << 30
CHILD = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import judge; judge.serve()"


class _Late(BaseException):
    pass


def serve() -> None:
    """The child: one JSON job a line on stdin, one JSON answer a line on stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))

    def late(*_: object) -> None:
        raise _Late

    signal.signal(signal.SIGALRM, late)
    real = sys.stdout
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout = io.StringIO()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            feedback = run_program(job["code"], job["asserts"])
            answer = None if feedback is None else [[r.outcome for r in feedback.results], feedback.error, feedback.output]
        except _Late:
            answer = [["not run"] * len(job["asserts"]), "TimeoutError", ""]
        except BaseException as problem:  # noqa: BLE001
            answer = [["not run"] * len(job["asserts"]), type(problem).__name__, ""]
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout = real
        print(json.dumps(answer), flush=True)


def run_programs(jobs: Sequence[tuple[str, list[str]]], workers: int = 2) -> list[prompts.Feedback | None]:
    """What each (program, asserts) did; None where it passes them all."""
    results: list[prompts.Feedback | None] = [None] * len(jobs)

    def work(first: int) -> None:
        child: subprocess.Popen[str] | None = None
        for index in range(first, len(jobs), workers):
            code, asserts = jobs[index]
            if child is None:
                child = subprocess.Popen([sys.executable, "-I", "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            assert child.stdin and child.stdout
            try:
                child.stdin.write(json.dumps({"code": code, "asserts": asserts}) + "\n")
                child.stdin.flush()
                answer = json.loads(child.stdout.readline())
            except (BrokenPipeError, json.JSONDecodeError):
                child.kill()
                child, answer = None, [["not run"] * len(asserts), "the process died", ""]
            if answer is not None:
                outcomes, error, output = answer
                results[index] = prompts.Feedback(tuple(map(prompts.AssertResult, asserts, outcomes)), error, output)
        if child is not None:
            child.kill()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return results
