"""Pre-trains nano on the corpus. Seeded and resumable: start it again with the same --state and it goes on.

    nice -n 19 python train.py --state /tmp/nano-train --bf16 --compile --steps 2500

Muon for the matrices, AdamW for embedding, norms and biases; a constant learning rate after warm-up, and a moving
average of the weights for export, so that training can stop at any moment and still go on later. `--decay N` lowers the
learning rate linearly to a tenth over the next N steps.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import time
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor

import prompts
from corpus import SEED, example
from model import Config, Nano

CHUNK = 1024  # examples generated at a time, cut into batches of similar length
BATCH_TOKENS = 8192
EMA = 0.995
KIND_ID = {"plain": 0, "refinement": 1, "reflection": 2, "retry": 3}


def orthogonalise(g: Tensor) -> Tensor:
    """Newton-Schulz iteration towards the nearest orthogonal matrix (Jordan et al. 2024, Muon)."""
    x = g / (g.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, then an orthogonalised step scaled to the matrix' shape; decoupled weight decay."""

    def __init__(self, params: list[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.02) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                buffer = state.setdefault("m", torch.zeros_like(p))
                buffer.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(buffer, group["momentum"]))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(update, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def batches(tokenizer: Tokenizer, chunk: int, seed: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Chunk `chunk` of the corpus as batches: ids (B, T), loss mask on targets (B, T) and kind (B)."""
    rows = []
    end = tokenizer.token_to_id(prompts.END)
    for i in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        e = example(i, seed)
        head = tokenizer.encode(e.prompt).ids
        ids = head + tokenizer.encode(e.completion).ids + [end]
        if len(ids) <= 512:
            rows.append((ids, len(head), KIND_ID[e.kind]))
    rows.sort(key=lambda r: len(r[0]))
    out = []
    start = 0
    while start < len(rows):
        stop = start + 1
        while stop < len(rows) and len(rows[stop][0]) * (stop + 1 - start) <= BATCH_TOKENS:
            stop += 1
        part, start = rows[start:stop], stop
        width = max(len(r[0]) for r in part)
        ids = torch.full((len(part), width), end)
        mask = torch.zeros(len(part), width)
        for j, (row, head, _) in enumerate(part):
            ids[j, : len(row)] = torch.tensor(row)
            mask[j, head : len(row)] = 1
        out.append((ids, mask, torch.tensor([r[2] for r in part])))
    random.Random(seed * 1_000_003 + chunk).shuffle(out)
    return out


class Prefetch:
    """Batches of the chunks in order, the next one made by another process meanwhile."""

    def __init__(self, tokenizer: str, seed: int) -> None:
        self.tokenizer, self.seed = tokenizer, seed
        self.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        self.ready: dict[int, Future[list[tuple[Tensor, Tensor, Tensor]]]] = {}

    def __getitem__(self, chunk: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        for i in (chunk, chunk + 1):
            if i not in self.ready:
                self.ready[i] = self.pool.submit(_batches_in_child, self.tokenizer, i, self.seed)
        return self.ready.pop(chunk).result()

    def close(self) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)


def _batches_in_child(tokenizer: str, chunk: int, seed: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    torch.set_num_threads(1)
    return batches(Tokenizer.from_file(tokenizer), chunk, seed)


def save(path: Path, state: dict[str, object]) -> None:
    """Writes beside the file, then renames, so that a kill leaves the old checkpoint whole."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("/tmp/nano-train"))
    parser.add_argument("--tokenizer", type=Path, default=Path(__file__).parents[2] / "public/models/nano/tokenizer.json")
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--steps", type=int, default=10**9, help="stop at this step")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--lr", type=float, default=0.02, help="Muon; AdamW takes 0.15 of it")
    parser.add_argument("--decay", type=int, default=0)
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true", help="needs a C++ compiler; about 1.5 times the speed")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.state.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(options.tokenizer))
    model = Nano(Config(vocab_size=tokenizer.get_vocab_size()))
    matrices = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.ndim < 2 or "embed" in n]
    muon = Muon(matrices, options.lr)
    adam = torch.optim.AdamW(others, options.lr * 0.15, betas=(0.9, 0.98), weight_decay=0.0)
    average = {n: p.detach().clone() for n, p in model.named_parameters()}
    step = chunk = tokens = skip = 0
    checkpoint = options.state / "checkpoint.pt"
    if checkpoint.exists():
        held = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(held["model"])
        muon.load_state_dict(held["muon"])
        adam.load_state_dict(held["adam"])
        average = held["average"]
        step, chunk, tokens, skip = held["step"], held["chunk"], held["tokens"], held["skip"]
        print(f"going on from step {step}, chunk {chunk}", flush=True)
    log_path = options.state / "log.csv"
    fresh = not log_path.exists()
    log = log_path.open("a", newline="")
    writer = csv.writer(log)
    if fresh:
        writer.writerow(["step", "examples", "tokens", "seconds", "loss", *KIND_ID])
    begun = last_saved = time.time()
    decay_from = step
    sums = torch.zeros(len(KIND_ID), 2)
    finished = False
    hidden_of = torch.compile(model.hidden, dynamic=True) if options.compile else model.hidden
    prefetch = Prefetch(str(options.tokenizer), options.seed)

    def store() -> None:
        save(checkpoint, {
            "model": model.state_dict(), "muon": muon.state_dict(), "adam": adam.state_dict(), "average": average,
            "step": step, "chunk": chunk, "tokens": tokens, "skip": skip,
        })

    while not finished:
        parts = prefetch[chunk]
        for index, (ids, mask, kinds) in enumerate(parts):
            if index < skip:
                continue
            scale = min(1.0, (step + 1) / 100)
            if options.decay:
                scale *= max(0.1, 1 - 0.9 * (step - decay_from) / options.decay)
            muon.param_groups[0]["lr"] = options.lr * scale
            adam.param_groups[0]["lr"] = options.lr * 0.15 * scale
            with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                hidden = (hidden_of if ids.shape[0] >= 16 else model.hidden)(ids[:, :-1])
                wanted = mask[:, 1:].bool()
                logits = model.logits(hidden[wanted])
            losses = F.cross_entropy(logits.float(), ids[:, 1:][wanted], reduction="none")
            losses.mean().backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            muon.step()
            adam.step()
            model.zero_grad(set_to_none=True)
            step += 1
            skip = index + 1
            tokens += ids.numel()
            with torch.no_grad():
                rate = min(EMA, (step + 1) / (step + 10))
                for n, p in model.named_parameters():
                    average[n].lerp_(p, 1 - rate)
                row_kind = kinds[:, None].expand_as(wanted)[wanted]
                sums[:, 0].index_add_(0, row_kind, losses.detach())
                sums[:, 1].index_add_(0, row_kind, torch.ones_like(losses))
            if step % 50 == 0:
                means = [f"{float(s / c):.4f}" if c else "" for s, c in sums]
                writer.writerow([step, chunk * CHUNK, tokens, f"{time.time() - begun:.0f}", f"{float(sums[:, 0].sum() / sums[:, 1].sum()):.4f}", *means])
                log.flush()
                sums.zero_()
            if time.time() - last_saved > 120:
                store()
                last_saved = time.time()
            if step >= options.steps or time.time() - begun > options.hours * 3600 or (options.decay and step - decay_from >= options.decay):
                finished = True
                break
        else:
            chunk += 1
            skip = 0
    store()
    prefetch.close()
    print(f"stopped at step {step}", flush=True)


if __name__ == "__main__":
    main()
