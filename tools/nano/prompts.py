"""The four prompts in nano's compact plain text, defined here once. docs/nano.md shows them; src/data/nano-prompt.ts mirrors them.

All four ask for the same code format: the program alone, ended by <|endoftext|>. A repair may open with one comment
line, which is the analysis and is part of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

END = "<|endoftext|>"


@dataclass(frozen=True)
class AssertResult:
    """What one shown assert did: its source, and "" for a pass, else what came instead ("got 4", "IndexError: …")."""

    source: str
    outcome: str


@dataclass(frozen=True)
class Feedback:
    """Results of the shown asserts, the error that ended the program ("" for none) and what it printed."""

    results: tuple[AssertResult, ...]
    error: str = ""
    output: str = ""


def plain(text: str, shown: Sequence[str]) -> str:
    """Task, shown asserts, then the marker after which the code follows."""
    return "\n".join([f"Task: {text}", *shown, "Code:", ""])


def render_feedback(feedback: Feedback) -> str:
    """A PASS or FAIL line per shown assert, then the error and the output where there are any."""
    lines = [
        f"FAIL: {r.source} -> {r.outcome}" if r.outcome else f"PASS: {r.source}" for r in feedback.results
    ]
    if feedback.error:
        lines.append(f"Error: {feedback.error}")
    if feedback.output:
        lines.append(f"Output: {feedback.output}")
    return "\n".join(lines)


def _attempt(text: str, code: str, feedback: Feedback) -> str:
    return f"Task: {text}\nTried:\n{code.rstrip()}\nResult:\n{render_feedback(feedback)}\n"


def refinement(text: str, code: str, feedback: Feedback) -> str:
    """A failed attempt with its feedback; the repaired program follows."""
    return _attempt(text, code, feedback) + "Fix:\n"


def reflection(text: str, code: str, feedback: Feedback) -> str:
    """A failed attempt with its feedback; a sentence or two on what is wrong follow, no code."""
    return _attempt(text, code, feedback) + "Why:\n"


def retry(text: str, code: str, feedback: Feedback, why: str) -> str:
    """A failed attempt, its feedback and a reflection; the program follows as after the plain prompt."""
    return _attempt(text, code, feedback) + f"Why:\n{why.strip()}\nCode:\n"
