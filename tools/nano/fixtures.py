"""Writes the fixtures that tie the TypeScript prompts, feedback and tokenizer to the Python ones.

    python fixtures.py
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tokenizers import Tokenizer

import prompts

ROOT = Path(__file__).parents[2]


def main() -> None:
    tokenizer = Tokenizer.from_file(str(ROOT / "public/models/nano/tokenizer.json"))
    rows = []
    for split in ("train", "validation", "test"):
        for line in (ROOT / f"public/problems/starter-{split}.jsonl").read_text().splitlines()[:3]:
            r = json.loads(line)
            prompt = prompts.plain(r["text"], r["test_list"])
            rows.append({
                "task_id": r["task_id"], "text": r["text"], "test_list": r["test_list"],
                "hidden_test_list": r["hidden_test_list"], "prompt": prompt, "ids": tokenizer.encode(prompt).ids,
                "code": r["code"].rstrip(), "code_ids": tokenizer.encode(r["code"].rstrip()).ids,
            })
    feedback = [
        prompts.Feedback((prompts.AssertResult("assert f(1) == 2", ""), prompts.AssertResult("assert f(2) == 3", "got 4"))),
        prompts.Feedback((prompts.AssertResult("assert f([]) == 0", "IndexError"),), "IndexError: list index out of range (line 2)"),
        prompts.Feedback((prompts.AssertResult("assert f('a') == 1", "not run"),), "SyntaxError: '(' was never closed (line 1)"),
        prompts.Feedback((prompts.AssertResult("assert f(1) == 2", "got [1, 'a']"),), output="1; two"),
        prompts.Feedback((prompts.AssertResult("assert f(1) == 2", "TypeError"),), "TypeError: no (line 3)", "x"),
    ]
    out = Path(__file__).parent / "fixtures"
    out.mkdir(exist_ok=True)
    code, why = "def f(x):\n    return x", "It forgets the 1."
    lines = [
        {
            **asdict(f),
            "text": prompts.render_feedback(f),
            "refinement": prompts.refinement("Add one.", code, f),
            "reflection": prompts.reflection("Add one.", code, f),
            "retry": prompts.retry("Add one.", code, f, why),
        }
        for f in feedback
    ]
    (out / "feedback.json").write_text(json.dumps(lines, indent=1) + "\n")
    (out / "plain-prompts.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
