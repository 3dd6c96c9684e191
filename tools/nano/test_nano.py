"""Behaviour of tokenizer and model. Run: `python -m unittest test_nano` in this folder (torch, tokenizers)."""

from __future__ import annotations

import unittest
from pathlib import Path

import prompts
from test_generator import stored

ROOT = Path(__file__).parents[2]


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
        self.assertLessEqual(sorted(lengths)[len(lengths) * 95 // 100], 140)
        odd = "é\t\r\n  日本 x=-1, 22,'a': 'b'\n\n"
        self.assertEqual(tokenizer.decode(tokenizer.encode(odd).ids), odd)


class Weights(unittest.TestCase):
    def test_transformers_computes_the_same_logits(self) -> None:
        try:
            import transformers
        except ImportError:
            self.skipTest("transformers is not installed")
        import torch

        import sampling

        folder = ROOT / "public/models/nano"
        mine, tokenizer = sampling.load(folder)
        theirs = transformers.Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ids = torch.tensor([tokenizer.encode(prompts.plain("Return the sum of a list.", ["assert f([1, 2]) == 3"])).ids])
        with torch.no_grad():
            gap = (theirs(ids).logits - mine.logits(mine.hidden(ids))).abs().max()
        self.assertLess(float(gap), 1e-3)


if __name__ == "__main__":
    unittest.main()
