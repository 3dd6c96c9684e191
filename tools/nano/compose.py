"""Turns chains of primitives into programs, texts, names and asserts. Everything is drawn from a `random.Random`."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from primitives import TABLE, Primitive
from rules import Rule, draw_clause

STYLES = ("nested", "steps", "loop")
MOST_TURNS = 1_000_000
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
        by_output: dict[str, list[Primitive]] = {}
        for p in options:
            by_output.setdefault(p.tout, []).append(p)
        touts = sorted(by_output)
        tout = rng.choices(touts, [len(by_output[t]) ** 0.6 for t in touts])[0]
        primitive = rng.choice(by_output[tout])
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


def parameters(chain: Chain) -> str:
    """The function's parameters as source."""
    first = chain[0].primitive.tin
    return "xs, ys" if first == "Q" else VARIABLE[first]


def program(chain: Chain, name: str, style: str, rule: Rule | None = None) -> str:
    """Renders the chain as a function, the rule's guard first.

    `nested` writes one expression where it can, `steps` a line a primitive, `loop` an explicit loop for every run of
    element-wise primitives.
    """
    arguments = parameters(chain)
    lines: list[str] = rule.guard().split("\n") if rule else []
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


def _bounded_range(*bounds: int) -> range:
    """`range`, but not the billions of turns that the divisors of a product of squares may ask for."""
    turns = range(*bounds)
    if len(turns) > MOST_TURNS:
        raise OverflowError(f"range of {len(turns)} turns, more than {MOST_TURNS}")
    return turns


def compile_function(source: str, name: str) -> Callable[..., Any]:
    """Executes one of our own generated programs and returns its function. Never for model-written code."""
    scope: dict[str, Any] = {"range": _bounded_range}
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


def text(chain: Chain, rule: Rule | None, rng: random.Random) -> str:
    """States the task as a person might: a nested noun phrase, a list of steps, or a mix of the two; then the rule."""
    sentence = _sentence(chain, rng)
    return f"{sentence} {draw_clause(rule, rng)}" if rule else sentence


def _sentence(chain: Chain, rng: random.Random) -> str:
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
