"""Writes the starter problems: compositions of primitives that pre-training never sees together.

30 % of the unordered pairs of primitives are held out by a hash of their names. A pre-training program never contains both
halves of a held-out pair; every starter problem has a held-out pair at each of its joints. And since programs count as
the same when only constants and names differ, a starter problem has no twin that pre-training may contain: none whose
program is the same but for those ("the numbers above zero" and "above 3", the reverse of a list and of a string).

    python problems.py --out ../../public/problems
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import itertools
import json
import random
from pathlib import Path
from typing import Any

from cases import draw_cases, render_assert
from compose import BY_INPUT, STYLES, Chain, Step, draw_chain, entry_name, has_loop_form, key_of, parameters, program, signature, text
from primitives import TABLE, Primitive
from rules import Rule, draw_rule

SEED = 20250
SIZES = {"train": 300, "validation": 120, "test": 240}
SHOWN, HIDDEN = 3, 6
HELD_OUT_SHARE = 0.3
RULE_SHARE = 0.85


@functools.cache
def held_out(a: str, b: str) -> bool:
    """Whether two primitives (by name, in either order) are kept apart in pre-training."""
    digest = hashlib.sha256("|".join(sorted((a, b))).encode()).digest()
    return digest[0] / 256 < HELD_OUT_SHARE


def seen_in_pretraining(chain: Chain) -> bool:
    """Whether pre-training may contain this chain: no two of its primitives form a held-out pair."""
    names = [s.primitive.name for s in chain]
    return not any(held_out(a, b) for i, a in enumerate(names) for b in names[i + 1 :])


def is_new(chain: Chain) -> bool:
    """Whether every joint of the chain is a held-out pair."""
    names = [s.primitive.name for s in chain]
    return len(names) > 1 and all(held_out(a, b) for a, b in zip(names, names[1:]))


def _step(primitive: Primitive) -> Step:
    return Step(primitive, primitive.constants[0] if primitive.constants else "")


@functools.cache
def _twins() -> dict[str, tuple[Primitive, ...]]:
    """Name of a primitive → those whose own program is the same but for constants and names, itself included."""
    groups: dict[str, list[Primitive]] = {}
    for primitive in TABLE:
        groups.setdefault(signature(program((_step(primitive),), "f", "nested")), []).append(primitive)
    return {p.name: tuple(group) for group in groups.values() for p in group}


@functools.cache
def _short_signatures() -> frozenset[str]:
    """AST signatures of every chain of one or two primitives that pre-training may contain."""
    chains = [(_step(p),) for p in TABLE]
    chains += [(*c, _step(q)) for c in chains for q in BY_INPUT.get(c[0].primitive.tout, ()) if q is not c[0].primitive]
    return frozenset(mark for c in chains if seen_in_pretraining(c) for mark in signatures(c))


def has_seen_twin(chain: Chain) -> bool:
    """Whether pre-training may contain a chain whose program is the same but for constants and names."""
    for twin in itertools.product(*(_twins()[s.primitive.name] for s in chain)):
        if all(a.tout == b.tin for a, b in zip(twin, twin[1:])) and seen_in_pretraining(tuple(map(_step, twin))):
            return True
    return not signatures(chain).isdisjoint(_short_signatures())


def difficulty(chain: Chain, rule: Rule | None) -> int:
    """1 to 5: primitives, plus one where a constant is involved or two lists are, plus one for a rule."""
    extra = any(s.k for s in chain) or chain[0].primitive.tin == "Q"
    return min(5, len(chain) + int(extra) + int(rule is not None))


def signatures(chain: Chain) -> set[str]:
    """AST signatures of the chain in every style, its rule left out: stricter than comparing whole programs."""
    return {signature(program(chain, "f", style)) for style in STYLES}


def build(seed: int = SEED) -> dict[str, list[dict[str, Any]]]:
    """All splits; the same seed gives the same bytes."""
    rng = random.Random(seed)
    total = sum(SIZES.values())
    taken_keys: set[str] = set()
    taken_signatures: set[str] = set()
    records: list[dict[str, Any]] = []
    while len(records) < total:
        length = rng.choices((2, 3), (0.6, 0.4))[0]
        chain = draw_chain(rng, length)
        if chain is None or not is_new(chain) or key_of(chain) in taken_keys:
            continue
        if has_seen_twin(chain):
            continue
        marks = signatures(chain)
        if marks & taken_signatures:
            continue
        rule = None
        if rng.random() < RULE_SHARE:
            rule = draw_rule(rng, chain[0].primitive.tin, chain[-1].primitive.tout, parameters(chain))
        cases = draw_cases(chain, rule, rng, SHOWN, HIDDEN)
        if cases is None:
            continue
        name = entry_name(chain, rng)
        style = rng.choice(STYLES if has_loop_form(chain) else STYLES[:2])
        taken_keys.add(key_of(chain))
        taken_signatures |= marks
        asserts = [render_assert(name, case) for case in cases]
        records.append({
            "text": text(chain, rule, rng), "code": program(chain, name, style, rule) + "\n",
            "test_list": asserts[:SHOWN], "hidden_test_list": asserts[SHOWN:], "test_setup_code": "",
            "entry_point": name, "difficulty": difficulty(chain, rule),
        })
    splits: dict[str, list[dict[str, Any]]] = {}
    for split, size in SIZES.items():
        part, records = records[:size], records[size:]
        splits[split] = [{"task_id": f"starter/{split}/{i}", **r, "split": split} for i, r in enumerate(part)]
    return splits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for split, rows in build(options.seed).items():
        path = options.out / f"starter-{split}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        print(f"{path}: {len(rows)} problems")


if __name__ == "__main__":
    main()
