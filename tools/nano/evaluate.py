"""Pass rates of a nano model folder on a starter set, and whether it reads feedback.

    nice -n 19 python evaluate.py --split test --problems 200 --n 8 --temperature 1
    nice -n 19 python evaluate.py --split test --problems 200 --repair

Model-written code runs with a time and memory limit but without the lab's sandbox: for a development machine only.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

import torch

import prompts
from judge import run_programs
from sampling import ROOT, load, sample

Row = dict[str, Any]


def rows_of(split: str, count: int) -> list[Row]:
    """The first `count` problems of a starter set."""
    lines = (ROOT / f"public/problems/starter-{split}.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines[:count]]


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimator 1 - prod(1 - k / i)."""
    value = 1.0
    for i in range(n - c + 1, n + 1):
        value *= max(0.0, 1 - k / i)
    return 1 - value


def interval(rates: list[float], seed: int = 1) -> list[float]:
    """95 % bootstrap over problems."""
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(rates, k=len(rates))) / len(rates) for _ in range(2000))
    return [round(means[50], 4), round(means[1949], 4)]


def mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4) if values else 0.0


def passes(rows: list[Row], programs: list[str]) -> list[bool]:
    """Whether each program passes all asserts of its row, shown and hidden."""
    jobs = [(code, r["test_list"] + r["hidden_test_list"]) for r, code in zip(rows, programs)]
    return [feedback is None for feedback in run_programs(jobs)]


def pass_rates(model: Any, tokenizer: Any, rows: list[Row], n: int, temperature: float, seed: int, show: int) -> dict[str, Any]:
    """pass@1 (and pass@8) with its interval, and by difficulty."""
    queue = [r for r in rows for _ in range(n)]
    generator = torch.Generator().manual_seed(seed)
    texts = sample(model, tokenizer, [prompts.plain(r["text"], r["test_list"]) for r in queue], temperature, generator)
    good = passes(queue, texts)
    counts = [sum(good[i * n : (i + 1) * n]) for i in range(len(rows))]
    rates = [c / n for c in counts]
    report: dict[str, Any] = {"problems": len(rows), "n": n, "temperature": temperature, "pass@1": mean(rates), "ci95": interval(rates)}
    if n >= 8:
        report["pass@8"] = mean([pass_at_k(n, c, 8) for c in counts])
    report["by_difficulty"] = {d: mean([v for r, v in zip(rows, rates) if r["difficulty"] == d]) for d in sorted({r["difficulty"] for r in rows})}
    heeding = [("if " in t.split("\n")[1] if "\n" in t else False) for t in texts]
    report["guard_first"] = mean([float(h) for h in heeding])
    for i in range(show):
        print(f"--- {rates[i]:.2f} {rows[i]['text']}\n{rows[i]['code']}~~~ {good[i * n]}\n{texts[i * n]}")
    return report


def repair(model: Any, tokenizer: Any, rows: list[Row], attempts: int, n: int, seed: int) -> dict[str, Any]:
    """Repairs (T = 0.3) of failed attempts (T = 1) against plain samples (T = 0.3) and against foreign feedback.

    `foreign`: the whole result block of another failed attempt; `outcomes`: this problem's asserts with the outcomes of
    another attempt. All on the same problems, each failed attempt with n samples of every kind; differences are paired
    by problem.
    """
    generator = torch.Generator().manual_seed(seed)
    queue = [r for r in rows for _ in range(attempts)]
    tried = sample(model, tokenizer, [prompts.plain(r["text"], r["test_list"]) for r in queue], 1.0, generator)
    failed = [(r, code) for r, code, good in zip(queue, tried, passes(queue, tried)) if not good]
    shown = run_programs([(code, r["test_list"]) for r, code in failed])
    feedback = [f or prompts.Feedback(tuple(prompts.AssertResult(a, "") for a in r["test_list"])) for f, (r, _) in zip(shown, failed)]
    step = len(failed) // 2 or 1
    other = feedback[step:] + feedback[:step]
    mixed = [
        prompts.Feedback(tuple(prompts.AssertResult(a.source, b.outcome) for a, b in zip(mine.results, theirs.results)), theirs.error, theirs.output)
        for mine, theirs in zip(feedback, other)
    ]
    arms = {
        "plain": [prompts.plain(r["text"], r["test_list"]) for r, _ in failed],
        "repair": [prompts.refinement(r["text"], code, f) for (r, code), f in zip(failed, feedback)],
        "foreign": [prompts.refinement(r["text"], code, f) for (r, code), f in zip(failed, other)],
        "outcomes": [prompts.refinement(r["text"], code, f) for (r, code), f in zip(failed, mixed)],
    }
    ids = [r["task_id"] for r, _ in failed]
    rates: dict[str, dict[str, float]] = {}
    for arm, texts in arms.items():
        repeated = [t for t in texts for _ in range(n)]
        good = passes([r for r, _ in failed for _ in range(n)], sample(model, tokenizer, repeated, 0.3, generator))
        by: dict[str, list[float]] = {}
        for i, task in enumerate(ids):
            by.setdefault(task, []).append(sum(good[i * n : (i + 1) * n]) / n)
        rates[arm] = {task: sum(v) / len(v) for task, v in by.items()}
    report: dict[str, Any] = {"problems": len(set(ids)), "failed_attempts": len(failed), "samples_each": n}
    report["pass_all_shown"] = sum(f is None for f in shown)
    for arm, values in rates.items():
        report[arm] = mean(list(values.values()))
    for arm in ("plain", "foreign", "outcomes"):
        gaps = [rates["repair"][task] - rates[arm][task] for task in rates["repair"]]
        report[f"repair-{arm}"] = {"difference": mean(gaps), "ci95": interval(gaps)}
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "public/models/nano")
    parser.add_argument("--split", default="test")
    parser.add_argument("--problems", type=int, default=10**9)
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--temperature", type=float, nargs="+", default=[1.0], help="0 is greedy, one sample")
    parser.add_argument("--repair", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, tokenizer = load(options.model)
    rows = rows_of(options.split, options.problems)
    if options.repair:
        print(json.dumps({"split": options.split, **repair(model, tokenizer, rows, 2, 4, options.seed)}))
        return
    for temperature in options.temperature:
        n = options.n if temperature else 1
        print(json.dumps({"split": options.split, **pass_rates(model, tokenizer, rows, n, temperature, options.seed, options.show)}), flush=True)


if __name__ == "__main__":
    main()
