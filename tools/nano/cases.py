"""Draws calls with their true results for a chain and its rule, and renders them as asserts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from compose import WORDS, Chain, compile_function, program
from rules import Rule

Case = tuple[tuple[Any, ...], Any]
SHOWN_RULE = 0.6  # how often a case of the rule is among the shown asserts
HIDDEN_RULE = 2  # cases of the rule among the hidden asserts, where it has that many


def _draw_ints(rng: random.Random, lo: int, hi: int) -> list[int]:
    size = rng.randrange(lo, hi)
    top = rng.choice((6, 10, 10, 13))
    low = rng.choice((0, 0, -9))
    return [rng.randrange(low, top) for _ in range(size)]


def _draw_word(rng: random.Random) -> str:
    return rng.choice(WORDS)


def draw_arguments(kind: str, rng: random.Random, small: bool) -> tuple[Any, ...]:
    """Draws the arguments of one call; `small` keeps them short enough for a prompt."""
    top = 6 if small else 9
    if kind == "L":
        return (_draw_ints(rng, 3, top),)
    if kind == "T":
        return (tuple(_draw_ints(rng, 3, top)),)
    if kind == "I":
        return (rng.randrange(2, 30 if small else 100),)
    if kind == "Q":
        size = rng.randrange(2, top - 2)
        return tuple([rng.randrange(0, 10) for _ in range(size)] for _ in range(2))
    if kind == "P":
        return ([(rng.randrange(0, 10), rng.randrange(0, 10)) for _ in range(rng.randrange(2, top - 2))],)
    if kind == "D":
        keys = rng.sample(WORDS, rng.randrange(2, top - 2))
        return ({key: rng.randrange(0, 11) for key in keys},)
    if kind == "W":
        return ([_draw_word(rng) for _ in range(rng.randrange(2, top - 1))],)
    form = rng.random()
    words = [_draw_word(rng) for _ in range(rng.randrange(1, 3 if small else 5))]
    if form < 0.3:
        words = [w.capitalize() if rng.random() < 0.6 else w.upper() if rng.random() < 0.3 else w for w in words]
    if form > 0.7:
        words.insert(rng.randrange(len(words) + 1), str(rng.randrange(10, 1000)))
    return (" ".join(words),)


def render_value(value: Any) -> str:
    """A literal; sets in sorted order, so that text does not depend on hashing."""
    if isinstance(value, set):
        return "{" + ", ".join(map(repr, sorted(value))) + "}" if value else "set()"
    return repr(value)


def _reasonable(value: Any, limit: int) -> bool:
    if isinstance(value, int) and abs(value) > 99_999:
        return False
    if isinstance(value, (list, tuple)) and any(isinstance(v, int) and abs(v) > 9_999 for v in value):
        return False
    return len(render_value(value)) <= limit


def _without(chain: Chain, index: int) -> Chain | None:
    rest = chain[:index] + chain[index + 1 :]
    if not rest or chain[index].primitive.tin != chain[index].primitive.tout:
        return None
    return rest


def draw_cases(chain: Chain, rule: Rule | None, rng: random.Random, shown: int, hidden: int) -> list[Case] | None:
    """Draws calls with their true results, shown ones first, or None where chain and rule make a poor problem.

    Refused: results that hardly vary, a step that could be left out without any shown case noticing, and a rule that
    agrees with what the chain gives by itself.
    """
    in_shown = min(shown - 1, int(rng.random() < SHOWN_RULE)) if rule else 0
    in_hidden = HIDDEN_RULE if rule and hidden > HIDDEN_RULE else 0
    cases = _ordinary_cases(chain, rule, rng, shown - in_shown, hidden - in_hidden)
    if cases is None or not _every_step_shows(chain, cases[: max(shown - in_shown, 1)]):
        return None
    if rule is None:
        return cases
    special = _rule_cases(chain, rule, rng, in_shown + in_hidden)
    if special is None or len(special) < max(in_shown, min(1, in_hidden)):
        return None
    first, rest = cases[: shown - in_shown] + special[:in_shown], cases[shown - in_shown :] + special[in_shown:]
    rng.shuffle(first)
    rng.shuffle(rest)
    if len(rest) < hidden:  # a rule with one case only, and that is shown
        more = _ordinary_cases(chain, rule, rng, shown, hidden + 6)
        known = {repr(arguments) for arguments, _ in cases}
        rest += [c for c in more or () if repr(c[0]) not in known][: hidden - len(rest)]
    return first + rest if len(rest) == hidden else None


def _ordinary_cases(chain: Chain, rule: Rule | None, rng: random.Random, shown: int, hidden: int) -> list[Case] | None:
    function = compile_function(program(chain, "f", "steps"), "f")
    kind = chain[0].primitive.tin
    cases: list[Case] = []
    seen: set[str] = set()
    for attempt in range((shown + hidden) * 6):
        small = len(cases) < shown
        arguments = draw_arguments(kind, rng, small)
        if not small and kind in "LWS" and attempt % 5 == 0:
            arguments = ({"L": [rng.randrange(0, 10)], "W": [_draw_word(rng)], "S": _draw_word(rng)}[kind],)
        label = repr(arguments)
        if label in seen or (rule is not None and rule.applies(arguments)):
            continue
        seen.add(label)
        try:
            value = function(*arguments)
        except Exception:  # noqa: BLE001 - an input that the chain is not defined on
            continue
        if not _reasonable(value, 36 if small else 90):
            continue
        if small and sum(render_value(v) == render_value(value) for _, v in cases) >= (shown - 1 if chain[-1].primitive.tout == "B" and shown > 1 else 1):
            continue
        if small and value in ([], "", {}, set(), ()) and rng.random() < 0.8:
            continue
        cases.append((arguments, value))
        if len(cases) == shown + hidden:
            break
    if len(cases) < shown + hidden or (len(cases) > 1 and len({render_value(v) for _, v in cases}) < 2):
        return None
    return cases


def _every_step_shows(chain: Chain, cases: list[Case]) -> bool:
    for index in range(len(chain)):
        rest = _without(chain, index)
        if rest is None or (index == 0 and chain[0].primitive.tin == "Q"):
            continue
        shorter = compile_function(program(rest, "f", "steps"), "f")
        if not any(_differs(shorter, arguments, value) for arguments, value in cases):
            return False
    return True


def _rule_cases(chain: Chain, rule: Rule, rng: random.Random, count: int) -> list[Case] | None:
    """Up to `count` distinct cases of the rule, or None where one of them gives the rule's value without the rule."""
    bare = compile_function(program(chain, "f", "steps"), "f")
    full = compile_function(program(chain, "f", "steps", rule), "f")
    cases: list[Case] = []
    seen: set[str] = set()
    for _ in range(count * 6):
        arguments = rule.case(rng, draw_arguments(chain[0].primitive.tin, rng, small=True))
        if repr(arguments) in seen or not rule.applies(arguments):
            continue
        seen.add(repr(arguments))
        value = full(*arguments)
        if not _differs(bare, arguments, value):
            return None
        cases.append((arguments, value))
        if len(cases) == count:
            break
    return cases


def _differs(function: Callable[..., Any], arguments: tuple[Any, ...], value: Any) -> bool:
    try:
        return bool(function(*arguments) != value)
    except Exception:  # noqa: BLE001
        return True


def render_assert(name: str, case: tuple[tuple[Any, ...], Any]) -> str:
    """`assert name(args) == value`."""
    arguments, value = case
    return f"assert {name}({', '.join(map(render_value, arguments))}) == {render_value(value)}"

