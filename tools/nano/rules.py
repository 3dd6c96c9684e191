"""Exceptions that a task may state beside its chain of primitives: "Return -1 if the list is empty."

A rule is one guard at the top of the function. Whoever writes the program has to have read the whole task: the shown
asserts need not contain a case of the rule, the hidden ones do. In the pre-training corpus many authors leave it out
(corpus.py), which is a habit that reinforcement learning can break.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Arguments = tuple[Any, ...]
LETTERS = "aeiorstln"


@dataclass(frozen=True)
class Rule:
    """A condition on the arguments and the value to return where it holds, both as Python source."""

    test: str
    value: str
    condition: str
    make: Callable[[random.Random, Arguments], Arguments]
    parameters: str

    def applies(self, arguments: Arguments) -> bool:
        """Whether the rule decides the result for these arguments."""
        return bool(eval(self.test, dict(zip(self.parameters.split(", "), arguments))))  # noqa: S307 - our own test

    def case(self, rng: random.Random, arguments: Arguments) -> Arguments:
        """Ordinary arguments turned into a case of the rule (nearly always: ask `applies`)."""
        return self.make(rng, arguments)

    def guard(self) -> str:
        """The two lines at the top of a function's body, not indented."""
        return f"if {self.test}:\n    return {self.value}"

    def verb(self) -> str:
        """What has to be done, as an order."""
        return f"return {self.value} if {self.condition}"


@dataclass(frozen=True)
class Kind:
    """A family of rules for one type of argument; `make` turns ordinary arguments into a case of the rule."""

    name: str
    test: str
    conditions: tuple[str, ...]
    constants: tuple[Any, ...]
    make: Callable[[random.Random, Arguments, Any], Arguments]


def _shorter(rng: random.Random, arguments: Arguments, k: int) -> Arguments:
    value = arguments[0]
    size = rng.randrange(0, min(k, len(value) + 1))
    if isinstance(value, dict):
        return (dict(list(value.items())[:size]),)
    return (value[:size],)


def _empty(rng: random.Random, arguments: Arguments, _k: Any) -> Arguments:
    return tuple(type(a)() if i == 0 else a for i, a in enumerate(arguments))


def _holding(rng: random.Random, arguments: Arguments, k: Any) -> Arguments:
    value = arguments[0]
    at = rng.randrange(len(value) + 1)
    part = k if isinstance(value, str) else type(value)([k])
    return (value[:at] + part + value[at:],)


def _unequal(rng: random.Random, arguments: Arguments, _k: Any) -> Arguments:
    xs, ys = arguments
    return (xs[:-1], ys) if rng.random() < 0.5 else (xs, ys + [rng.randrange(0, 10)])


def _kinds(variable: str, thing: str, items: str, letters: bool = False) -> tuple[Kind, ...]:
    kinds = (
        Kind("empty", f"not {variable}", (f"the {thing} is empty", f"the {thing} has no {items}"), (None,), _empty),
        Kind("short", f"len({variable}) < {{k}}", (f"the {thing} has fewer than {{k}} {items}", f"there are fewer than {{k}} {items}"), (2, 3, 4), _shorter),
    )
    if not letters:
        return kinds
    return (*kinds, Kind("holds", f"{{k}} in {variable}", (f"the {thing} contains {{k}}", f"{{k}} is in the {thing}"), tuple(LETTERS) if variable == "s" else tuple(range(7)), _holding))


KINDS: dict[str, tuple[Kind, ...]] = {
    "L": _kinds("xs", "list", "numbers", letters=True),
    "S": _kinds("s", "string", "characters", letters=True),
    "W": _kinds("ws", "list", "words"),
    "D": _kinds("d", "dictionary", "entries"),
    "P": _kinds("ps", "list", "pairs"),
    "T": _kinds("t", "tuple", "elements"),
    "I": (
        Kind("below", "n < {k}", ("the number is less than {k}", "n is below {k}"), (4, 5, 6, 8, 10), lambda rng, a, k: (rng.randrange(0, k),)),
        Kind("above", "n > {k}", ("the number is greater than {k}", "n is above {k}"), (15, 18, 20, 25), lambda rng, a, k: (rng.randrange(k + 1, k + 30),)),
    ),
    "Q": (
        Kind("unequal", "len(xs) != len(ys)", ("the lists differ in length", "the lists have different lengths"), (None,), _unequal),
        Kind("empty", "not xs", ("the first list is empty", "the first list has no numbers"), (None,), _empty),
    ),
}
# What is returned, by the type that the chain gives.
VALUES = {
    "I": ("0", "-1", "None"), "L": ("[]", "None", "[0]"), "S": ("''", "'none'", "None"), "W": ("[]", "None"), "B": ("False", "None"),
    "T": ("()", "None"), "E": ("None", "set()"), "D": ("{}", "None"), "G": ("{}", "None"), "P": ("[]", "None"),
}
CLAUSES = ("Return {v} if {c}.", "If {c}, return {v}.", "The result is {v} if {c}.", "When {c}, the result is {v}.")


def draw_rule(rng: random.Random, tin: str, tout: str, parameters: str) -> Rule:
    """A rule for a function of `parameters` from type `tin` to type `tout`."""
    kind = rng.choice(KINDS[tin])
    k = rng.choice(kind.constants)
    return Rule(
        kind.test.format(k=repr(k)), rng.choice(VALUES[tout]),
        rng.choice(kind.conditions).format(k=k if isinstance(k, int) else repr(k)),
        lambda r, arguments: kind.make(r, arguments, k), parameters,
    )


def draw_clause(rule: Rule, rng: random.Random) -> str:
    """The sentence that states the rule."""
    return rng.choice(CLAUSES).format(v=rule.value, c=rule.condition)
