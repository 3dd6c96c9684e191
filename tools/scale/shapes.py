"""`score`, `generate`, `train` and a run of two steps on model folders, one after the other, as a table.

    python tools/scale/shapes.py MODEL... [--weights q4] [--work DIR]

Made for the folders of `make-model`: their random weights pass no test, so a run samples, judges, evaluates and keeps
checkpoints, but its steps have no signal to train on; `train` does that. Needs Python alone; the models need a tokenizer. Peak
memory is the process's own, weights included where the adapter is a software one.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def measure(args: list[str], stdin: str = "") -> tuple[list[dict], float, float]:
    """JSON lines of a command, its seconds and its largest resident size in GiB."""
    started = time.time()
    command = subprocess.Popen(["node", ROOT / "bin/afterthought", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, stderr=subprocess.PIPE)
    assert command.stdin and command.stdout and command.stderr
    command.stdin.write(stdin)
    command.stdin.close()
    out = command.stdout.read().splitlines()
    err = command.stderr.read()
    _, status, usage = os.wait4(command.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"afterthought {' '.join(args[:3])} failed: {err.strip().splitlines()[-1]}")
    return [json.loads(line) for line in out], time.time() - started, usage.ru_maxrss / 2**20


def steps(model: Path, weights: list[str], work: Path):
    """(name, what came out, seconds, GiB) of each command."""
    rng = random.Random(1)
    vocab = json.loads((model / "config.json").read_text())["vocab_size"]
    ids = lambda n: [rng.randrange(vocab) for _ in range(n)]  # noqa: E731
    common = ["--model", str(model), *weights]

    lines = [{"ids": ids(33), "prompt_len": 1} for _ in range(2)]
    scores, *cost = measure(["score", *common], "\n".join(map(json.dumps, lines)))
    values = [lp for score in scores for lp in score["logprobs"]]
    assert len(values) == 64 and all(-60 < lp < 0 for lp in values), "log-probs that cannot be"
    yield "score", f"2 × 32 tokens, mean log-prob {sum(values) / 64:.2f}", *cost

    prompts = work / "prompts.jsonl"
    prompts.write_text(json.dumps({"id": "p", "ids": ids(16)}))
    made, *cost = measure(["generate", *common, "--prompts", str(prompts), "--n", "2", "--max-tokens", "8"])
    yield "generate", f"{sum(len(c['ids']) for c in made)} tokens, {len(made)} completions", *cost

    batch = work / "batch.jsonl"
    batch.write_text("\n".join(json.dumps({"ids": ids(32), "prompt_len": 16, "advantage": a}) for a in (1, -1)))
    flags = ["--data", str(batch), "--loss", "pg", "--lr", "1e-3", "--out", str(work / "adapter"), "--json"]
    trained, *cost = measure(["train", *common, *flags])
    assert trained[0]["grad_norm"] > 0 and not trained[0]["skipped"]
    yield "train", f"2 × (16 + 16) tokens, gradient norm {trained[0]['grad_norm']:.4g}", *cost

    out = work / f"run-{int(time.time())}"
    size = "--method grpo --dataset starter --steps 2 --train 2 --val 0 --test 1 --eval-samples 1".split()
    size += "--group 4 --problems-per-step 1 --max-tokens 8 --truncated kept --seed 1 --json".split()
    (summary,), *cost = measure(["run", *common, *size, "--out", str(out)])
    assert summary["steps"] == 2
    yield "run", f"2 steps, {summary['tokens']['generated']} tokens generated", *cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--weights", help="precision of the frozen weights (as stored)")
    parser.add_argument("--work", type=Path, default=Path("scale-shapes"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    print("| model | command | result | seconds | peak GiB |\n| --- | --- | --- | --- | --- |")
    for model in args.models:
        for name, result, seconds, gib in steps(model, ["--weights", args.weights] if args.weights else [], args.work):
            print(f"| {model.name} | {name} | {result} | {seconds:.0f} | {gib:.1f} |", flush=True)


if __name__ == "__main__":
    main()
