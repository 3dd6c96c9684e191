"""Turns chains of primitives into programs, texts, names and asserts. Everything is drawn from a `random.Random`."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from primitives import BY_NAME, TABLE, Primitive

STYLES = ("nested", "steps", "loop")
ELEMENT = {"L": "x", "S": "c", "W": "w"}
VARIABLE = {"L": "xs", "S": "s", "W": "ws", "I": "n", "B": "b", "T": "t", "E": "e", "D": "d", "G": "d", "P": "ps"}
ARGUMENTS = {"L": "LLLLLLLL", "S": "SSSSS", "W": "WWWWW", "I": "II", "Q": "QQ", "D": "D", "P": "P", "T": "T"}
START_TYPES = "".join(ARGUMENTS.values())
INPUT_NOUNS = {
    "L": ("a list of integers", "a list of numbers", "the given list", "a given list of numbers"),
    "S": ("a string", "a given string", "the given string"),
    "W": ("a list of words", "a list of strings", "the given words"),
    "I": ("a number", "a given integer", "a positive integer n"),
    "Q": ("two lists", "two given lists", "two lists of integers"),
    "D": ("a dictionary", "a dictionary of scores", "the given dictionary"),
    "P": ("a list of pairs", "a list of tuples", "the given pairs"),
    "T": ("a tuple", "a tuple of integers", "the given tuple"),
}
GENERIC_NAMES = {
    "L": ("process_list", "transform_list", "from_list"),
    "S": ("process_string", "transform_text", "from_string"),
    "W": ("process_words", "transform_words", "from_words"),
    "I": ("process_number", "transform_number", "from_number"),
    "Q": ("combine_lists", "merge_lists", "two_lists"),
    "D": ("process_dict", "transform_dict", "from_dict"),
    "P": ("process_pairs", "transform_pairs", "from_pairs"),
    "T": ("process_tuple", "transform_tuple", "from_tuple"),
}
WORDS = (
    "apple bat cat dog egg fig gold hat ice jam kite lamp map nut oak pear queen red sun tree under van wolf box yes zoo "
    "level noon radar civic banana orange grape stone river cloud paper music dance light moon star rain snow bird fish "
    "ant bee crow deer a to in on it go we tea sea pie ten six two one all mom dad pop eye arm leg fast slow tall bold"
).split()


@dataclass(frozen=True)
class Step:
    """A primitive with its constant chosen (as Python source, "" where it has none)."""

    primitive: Primitive
    k: str


Chain = tuple[Step, ...]
BY_INPUT: dict[str, list[Primitive]] = {}
for _p in TABLE:
    BY_INPUT.setdefault(_p.tin, []).append(_p)


def key_of(chain: Sequence[Step]) -> str:
    """The composition, constants left out: names of the primitives in order."""
    return ">".join(step.primitive.name for step in chain)


def draw_chain(rng: random.Random, length: int, start: str | None = None) -> Chain | None:
    """Draws a well-typed chain of `length` distinct primitives, or None where the draw hit a dead end."""
    kind = start or rng.choice(START_TYPES)
    steps: list[Step] = []
    for position in range(length):
        options = [p for p in BY_INPUT.get(kind, ()) if all(p is not s.primitive for s in steps)]
        if position < length - 1:
            options = [p for p in options if p.tout in BY_INPUT]
        if not options:
            return None
        # By output type first, so that no type drowns the others.
        touts = sorted({p.tout for p in options})
        weights = [sum(p.tout == t for p in options) ** 0.6 for t in touts]
        tout = rng.choices(touts, weights)[0]
        primitive = rng.choice([p for p in options if p.tout == tout])
        steps.append(Step(primitive, rng.choice(primitive.constants) if primitive.constants else ""))
        kind = primitive.tout
    return tuple(steps)


# ---------------------------------------------------------------------------------------------- programs


def _atomic(expression: str) -> bool:
    body = ast.parse(expression, mode="eval").body
    return isinstance(body, (ast.Call, ast.Attribute, ast.Subscript, ast.Name, ast.List, ast.ListComp, ast.Dict, ast.DictComp, ast.Tuple, ast.Constant))


def _fill(template: str, value: str, k: str) -> str:
    safe = "({x})" in template or "({x}," in template or "in {x}" in template
    if not safe and not _atomic(value):
        value = f"({value})"
    return template.format(x=value, k=k)


def _comprehension(kind: str, element: str, source: str, tests: list[str]) -> str:
    variable = ELEMENT[kind]
    tail = f" if {' and '.join(tests)}" if tests else ""
    inner = f"{element} for {variable} in {source}{tail}"
    return f"''.join({inner})" if kind == "S" else f"[{inner}]"


def program(chain: Chain, name: str, style: str) -> str:
    """Renders the chain as a function.

    `nested` writes one expression where it can, `steps` a line a primitive, `loop` an explicit loop for every run of
    element-wise primitives.
    """
    first = chain[0].primitive.tin
    arguments = "xs, ys" if first == "Q" else VARIABLE[first]
    lines: list[str] = []
    current = arguments
    index = 0
    while index < len(chain):
        primitive, k = chain[index].primitive, chain[index].k
        is_last = index == len(chain) - 1
        variable = VARIABLE[primitive.tout]
        if primitive.kind in ("map", "filter"):
            element, tests = ELEMENT[primitive.tin], []
            end = index
            while end < len(chain) and chain[end].primitive.kind == "filter" and not (style == "steps" and end > index):
                tests.append(chain[end].primitive.code.format(k=chain[end].k))
                end += 1
            if end < len(chain) and chain[end].primitive.kind == "map" and not (style == "steps" and end > index):
                element = chain[end].primitive.code.format(k=chain[end].k)
                end += 1
            kind, is_last, index = primitive.tin, end == len(chain), end
            if style == "loop":
                out = "out" if not any(line.startswith("out =") for line in lines) else "res"
                lines.append(f"{out} = " + ("''" if kind == "S" else "[]"))
                lines.append(f"for {ELEMENT[kind]} in {current}:")
                put = f"{out} += {element}" if kind == "S" else f"{out}.append({element})"
                lines += [f"    if {' and '.join(tests)}:", f"        {put}"] if tests else [f"    {put}"]
                current = out
                continue
            expression = _comprehension(kind, element, current, tests)
        elif primitive.kind == "stmt":
            out = "p"
            lines += primitive.code.format(x=current, k=k, out=out).split("\n")
            current = out
            index += 1
            continue
        else:
            if primitive.multi and not current.isidentifier():
                bound = VARIABLE[primitive.tin]
                lines.append(f"{bound} = {current}")
                current = bound
            expression = _fill(primitive.code, current, k) if primitive.tin != "Q" else primitive.code
            index += 1
        if style == "steps" and not is_last:
            lines.append(f"{variable} = {expression}")
            expression = variable
        current = expression
    lines.append(f"return {current}")
    return f"def {name}({arguments}):\n" + "\n".join("    " + line for line in lines)


def has_loop_form(chain: Chain) -> bool:
    """True where the `loop` style differs from the others."""
    return any(step.primitive.kind in ("map", "filter") for step in chain)


def compile_function(source: str, name: str) -> Callable[..., Any]:
    """Executes one of our own generated programs and returns its function. Never for model-written code."""
    scope: dict[str, Any] = {}
    exec(compile(source, "<program>", "exec"), scope)
    return scope[name]


class _Canonical(ast.NodeTransformer):
    def __init__(self, kept: set[str]) -> None:
        self.kept, self.names = kept, {}

    def _rename(self, name: str) -> str:
        return name if name in self.kept else self.names.setdefault(name, f"v{len(self.names)}")

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = "f"
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._rename(node.arg)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._rename(node.id)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        node.value = type(node.value).__name__
        return node


def signature(source: str) -> str:
    """The program's AST with constants abstracted to their type and its own names normalised by first use."""
    kept = set(dir(__builtins__)) if not isinstance(__builtins__, dict) else set(__builtins__)
    return ast.dump(_Canonical(kept).visit(ast.parse(source)))


# ---------------------------------------------------------------------------------------------- texts and names


def _noun(chain: Sequence[Step], base: str, rng: random.Random) -> str:
    for step in chain:
        base = rng.choice(step.primitive.nouns).format(X=base, k=step.k)
    return base


def _joined(verbs: list[str], rng: random.Random) -> str:
    if len(verbs) == 1:
        return verbs[0]
    glue = rng.choice((" and ", ", then ", " and then "))
    return ", ".join(verbs[:-1]) + glue + verbs[-1]


def text(chain: Chain, rng: random.Random) -> str:
    """States the task as a person might: a nested noun phrase, a list of steps, or a mix of the two."""
    base = rng.choice(INPUT_NOUNS[chain[0].primitive.tin])
    form = rng.random()
    if form < 0.45 or (len(chain) == 1 and form < 0.8):
        noun = _noun(chain, base, rng)
        if chain[-1].primitive.tout == "B":
            opening = rng.choice(("Write a function to check ", "Write a python function to test ", "Check ", "Decide "))
        else:
            opening = rng.choice((
                "Write a function to find ", "Write a python function to find ", "Write a function to get ",
                "Write a function that returns ", "Return ", "Find ", "Compute ", "Write a function to compute ",
            ))
        return f"{opening}{noun}."
    cut = 0 if form < 0.75 or len(chain) == 1 else rng.randrange(1, len(chain))
    noun = _noun(chain[:cut], base, rng)
    verbs = _joined([rng.choice(s.primitive.verbs).format(k=s.k) for s in chain[cut:]], rng)
    return rng.choice((
        "Given {n}, {v}.", "Take {n}, {v}.", "Write a function that takes {n} to {v}.", "For {n}, {v}.",
        "Write a function to take {n}, {v} and return the result.", "Start from {n}: {v}.",
    )).format(n=noun, v=verbs)


def entry_name(chain: Chain, rng: random.Random) -> str:
    """A function name: descriptive of one or two steps, or generic."""
    slugs = [step.primitive.slug for step in chain]
    form = rng.random()
    if form < 0.3:
        return rng.choice(GENERIC_NAMES[chain[0].primitive.tin] + ("solve", "compute", "task_func"))
    if form < 0.55 or len(slugs) == 1:
        name = rng.choice(("get_", "find_", "make_", "")) + rng.choice(slugs)
    else:
        name = "_".join(slugs[:-3:-1])
    reserved = {"max", "min", "sum", "abs", "range", "set", "tuple", "list", "sorted", "reversed", "bin", "str", "len"}
    return f"{name}_of" if name in reserved else name


# ---------------------------------------------------------------------------------------------- asserts


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


def draw_cases(chain: Chain, rng: random.Random, shown: int, hidden: int) -> list[tuple[tuple[Any, ...], Any]] | None:
    """Draws calls with their true results, shown ones first, or None where the chain makes a poor problem.

    Refused: results that hardly vary, and a step that could be left out without any case noticing.
    """
    source = program(chain, "f", "steps")
    function = compile_function(source, "f")
    kind = chain[0].primitive.tin
    cases: list[tuple[tuple[Any, ...], Any]] = []
    seen: set[str] = set()
    for attempt in range((shown + hidden) * 6):
        small = len(cases) < shown
        arguments = draw_arguments(kind, rng, small)
        if not small and kind in "LWS" and attempt % 5 == 0:
            arguments = ({"L": [rng.randrange(0, 10)], "W": [_draw_word(rng)], "S": _draw_word(rng)}[kind],)
        label = repr(arguments)
        if label in seen:
            continue
        seen.add(label)
        try:
            value = function(*arguments)
        except Exception:  # noqa: BLE001 - an input that the chain is not defined on
            continue
        if not _reasonable(value, 36 if small else 90):
            continue
        if small and sum(render_value(v) == render_value(value) for _, v in cases) >= (shown - 1 if chain[-1].primitive.tout == "B" else 1):
            continue
        if small and value in ([], "", {}, set(), ()) and rng.random() < 0.8:
            continue
        cases.append((arguments, value))
        if len(cases) == shown + hidden:
            break
    if len(cases) < shown + hidden or len({render_value(v) for _, v in cases}) < 2:
        return None
    for index in range(len(chain)):
        rest = _without(chain, index)
        if rest is None or (index == 0 and kind == "Q"):
            continue
        shorter = compile_function(program(rest, "f", "steps"), "f")
        if not any(_differs(shorter, arguments, value) for arguments, value in cases[: max(shown, 1)]):
            return None
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


__all__ = ["BY_NAME", "Chain", "Step"]
