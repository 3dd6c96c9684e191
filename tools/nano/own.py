"""Collects nano's own failures on corpus tasks, for the repairs of the later corpus: own-failures.jsonl.gz.

    python export.py --state /tmp/nano-train --out /tmp/nano-half && python own.py --model /tmp/nano-half

Failed is an attempt that does not pass the shown asserts, and one that ignores the task's rule although no shown
assert notices. Seeded; made once from the weights after the first OWN_FROM examples and committed, since the corpus
from there on depends on it.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import torch

import prompts
from corpus import OWN_FILE, Task, task_of
from judge import run_programs
from sampling import load, sample

FIRST = 10_000_000  # far beyond every example that is trained on
TEMPERATURES = (1.0, 0.6)


def collect(model: Path, count: int, seed: int) -> list[dict[str, object]]:
    """Failures among the attempts on `count` tasks, two a task."""
    net, tokenizer = load(model)
    tasks: list[tuple[int, Task]] = []
    index = FIRST
    while len(tasks) < count:
        task = task_of(index)
        if task is not None:
            tasks.append((index, task))
        index += 1
    generator = torch.Generator().manual_seed(seed)
    records: list[dict[str, object]] = []
    for temperature in TEMPERATURES:
        codes = sample(net, tokenizer, [prompts.plain(t.text, t.asserts) for _, t in tasks], temperature, generator)
        for (i, task), code, feedback in zip(tasks, codes, run_programs([(c, t.asserts) for c, (_, t) in zip(codes, tasks)])):
            if feedback is None and (task.rule is None or task.rule.test in code):
                continue
            results = feedback.results if feedback else tuple(prompts.AssertResult(a, "") for a in task.asserts)
            records.append({
                "task": i, "code": code, "results": [r.outcome for r in results],
                "error": feedback.error if feedback else "", "output": feedback.output if feedback else "",
            })
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    records = collect(options.model, options.count, options.seed)
    with OWN_FILE.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write("".join(json.dumps(r) + "\n" for r in records).encode())
    print(f"{len(records)} failures of {options.count * len(TEMPERATURES)} attempts; {OWN_FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
