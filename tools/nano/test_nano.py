"""Behaviour of the generator, corpus, tokenizer and model. Run: `python -m unittest test_nano` in this folder."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

from compose import compile_function, signature
from corpus import example
from primitives import TABLE
from problems import SIZES, build, held_out, is_new, seen_in_pretraining
import compose
import problems
import prompts

ROOT = Path(__file__).parents[2]
FIELDS = ["task_id", "text", "code", "test_list", "hidden_test_list", "test_setup_code", "entry_point", "difficulty", "split"]


def stored() -> list[dict]:
    return [json.loads(line) for s in SIZES for line in (ROOT / f"public/problems/starter-{s}.jsonl").read_text().splitlines()]


class StarterProblems(unittest.TestCase):
    def test_the_files_are_what_the_generator_makes_byte_for_byte(self) -> None:
        for split, rows in build().items():
            text = "".join(json.dumps(row) + "\n" for row in rows)
            self.assertEqual((ROOT / f"public/problems/starter-{split}.jsonl").read_text(), text)

    def test_there_are_at_least_sixty_primitives(self) -> None:
        self.assertGreaterEqual(len(TABLE), 60)

    def test_every_reference_passes_its_asserts_and_every_record_has_its_fields(self) -> None:
        for row in stored():
            self.assertEqual(list(row), FIELDS)
            self.assertGreaterEqual(len(row["test_list"]), 3)
            self.assertGreaterEqual(len(row["hidden_test_list"]), 5)
            self.assertIn(row["difficulty"], range(1, 6))
            scope = {row["entry_point"]: compile_function(row["code"], row["entry_point"])}
            for source in row["test_list"] + row["hidden_test_list"]:
                exec(source, dict(scope))

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
    def test_no_program_of_the_corpus_is_a_starter_solution(self) -> None:
        starters = {signature(row["code"]) for row in stored()}
        for i in range(4000):
            self.assertNotIn(signature(example(i).code), starters)

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
        self.assertEqual(example(17), example(17))
        self.assertNotEqual(example(17), example(17, seed=8))


class Tokens(unittest.TestCase):
    def test_text_survives_encoding_and_prompts_are_short(self) -> None:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(ROOT / "public/models/nano/tokenizer.json"))
        lengths = []
        for row in stored():
            text = prompts.plain(row["text"], row["test_list"])
            ids = tokenizer.encode(text).ids
            self.assertEqual(tokenizer.decode(ids), text)
            lengths.append(len(ids))
        self.assertLessEqual(sorted(lengths)[len(lengths) * 95 // 100], 120)
        odd = "é\t\r\n  日本 x=-1, 22,'a': 'b'\n\n"
        self.assertEqual(tokenizer.decode(tokenizer.encode(odd).ids), odd)


class Weights(unittest.TestCase):
    def test_transformers_computes_the_same_logits(self) -> None:
        try:
            import transformers
        except ImportError:
            self.skipTest("transformers is not installed")
        import torch

        import evaluate

        folder = ROOT / "public/models/nano"
        mine, tokenizer = evaluate.load(folder)
        theirs = transformers.Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ids = torch.tensor([tokenizer.encode(prompts.plain("Return the sum of a list.", ["assert f([1, 2]) == 3"])).ids])
        with torch.no_grad():
            gap = (theirs(ids).logits - mine.logits(mine.hidden(ids))).abs().max()
        self.assertLess(float(gap), 1e-3)


if __name__ == "__main__":
    unittest.main()
