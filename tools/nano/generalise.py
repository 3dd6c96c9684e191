"""Does training on a few starter problems help on others, and more than sampling at another temperature would?

    python generalise.py --out /tmp/generalise --seeds 1 2 3

Runs the lab's own command line: GRPO's preset on 30 problems, evaluated on 100 others before and after, then the untrained
model on the same 100 at several temperatures. Finished parts are kept, so it may be stopped and started again. The
untrained model's best temperature is picked with hindsight, on the very problems of the comparison: in its favour.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
Rates = dict[tuple[int, str], float]  # (seed, problem) → pass rate


def command(*words: object) -> None:
    print("$ afterthought", *words, flush=True)
    subprocess.run([str(ROOT / "bin/afterthought"), *map(str, words)], check=True)


def evaluations(folder: Path) -> dict[str, dict[str, Any]]:
    """The run's evaluations, `before` and `after`."""
    events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    return {e["when"]: e for e in events if e["type"] == "eval.completed"}


def results(file: Path, seed: int) -> Rates:
    """Pass rate per problem of an `eval`."""
    by: dict[str, list[int]] = {}
    for line in map(json.loads, file.read_text().splitlines()):
        by.setdefault(line["task_id"], []).append(line["status"] == "pass")
    return {(seed, task): sum(v) / len(v) for task, v in by.items()}


def paired(a: Mapping[tuple[int, str], float], b: Mapping[tuple[int, str], float], resamples: int = 4000) -> dict[str, Any]:
    """Mean of b − a; 95 % bootstrap over problems, and over the seeds a problem was asked under."""
    by: dict[str, list[float]] = {}
    for (seed, task), value in a.items():
        by.setdefault(task, []).append(b[seed, task] - value)
    tasks = list(by.values())
    rng = random.Random(1)
    means = []
    for _ in range(resamples):
        drawn = [d for gaps in rng.choices(tasks, k=len(tasks)) for d in rng.choices(gaps, k=len(gaps))]
        means.append(sum(drawn) / len(drawn))
    means.sort()
    every = [d for gaps in tasks for d in gaps]
    return {"difference": round(sum(every) / len(every), 4), "ci95": [round(means[int(0.025 * resamples)], 4), round(means[int(0.975 * resamples)], 4)]}


def average(rates: Rates) -> float:
    return round(sum(rates.values()) / len(rates), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--train", type=int, default=30)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.2, 0.4, 0.6, 0.8, 1.2])
    parser.add_argument("--n", type=int, default=4, help="samples a problem of the untrained model at each temperature")
    options = parser.parse_args()
    greedy: dict[str, Rates] = {"before": {}, "after": {}}
    sampled: dict[str, Rates] = {"before": {}, "after": {}}
    base: dict[float, Rates] = {}
    seconds = []
    for seed in options.seeds:
        folder = options.out / f"seed-{seed}"
        if not (folder / "summary.json").exists():
            resume = ["--resume"] if (folder / "events.jsonl").exists() else []
            command("run", "--method", "grpo", "--model", "nano", "--dataset", "starter", "--train", options.train,
                    "--test", options.test, "--eval-samples", 8, "--seed", seed, "--out", folder, *resume)
        seconds.append(round(json.loads((folder / "summary.json").read_text())["wall_s"]))
        for when, event in evaluations(folder).items():
            for p in event["perProblem"]:
                greedy[when][seed, p["id"]] = p["greedy"]
                sampled[when][seed, p["id"]] = p["sampled"] / event["sampled"]["samples"]
        for temperature in options.temperatures:
            out = options.out / f"base-{seed}-{temperature}"
            if not (out / "summary.json").exists():
                command("eval", "--model", "nano", "--dataset", "starter", "--split", "test", "--limit", options.test,
                        "--seed", seed, "--n", options.n, "--temperature", temperature, "--out", out)
            base.setdefault(temperature, {}).update(results(out / "results.jsonl", seed))
    base[0.0], base[1.0] = greedy["before"], sampled["before"]
    best = max(base, key=lambda t: average(base[t]))
    report = {
        "seeds": options.seeds, "train": options.train, "test": options.test, "seconds_a_run": seconds,
        "sampled": {when: average(r) for when, r in sampled.items()} | paired(sampled["before"], sampled["after"]),
        "greedy": {when: average(r) for when, r in greedy.items()} | paired(greedy["before"], greedy["after"]),
        "by_seed": {
            seed: {f"{kind} {when}": average({k: v for k, v in rates[when].items() if k[0] == seed})
                   for kind, rates in (("sampled", sampled), ("greedy", greedy)) for when in ("before", "after")}
            for seed in options.seeds
        },
        "untrained_by_temperature": {t: average(base[t]) for t in sorted(base)},
        "best_temperature": best,
        "trained_sampled_minus_untrained_at_best": paired(base[best], sampled["after"]),
        "trained_greedy_minus_untrained_at_best": paired(base[best], greedy["after"]),
    }
    print(json.dumps(report, indent=1))
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
