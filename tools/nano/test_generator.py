"""Behaviour of the generator and the corpus; needs nothing but Python. Run: `python -m unittest test_generator` in this folder.

`npm test` runs the same in Pyodide (generator.test.ts).
"""

from __future__ import annotations

import hashlib
import json
import unittest
from pathlib import Path

import compose
import corpus
import problems
from compose import compile_function, signature
from corpus import OWN_FROM, example
from mistakes import run_program
from primitives import TABLE
from problems import SIZES, build, held_out, is_new, seen_in_pretraining

PROBLEMS = Path(__file__).parents[2] / "public/problems"
FIELDS = ["task_id", "text", "code", "test_list", "hidden_test_list", "test_setup_code", "entry_point", "difficulty", "split"]
# Of the first 500 examples, and of 500 with nano's own failures. Messages of errors are left out: they differ between
# versions of Python, all else does not.
DIGESTS = {
    0: "9a2adf45f100286e850e51a5b83e030183ba642e2a08dfd63c05f577ac00bebf",
    OWN_FROM: "3d76149890d59facb76e824491c365eb650d9d92464837f1ebf8d86642ab3caa",
}


def stored() -> list[dict]:
    return [json.loads(line) for s in SIZES for line in (PROBLEMS / f"starter-{s}.jsonl").read_text().splitlines()]


class StarterProblems(unittest.TestCase):
    def test_the_files_are_what_the_generator_makes_byte_for_byte(self) -> None:
        for split, rows in build().items():
            text = "".join(json.dumps(row) + "\n" for row in rows)
            self.assertEqual((PROBLEMS / f"starter-{split}.jsonl").read_text(), text)

    def test_there_are_enough_primitives_and_problems(self) -> None:
        self.assertGreaterEqual(len(TABLE), 60)
        sizes = {split: len((PROBLEMS / f"starter-{split}.jsonl").read_text().splitlines()) for split in SIZES}
        self.assertTrue(sizes["train"] >= 200 and sizes["validation"] >= 100 and sizes["test"] >= 200)

    def test_every_reference_passes_its_asserts_and_every_record_has_its_fields(self) -> None:
        for row in stored():
            self.assertEqual(list(row), FIELDS)
            self.assertGreaterEqual(len(row["test_list"]), 3)
            self.assertGreaterEqual(len(row["hidden_test_list"]), 5)
            self.assertIn(row["difficulty"], range(1, 6))
            scope = {row["entry_point"]: compile_function(row["code"], row["entry_point"])}
            for source in row["test_list"] + row["hidden_test_list"]:
                exec(source, dict(scope))

    def test_a_program_that_ignores_its_rule_fails(self) -> None:
        with_rule = 0
        for row in stored():
            bare = without_rule(row["code"])
            if bare == row["code"]:
                continue
            with_rule += 1
            self.assertIsNotNone(run_program(bare, row["test_list"] + row["hidden_test_list"]), row["task_id"])
        self.assertGreater(with_rule, 0.75 * len(stored()))

    def test_no_two_problems_share_an_abstracted_program(self) -> None:
        marks = [signature(row["code"]) for row in stored()]
        self.assertEqual(len(marks), len(set(marks)))

    def test_every_joint_of_every_problem_is_a_held_out_pair(self) -> None:
        kept: list[compose.Chain] = []
        original = problems.draw_cases

        def spy(chain, *rest):  # type: ignore[no-untyped-def]
            cases = original(chain, *rest)
            if cases is not None:
                kept.append(chain)
            return cases

        problems.draw_cases = spy
        try:
            build()
        finally:
            problems.draw_cases = original
        self.assertEqual(len(kept), sum(SIZES.values()))
        self.assertTrue(all(is_new(chain) and not seen_in_pretraining(chain) for chain in kept))


class Corpus(unittest.TestCase):
    def test_no_program_of_the_corpus_is_a_starter_solution_with_or_without_its_rule(self) -> None:
        starters = {mark for row in stored() for mark in (signature(row["code"]), signature(without_rule(row["code"])))}
        for i in range(3000):
            task = example(i).task
            if len(task.chain) > 1:
                self.assertNotIn(signature(task.code(task.style)), starters)
                self.assertNotIn(signature(compose.program(task.chain, task.name, task.style)), starters)

    def test_the_hold_out_is_symmetric_and_near_its_share(self) -> None:
        names = [p.name for p in TABLE]
        pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
        self.assertTrue(all(held_out(a, b) == held_out(b, a) for a, b in pairs[:500]))
        self.assertAlmostEqual(sum(held_out(a, b) for a, b in pairs) / len(pairs), problems.HELD_OUT_SHARE, delta=0.02)

    def test_most_examples_are_plain_and_all_four_kinds_occur(self) -> None:
        kinds = [example(i).kind for i in range(1000)]
        self.assertGreaterEqual(kinds.count("plain"), 600)
        self.assertEqual(set(kinds), {"plain", "refinement", "reflection", "retry"})

    def test_an_example_depends_on_seed_and_index_alone(self) -> None:
        self.assertEqual(example(17).prompt, example(17).prompt)
        self.assertNotEqual(example(17).prompt, example(17, seed=8).prompt)

    def test_the_corpus_is_the_recorded_one(self) -> None:
        self.assertEqual({start: digest(start) for start in DIGESTS}, DIGESTS)

    def test_repairs_pass_what_their_attempt_failed(self) -> None:
        for start in (0, OWN_FROM):
            for i in range(start, start + 600):
                drawn = example(i)
                if drawn.kind in ("refinement", "retry"):
                    self.assertIsNone(run_program(drawn.completion, drawn.task.asserts))

    def test_own_failures_are_of_tasks_that_pretraining_may_see(self) -> None:
        records = corpus.own_failures()
        self.assertGreater(len(records), 5000)
        for record in records[::200]:
            task = corpus.task_of(record["task"])
            assert task is not None
            self.assertEqual(len(record["results"]), len(task.asserts))
            self.assertTrue(seen_in_pretraining(task.chain))


def without_rule(code: str) -> str:
    lines = code.split("\n")
    return "\n".join([lines[0], *lines[3:]]) if lines[1].startswith("    if ") and lines[2].startswith("        return ") else code


def digest(start: int, count: int = 500) -> str:
    hashed = hashlib.sha256()
    for i in range(start, start + count):
        e = example(i)
        prompt = "\n".join(line for line in e.prompt.split("\n") if not line.startswith("Error: "))
        hashed.update(f"{e.kind}\0{prompt}\0{e.completion}\0".encode())
    return hashed.hexdigest()


if __name__ == "__main__":
    unittest.main()
