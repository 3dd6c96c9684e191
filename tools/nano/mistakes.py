"""Wrong programs near the right one, what is wrong with them, and what they really do when run."""

from __future__ import annotations

import ast
import random

import prompts
from cases import render_value
from compose import BY_INPUT, Chain, Step, program
from rules import VALUES, Rule

SWAPS = (
    ("== 0", "== 1"), ("== 1", "== 0"), (" < ", " > "), (" > ", " < "), ("max(", "min("), ("min(", "max("),
    ("[1:]", "[:-1]"), ("[0]", "[-1]"), ("[-1]", "[0]"), ("[::2]", "[1::2]"), (" + 1", ""), (" + ", " - "),
    ("not in", "in"), (" in '", " not in '"), (".upper()", ".lower()"), ("[::-1]", "[:-1]"), ("sorted(", "list("),
    (", reverse=True", ""), ("return ", "print("), (":\n", "\n"), ("out = []\n", ""), ("xs)", "x)"), ("len(", "sum("),
)
RULE_MISSING = 0.35
RULE_WRONG = 0.1


def rule_missing(rule: Rule) -> str:
    """The sentence for a program that ignores the task's rule."""
    return f"The rule is missing: {rule.verb()}."


def plan(chain: Chain, rng: random.Random) -> str:
    """The right steps in order, as a reflection that says what to do rather than what was wrong."""
    return f"The steps are: {', then '.join(rng.choice(s.primitive.verbs).format(k=s.k) for s in chain)}."


def mutate(chain: Chain, rule: Rule | None, name: str, style: str, rng: random.Random) -> tuple[str, str] | None:
    """A wrong program near the right one, and sentences that say what is wrong and how to fix it."""
    if rule is not None:
        form = rng.random()
        if form < RULE_MISSING:
            return program(chain, name, style), rule_missing(rule)
        if form < RULE_MISSING + RULE_WRONG:
            others = [v for v in VALUES[chain[-1].primitive.tout] if v != rule.value]
            wrong = program(chain, name, style, rule).replace(f"return {rule.value}", f"return {rng.choice(others)}", 1)
            return wrong, f"The rule is wrong: {rule.verb()}."
    left_out = rule is not None and rng.random() < 0.4
    found = _mutate_chain(chain, None if left_out else rule, name, style, rng)
    if found is None or rule is None or not left_out:
        return found
    return found[0], f"{found[1]} {rule_missing(rule)}"


def _mutate_chain(chain: Chain, rule: Rule | None, name: str, style: str, rng: random.Random) -> tuple[str, str] | None:
    form = rng.random()
    index = rng.randrange(len(chain))
    step = chain[index]
    right = rng.choice(step.primitive.verbs).format(k=step.k)
    if form < 0.2 and len(chain) > 1:
        rest = chain[:index] + chain[index + 1 :]
        kinds = [s.primitive.tin for s in rest[1:]]
        if kinds != [s.primitive.tout for s in rest[:-1]] or step.primitive.tin == "Q" or (index == 0 and step.primitive.tin != step.primitive.tout):
            return None
        return program(rest, name, style, rule), f"A step is missing: {right}."
    if form < 0.3 and len(chain) > 1:
        a, b = chain[index - 1], step
        if index == 0 or {a.primitive.tin, a.primitive.tout} != {b.primitive.tin, b.primitive.tout} or a.primitive.tin != a.primitive.tout:
            return None
        swapped = chain[: index - 1] + (b, a) + chain[index + 1 :]
        return program(swapped, name, style, rule), f"The steps are in the wrong order: first {a.primitive.verbs[0].format(k=a.k)}, then {right}."
    if form < 0.4 and step.k:
        k = rng.choice([c for c in step.primitive.constants if c != step.k])
        wrong = chain[:index] + (Step(step.primitive, k),) + chain[index + 1 :]
        return program(wrong, name, style, rule), f"The constant is wrong: use {step.k}, not {k}."
    if form < 0.75:
        near = [p for p in BY_INPUT[step.primitive.tin] if p.tout == step.primitive.tout and p is not step.primitive]
        if not near:
            return None
        other = rng.choice(near)
        k = step.k if step.k in other.constants else rng.choice(other.constants) if other.constants else ""
        wrong = chain[:index] + (Step(other, k),) + chain[index + 1 :]
        verb = rng.choice(other.verbs).format(k=k)
        return program(wrong, name, style, rule), f"The code does this: {verb}. It should {right}."
    source = program(chain, name, style, rule)
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


def run_program(source: str, asserts: list[str]) -> prompts.Feedback | None:
    """Runs a program on asserts of the form `assert f(…) == literal`; None where it passes them all.

    Runs here and now: for our own mutated programs. What a model wrote goes through judge.py, in a child with limits.
    """
    output: list[str] = []
    scope: dict[str, object] = {"print": lambda *values: output.append(" ".join(map(str, values)))}
    not_run = tuple(prompts.AssertResult(a, "not run") for a in asserts)
    try:
        exec(compile(source, "<program>", "exec"), scope)
    except SyntaxError as problem:
        return prompts.Feedback(not_run, f"SyntaxError: {problem.msg} (line {problem.lineno})")
    except Exception as problem:  # noqa: BLE001
        return prompts.Feedback(not_run, _error(problem))
    error = ""
    results = []
    for line in asserts:
        call, expected = line.removeprefix("assert ").rsplit(" == ", 1)
        try:
            actual = eval(call, dict(scope))  # noqa: S307
            same = bool(actual == ast.literal_eval(expected)) if expected != "set()" else actual == set()
        except Exception as problem:  # noqa: BLE001
            error = _error(problem)
            results.append(prompts.AssertResult(line, type(problem).__name__))
            continue
        results.append(prompts.AssertResult(line, "" if same else f"got {_shown(actual)}"[:90]))
    if all(not r.outcome for r in results):
        return None
    return prompts.Feedback(tuple(results), error, "; ".join(output[:3])[:60])


def _shown(value: object) -> str:
    try:
        return render_value(value)
    except Exception:  # noqa: BLE001 - a set of values that do not compare
        return repr(value)


def _error(problem: Exception) -> str:
    trace, line = problem.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<program>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{f'{type(problem).__name__}: {problem}'[:80]} (line {line})"


