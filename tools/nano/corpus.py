"""The pre-training corpus: example i is a function of (seed, i) and of the committed file of nano's own failures.

    python corpus.py --count 1000 --print 5
"""

from __future__ import annotations

import argparse
import difflib
import functools
import gzip
import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

import prompts
from cases import draw_cases, render_assert
from compose import STYLES, Chain, draw_chain, entry_name, has_loop_form, parameters, program, text
from mistakes import mutate, plan, rule_missing, run_program
from problems import seen_in_pretraining
from rules import Rule, draw_rule

SEED = 7
KINDS = ("plain", "refinement", "reflection", "retry")
KIND_WEIGHTS = (0.66, 0.2, 0.05, 0.09)
LENGTH_WEIGHTS = (0.3, 0.5, 0.2)
STYLE_WEIGHTS = (0.45, 0.25, 0.3)
SHOWN_WEIGHTS = (0.2, 0.2, 0.6)
RULE_SHARE = 0.65
# Authors differ: how often the one of each style heeds the task's rule. Repairs and retries always do.
HEED = {"nested": 0.3, "steps": 0.45, "loop": 0.4}
# From here on, failed attempts are nano's own as often as mutated programs. The file is made by own.py from the
# weights after the examples before it.
OWN_FROM = 165 * 1024
OWN_SHARE = 0.5
OWN_FILE = Path(__file__).parent / "own-failures.jsonl.gz"


@dataclass(frozen=True)
class Task:
    """A problem as the corpus draws it, without a starter problem's hidden asserts."""

    chain: Chain
    rule: Rule | None
    name: str
    style: str
    text: str
    asserts: list[str]

    def code(self, style: str) -> str:
        """The right program."""
        return program(self.chain, self.name, style, self.rule)


@dataclass(frozen=True)
class Example:
    """One training sequence: the loss falls on `completion` and the end token after it."""

    kind: str
    prompt: str
    completion: str
    task: Task


@functools.cache
def own_failures() -> list[dict[str, object]]:
    """Attempts of nano that failed: corpus index of the task, program, outcome per shown assert, error, output."""
    with gzip.open(OWN_FILE, "rt") as lines:
        return [json.loads(line) for line in lines]


def _style(chain: Chain, rng: random.Random) -> str:
    style = rng.choices(STYLES, STYLE_WEIGHTS)[0]
    return style if style != "loop" or has_loop_form(chain) else "nested"


def _draw_task(rng: random.Random) -> Task | None:
    chain = draw_chain(rng, rng.choices((1, 2, 3), LENGTH_WEIGHTS)[0])
    if chain is None or not seen_in_pretraining(chain):
        return None
    rule = None
    if rng.random() < RULE_SHARE:
        rule = draw_rule(rng, chain[0].primitive.tin, chain[-1].primitive.tout, parameters(chain))
    shown = rng.choices((1, 2, 3), SHOWN_WEIGHTS)[0]
    cases = draw_cases(chain, rule, rng, shown, 0 if shown > 1 else 1)
    if cases is None:
        return None
    name, style = entry_name(chain, rng), _style(chain, rng)
    return Task(chain, rule, name, style, text(chain, rule, rng), [render_assert(name, case) for case in cases[:shown]])


def task_of(index: int, seed: int = SEED) -> Task | None:
    """The task of example `index`; None unless that is a plain one."""
    return example(index, seed).task if _kind(_rng(index, seed)) == "plain" else None


def _rng(index: int, seed: int) -> random.Random:
    digest = hashlib.sha256(f"{seed}:{index}".encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


def _kind(rng: random.Random) -> str:
    return rng.choices(KINDS, KIND_WEIGHTS)[0]


def example(index: int, seed: int = SEED) -> Example:
    """Example `index` of the corpus."""
    rng = _rng(index, seed)
    kind = _kind(rng)
    if kind != "plain" and index >= OWN_FROM and rng.random() < OWN_SHARE:
        return _from_own(kind, seed, rng)
    while True:
        drawn = _try_example(kind, rng)
        if drawn is not None:
            return drawn


def _try_example(kind: str, rng: random.Random) -> Example | None:
    task = _draw_task(rng)
    if task is None:
        return None
    if kind == "plain":
        heeds = task.rule is None or rng.random() < HEED[task.style]
        code = task.code(task.style) if heeds else program(task.chain, task.name, task.style)
        return Example(kind, prompts.plain(task.text, task.asserts), code, task)
    style = task.style if rng.random() < 0.7 else _style(task.chain, rng)
    mutated = mutate(task.chain, task.rule, task.name, style, rng)
    if mutated is None:
        return None
    wrong, why = mutated
    feedback = run_program(wrong, task.asserts)
    if feedback is None:
        return None
    if rng.random() < 0.2:
        why = plan(task.chain, rng)
    return _repair(kind, task, wrong, feedback, why, task.style, rng)


def _from_own(kind: str, seed: int, rng: random.Random) -> Example:
    record = rng.choice(own_failures())
    task, wrong = task_of(int(record["task"]), seed), str(record["code"])  # type: ignore[call-overload]
    assert task is not None, "own failures are of plain examples"
    results = tuple(prompts.AssertResult(a, o) for a, o in zip(task.asserts, record["results"]))  # type: ignore[call-overload]
    feedback = prompts.Feedback(results, str(record["error"]), str(record["output"]))
    # Repairs keep the attempt's style: what is right in it can be copied.
    styles = STYLES if has_loop_form(task.chain) else STYLES[:2]
    style = max(styles, key=lambda s: difflib.SequenceMatcher(None, task.code(s), wrong, autojunk=False).ratio())
    ignored = task.rule is not None and task.rule.test not in wrong
    why = rule_missing(task.rule) if task.rule and ignored else plan(task.chain, rng)
    return _repair(kind, task, wrong, feedback, why, style, rng)


def _repair(kind: str, task: Task, wrong: str, feedback: prompts.Feedback, why: str, style: str, rng: random.Random) -> Example:
    if kind == "reflection":
        return Example(kind, prompts.reflection(task.text, wrong, feedback), why, task)
    if kind == "retry":
        return Example(kind, prompts.retry(task.text, wrong, feedback, why), task.code(style), task)
    opening = f"# {why}\n" if rng.random() < 0.4 else ""
    return Example(kind, prompts.refinement(task.text, wrong, feedback), opening + task.code(style), task)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--print", type=int, default=0, dest="shown")
    options = parser.parse_args()
    digest = hashlib.sha256()
    for i in range(options.start, options.start + options.count):
        e = example(i, options.seed)
        digest.update(f"{e.kind}\0{e.prompt}\0{e.completion}\0".encode())
        if i - options.start < options.shown:
            print(f"--- {i} {e.kind}\n{e.prompt}{e.completion}{prompts.END}")
    print(f"sha256 of examples {options.start}..{options.start + options.count - 1}: {digest.hexdigest()}")


if __name__ == "__main__":
    main()
