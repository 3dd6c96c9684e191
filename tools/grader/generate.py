"""Writes programs, tests and CPython's verdicts on them.

    python3 tools/grader/generate.py --seed 1 --count 300 --out DIR

DIR/problems.jsonl is a data set in MBPP's form and DIR/checks.jsonl one in HumanEval's; samples-*.jsonl hold the
programs; verdicts.jsonl says for each task its kind and what CPython found. Afterthought's own `bench verify --cpython`
compares them with its verdicts. Python's standard library is all it needs.
"""
import argparse
import json
import os
import random
import sys

from cpython import verdict
from forms import BY_KIND, PLAIN, Facts
from mutate import mutated
from programs import HEAD, PROGRAMS, STATEFUL

IMPORTS = "import math, itertools, datetime, types\nfrom collections import deque, Counter, OrderedDict\nfrom decimal import Decimal\nfrom fractions import Fraction\n"


def called(source, expression):
    space = {"__name__": "solution"}
    exec(source, space)
    return eval(expression, space)


def wrapped(rng):
    """A program and one to three asserts around its calls."""
    name, kind, needs, source, calls = rng.choice(PROGRAMS)
    source = "".join(HEAD[n] for n in needs) + source
    plain = rng.random() < 0.25 and kind in PLAIN
    asserts = []
    for arguments in rng.sample(calls, rng.randint(1, len(calls))):
        expression = "%s(%s)" % (name, arguments)
        value = called(source, expression)
        if kind in ("generator", "iterator"):
            value = list(value)
        if kind == "endless":
            value = [next(value)]
        form = "{e} == {v!r}" if plain and kind != "range" else rng.choice(BY_KIND[kind])
        if kind == "raises" and rng.random() < 0.3:
            form = "{e} == {v!r}"
        try:
            asserts.append("assert " + form.format_map(Fresh(expression, value)))
        except (IndexError, ValueError, TypeError):
            # A form that this value has no answer for: the first item of nothing.
            continue
    return ("plain " if plain else "wrapped ") + kind, source, asserts


class Fresh(Facts):
    def __init__(self, expression, value):
        super().__init__(value)
        self["e"] = expression


def stateful(rng):
    name, source, tests = rng.choice(STATEFUL)
    return "stateful " + name, source, [rng.choice(tests)]


def humaneval(kind, source, tests, name):
    """The same tests as a function `check(candidate)`."""
    body = []
    for test in tests:
        body.extend("    " + line for line in test.replace(name + "(", "candidate(").split("\n"))
    return IMPORTS + "\ndef check(candidate):\n" + "\n".join(body) + "\n"


def holds(source, tests):
    return all(status == "pass" for status in verdict(IMPORTS, source, tests))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    os.makedirs(args.out, exist_ok=True)
    names = ["problems", "checks", "samples-problems", "samples-checks", "verdicts"]
    files = {n: open(os.path.join(args.out, n + ".jsonl"), "w", encoding="utf-8") for n in names}
    put = lambda name, row: files[name].write(json.dumps(row) + "\n")
    made = 0
    while made < args.count:
        kind, source, tests = (wrapped if rng.random() < 0.6 else stateful)(rng)
        if not tests or not holds(source, tests):
            continue
        change, program = ("none", source) if rng.random() < 0.4 else mutated(rng, source)
        made += 1
        name = kind.split()[1] if kind.startswith("stateful") else source.split("def ")[-1].split("(")[0]
        as_check = rng.random() < 0.35 and "class " not in source and "import" not in "".join(tests)
        if as_check:
            task = "Check/%d" % made
            test = humaneval(kind, source, tests, name)
            statuses = verdict(IMPORTS, program, [test + "\ncheck(%s)\n" % name])
            put("checks", {"task_id": task, "prompt": "", "entry_point": name, "canonical_solution": source, "test": test})
            put("samples-checks", {"task_id": task, "solution": IMPORTS + program})
        else:
            task = "Grader/%d" % made
            statuses = verdict(IMPORTS, program, tests)
            row = {"task_id": made, "text": "Write %s." % name, "code": source, "test_list": tests, "test_setup_code": IMPORTS, "challenge_test_list": []}
            put("problems", row)
            put("samples-problems", {"task_id": made, "solution": program})
        put("verdicts", {
            "task_id": task if as_check else made, "form": "check" if as_check else "list", "kind": kind, "change": change, "statuses": statuses,
            "python": "%d.%d" % sys.version_info[:2],
        })
    for file in files.values():
        file.close()


if __name__ == "__main__":
    main()
