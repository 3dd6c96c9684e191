"""Samples a nano model folder on a starter set, runs the programs in child processes and prints pass rates.

    nice -n 19 python evaluate.py --split test --n 8 --temperature 1

Model-written code runs here with a time and memory limit but without the lab's sandbox: for a development machine only.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import prompts
from model import Config, Nano

ROOT = Path(__file__).parents[2]
CHILD = r"""
import io, json, resource, signal, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late)
real = sys.stdout
for line in sys.stdin:
    job = json.loads(line)
    passed = 0
    error = ""
    sys.stdout = io.StringIO()
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        scope = {}
        exec(compile(job["code"], "<program>", "exec"), scope)
        for source in job["asserts"]:
            try:
                exec(source, dict(scope))
                passed += 1
            except TimeoutError:
                raise
            except BaseException as problem:
                error = error or type(problem).__name__
    except BaseException as problem:
        error = type(problem).__name__
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout = real
    print(json.dumps([passed, error]), flush=True)
"""


def load(folder: Path) -> tuple[Nano, Tokenizer]:
    """Reads a model folder; f16 weights become f32."""
    raw = json.loads((folder / "config.json").read_text())
    config = Config(**{k: raw[k] for k in Config.__dataclass_fields__})
    model = Nano(config)
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


@torch.no_grad()
def sample(model: Nano, heads: list[list[int]], temperature: float, limit: int, end: int, generator: torch.Generator) -> list[list[int]]:
    """Completions of left-padded prompts; temperature 0 is greedy."""
    width = max(map(len, heads))
    ids = torch.full((len(heads), width), end)
    pad = torch.tensor([width - len(h) for h in heads])
    for i, head in enumerate(heads):
        ids[i, width - len(head) :] = torch.tensor(head)
    positions = (torch.arange(width) - pad[:, None]).clamp(min=0)
    columns = torch.arange(width)
    mask = (columns[None, None] <= columns[None, :, None]) & (columns[None, None] >= pad[:, None, None]) | torch.eye(width, dtype=torch.bool)
    caches: list[list[torch.Tensor]] = [[] for _ in range(model.c.num_hidden_layers)]
    hidden = model.hidden(ids, positions, caches, mask[:, None])
    done = torch.zeros(len(heads), dtype=torch.bool)
    out: list[list[int]] = [[] for _ in heads]
    for step in range(limit):
        logits = model.logits(hidden[:, -1])
        if temperature:
            chosen = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[:, 0]
        else:
            chosen = logits.argmax(-1)
        for i in (~done).nonzero()[:, 0].tolist():
            out[i].append(int(chosen[i]))
        done |= chosen == end
        if done.all():
            break
        visible = (torch.arange(width + step + 1)[None] >= pad[:, None])[:, None, None]
        hidden = model.hidden(chosen[:, None], (width + step - pad)[:, None], caches, visible)
    return out


def run_programs(jobs: list[dict[str, Any]], workers: int = 2) -> list[tuple[int, str]]:
    """(asserts passed, first error) of each {"code", "asserts"}."""
    shares = [list(range(i, len(jobs), workers)) for i in range(workers)]
    results: list[tuple[int, str]] = [(0, "")] * len(jobs)

    def work(share: list[int]) -> None:
        child: subprocess.Popen[str] | None = None
        for index in share:
            if child is None or child.poll() is not None:
                child = subprocess.Popen([sys.executable, "-I", "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            assert child.stdin and child.stdout
            try:
                child.stdin.write(json.dumps(jobs[index]) + "\n")
                child.stdin.flush()
                passed, error = json.loads(child.stdout.readline())
                results[index] = (passed, error)
            except (BrokenPipeError, json.JSONDecodeError):
                results[index] = (0, "crash")
                child.kill()
                child = None
        if child is not None:
            child.kill()

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, shares))
    return results


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimator 1 - prod(1 - k / i)."""
    value = 1.0
    for i in range(n - c + 1, n + 1):
        value *= max(0.0, 1 - k / i)
    return 1 - value


def interval(rates: list[float], seed: int = 1) -> tuple[float, float]:
    """95 % bootstrap over problems."""
    rng = random.Random(seed)
    means = sorted(sum(rng.choices(rates, k=len(rates))) / len(rates) for _ in range(2000))
    return means[50], means[1949]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "public/models/nano")
    parser.add_argument("--split", default="train")
    parser.add_argument("--problems", type=int, default=10**9)
    parser.add_argument("--n", type=int, default=8)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = load(options.model)
    end = tokenizer.token_to_id(prompts.END)
    lines = (ROOT / f"public/problems/starter-{options.split}.jsonl").read_text().splitlines()[: options.problems]
    rows = [json.loads(line) for line in lines]
    generator = torch.Generator().manual_seed(options.seed)
    n = options.n if options.temperature else 1
    queue = [(i, tokenizer.encode(prompts.plain(r["text"], r["test_list"])).ids) for i, r in enumerate(rows) for _ in range(n)]
    jobs, texts = [], []
    for start in range(0, len(queue), 64):
        part = queue[start : start + 64]
        for (i, _), ids in zip(part, sample(model, [h for _, h in part], options.temperature, options.max_tokens, end, generator)):
            code = tokenizer.decode(ids, skip_special_tokens=True)
            texts.append(code)
            jobs.append({"code": code, "asserts": rows[i]["test_list"] + rows[i]["hidden_test_list"]})
    results = run_programs(jobs)
    passes = [0] * len(rows)
    tally: dict[str, int] = {}
    for (i, _), job, (passed, error) in zip(queue, jobs, results):
        whole = passed == len(job["asserts"])
        passes[i] += whole
        tally["pass" if whole else error] = tally.get("pass" if whole else error, 0) + 1
    rates = [p / n for p in passes]
    low, high = interval(rates)
    report: dict[str, Any] = {
        "split": options.split, "problems": len(rows), "n": n, "temperature": options.temperature,
        "pass@1": round(sum(rates) / len(rates), 4), "ci95": [round(low, 4), round(high, 4)],
    }
    if n >= 8:
        report["pass@8"] = round(sum(pass_at_k(n, c, 8) for c in passes) / len(rows), 4)
    report["outcomes"] = dict(sorted(tally.items(), key=lambda kv: -kv[1]))
    by: dict[int, list[float]] = {}
    for r, rate in zip(rows, rates):
        by.setdefault(r["difficulty"], []).append(rate)
    report["by_difficulty"] = {d: round(sum(v) / len(v), 3) for d, v in sorted(by.items())}
    print(json.dumps(report))
    for i in range(options.show):
        j = i * n
        print(f"--- {rates[queue[j][0]]:.2f} {rows[queue[j][0]]['text']}\n{rows[queue[j][0]]['code']}~~~ {results[j]}\n{texts[j]}")


if __name__ == "__main__":
    main()
