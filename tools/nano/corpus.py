"""The pre-training corpus: example i is a function of (seed, i) alone, so any stretch can be remade byte for byte.

    python corpus.py --count 1000 --print 5
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import random
from dataclasses import dataclass

import prompts
from compose import BY_INPUT, STYLES, Chain, Step, compile_function, draw_cases, draw_chain, entry_name, has_loop_form, program, render_assert, render_value, signature, text
from problems import build, seen_in_pretraining

SEED = 7
KINDS = ("plain", "refinement", "reflection", "retry")
KIND_WEIGHTS = (0.72, 0.16, 0.05, 0.07)
LENGTH_WEIGHTS = (0.3, 0.5, 0.2)
STYLE_WEIGHTS = (0.45, 0.25, 0.3)
SHOWN_WEIGHTS = (0.3, 0.2, 0.5)


@dataclass(frozen=True)
class Example:
    """One training sequence: the loss falls on `completion` and the end token after it."""

    kind: str
    prompt: str
    completion: str
    code: str


@functools.cache
def starter_signatures() -> frozenset[str]:
    """AST signatures of every starter reference solution; no pre-training program may have one of them."""
    return frozenset(signature(row["code"]) for rows in build().values() for row in rows)


def _style(chain: Chain, rng: random.Random) -> str:
    style = rng.choices(STYLES, STYLE_WEIGHTS)[0]
    return style if style != "loop" or has_loop_form(chain) else "nested"


SWAPS = (
    ("== 0", "== 1"), ("== 1", "== 0"), (" < ", " > "), (" > ", " < "), ("max(", "min("), ("min(", "max("),
    ("[1:]", "[:-1]"), ("[0]", "[-1]"), ("[-1]", "[0]"), ("[::2]", "[1::2]"), (" + 1", ""), (" + ", " - "),
    ("not in", "in"), (" in '", " not in '"), (".upper()", ".lower()"), ("[::-1]", "[:-1]"), ("sorted(", "list("),
    (", reverse=True", ""), ("return ", "print("), (":\n", "\n"), ("out = []\n", ""), ("xs)", "x)"), ("len(", "sum("),
)


def _mutate(chain: Chain, name: str, style: str, rng: random.Random) -> tuple[str, str] | None:
    """A wrong program near the right one, and a sentence that says what is wrong and how to fix it."""
    form = rng.random()
    index = rng.randrange(len(chain))
    step = chain[index]
    right = rng.choice(step.primitive.verbs).format(k=step.k)
    if form < 0.2 and len(chain) > 1:
        rest = chain[:index] + chain[index + 1 :]
        kinds = [s.primitive.tin for s in rest[1:]]
        if kinds != [s.primitive.tout for s in rest[:-1]] or step.primitive.tin == "Q" or (index == 0 and step.primitive.tin != step.primitive.tout):
            return None
        return program(rest, name, style), f"A step is missing: {right}."
    if form < 0.3 and len(chain) > 1:
        a, b = chain[index - 1], step
        if index == 0 or {a.primitive.tin, a.primitive.tout} != {b.primitive.tin, b.primitive.tout} or a.primitive.tin != a.primitive.tout:
            return None
        swapped = chain[: index - 1] + (b, a) + chain[index + 1 :]
        return program(swapped, name, style), f"The steps are in the wrong order: first {a.primitive.verbs[0].format(k=a.k)}, then {right}."
    if form < 0.4 and step.k:
        k = rng.choice([c for c in step.primitive.constants if c != step.k])
        wrong = chain[:index] + (Step(step.primitive, k),) + chain[index + 1 :]
        return program(wrong, name, style), f"The constant is wrong: use {step.k}, not {k}."
    if form < 0.75:
        near = [p for p in BY_INPUT[step.primitive.tin] if p.tout == step.primitive.tout and p is not step.primitive]
        if not near:
            return None
        other = rng.choice(near)
        k = step.k if step.k in other.constants else rng.choice(other.constants) if other.constants else ""
        wrong = chain[:index] + (Step(other, k),) + chain[index + 1 :]
        verb = rng.choice(other.verbs).format(k=k)
        return program(wrong, name, style), f"The code does this: {verb}. It should {right}."
    source = program(chain, name, style)
    head, body = source.split("\n", 1)
    options = [(a, b) for a, b in SWAPS if a in body]
    if not options:
        return None
    a, b = rng.choice(options)
    wrong_source = f"{head}\n{body.replace(a, b, 1)}"
    if a == "return ":
        wrong_source += ")"
    label = a.strip() or a
    return wrong_source, f"The code has {b.strip() or 'nothing'} in place of {label if label != ':' else 'a colon'}."


def run_program(source: str, name: str, cases: list[tuple[tuple[object, ...], object]], asserts: list[str]) -> prompts.Feedback | None:
    """Executes one of our own (mutated) programs on the shown cases; None where it passes them all."""
    lines: list[str] = []
    scope_output: list[str] = []
    error = ""
    try:
        code = compile(source, "<program>", "exec")
    except SyntaxError as problem:
        error = f"SyntaxError: {problem.msg} (line {problem.lineno})"
        return prompts.Feedback(tuple(prompts.AssertResult(a, "not run") for a in asserts), error)
    scope: dict[str, object] = {"print": lambda *values: scope_output.append(" ".join(map(str, values)))}
    exec(code, scope)
    results = []
    for (arguments, value), source_line in zip(cases, asserts):
        try:
            actual = scope[name](*arguments)  # type: ignore[operator]
        except Exception as problem:  # noqa: BLE001
            kind = f"{type(problem).__name__}: {problem}"[:80]
            trace = problem.__traceback__
            line = 0
            while trace is not None:
                if trace.tb_frame.f_code.co_filename == "<program>":
                    line = trace.tb_lineno
                trace = trace.tb_next
            error = f"{kind} (line {line})"
            results.append(prompts.AssertResult(source_line, type(problem).__name__))
            continue
        try:
            same = bool(actual == value)
        except Exception:  # noqa: BLE001
            same = False
        results.append(prompts.AssertResult(source_line, "" if same else f"got {render_value(actual)}"[:90]))
    if all(not r.outcome for r in results):
        return None
    output = "; ".join(scope_output[:3])[:60]
    return prompts.Feedback(tuple(results), error, output)


def _try_example(rng: random.Random) -> Example | None:
    chain = draw_chain(rng, rng.choices((1, 2, 3), LENGTH_WEIGHTS)[0])
    if chain is None or not seen_in_pretraining(chain):
        return None
    kind = rng.choices(KINDS, KIND_WEIGHTS)[0]
    shown = rng.choices((1, 2, 3), SHOWN_WEIGHTS)[0]
    cases = draw_cases(chain, rng, shown, 0 if shown > 1 else 1)
    if cases is None:
        return None
    cases = cases[:shown]
    name, style = entry_name(chain, rng), _style(chain, rng)
    code = program(chain, name, style)
    if len(chain) > 1 and signature(code) in starter_signatures():
        return None
    task = text(chain, rng)
    asserts = [render_assert(name, case) for case in cases]
    if kind == "plain":
        return Example(kind, prompts.plain(task, asserts), code, code)
    mutated = _mutate(chain, name, style if rng.random() < 0.7 else _style(chain, rng), rng)
    if mutated is None:
        return None
    wrong, why = mutated
    feedback = run_program(wrong, name, cases, asserts)
    if feedback is None:
        return None
    if kind == "reflection":
        return Example(kind, prompts.reflection(task, wrong, feedback), why, code)
    if kind == "retry":
        return Example(kind, prompts.retry(task, wrong, feedback, why), code, code)
    opening = f"# {why}\n" if rng.random() < 0.4 else ""
    return Example(kind, prompts.refinement(task, wrong, feedback), opening + code, code)


def example(index: int, seed: int = SEED) -> Example:
    """Example `index` of the corpus."""
    digest = hashlib.sha256(f"{seed}:{index}".encode()).digest()
    rng = random.Random(int.from_bytes(digest[:8], "big"))
    while True:
        drawn = _try_example(rng)
        if drawn is not None:
            return drawn


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
