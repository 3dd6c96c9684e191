"""Does the engine compute what PyTorch computes, at a model's true size and at any precision of its weights?

    python tools/scale/check.py MODEL --weights q4 [--only score|gradient|adapter] [--work DIR]

PyTorch (float32) runs on the dequantised weights: rounded to the precision by this folder's own numpy, then stored as
float32. Log-probs of 4 x 64 tokens must agree within 2e-3, the gradient of one LoRA step (policy gradient, 2 sequences of
64 + 64 tokens, rank 16, all projections, A and B random) within a relative 1e-2 for every tensor. Then PEFT loads the
adapter that a step with the learning rate 1e-3 exports, and 2 x 32 log-probs must agree as above. Needs torch,
transformers, peft and 5 bytes of memory a parameter; the engine runs first and alone.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

sys.dont_write_bytecode = True
from dequantise import dequantise  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RANK, ALPHA = 16, 32
TARGETS = {"self_attn": ["q", "k", "v", "o"], "mlp": ["gate", "up", "down"]}
LOGPROBS, GRADIENT = 2e-3, 1e-2


def engine(args: list[str], stdin: str = "") -> tuple[list[dict], dict]:
    """The command line's JSON lines, and what it took."""
    started = time.time()
    done = subprocess.run(["node", ROOT / "bin/afterthought", *args], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"afterthought {args[0]} failed: {done.stderr.strip()}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    cost = {"seconds": round(time.time() - started, 1), "peak_gib": round(peak, 2)}
    return [json.loads(line) for line in done.stdout.splitlines()], cost


def published(folder: Path, weights: str) -> torch.nn.Module:
    """The model with dequantised weights; a tensor at a time, so that 4 bytes a parameter are all it takes."""
    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.model.rotary_emb = type(model.model.rotary_emb)(config=config)
    parameters = dict(model.named_parameters())
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():
                values = dequantise(name, tensors.get_tensor(name).float().numpy(), weights)
                assert values.shape == tuple(parameters.pop(name).shape), name
                model.load_state_dict({name: torch.from_numpy(values)}, strict=False, assign=True)
    model.tie_weights()
    missing = [name for name, p in model.named_parameters() if p.is_meta]
    assert not missing, f"{folder} lacks {missing[:3]}"
    return model.requires_grad_(False).eval()


def logprobs(model, ids: list[int], prompt_len: int) -> torch.Tensor:
    tokens = torch.tensor([ids])
    logits = model(tokens).logits[0, prompt_len - 1 : -1]  # (T, V)
    return F.log_softmax(logits, -1).gather(-1, tokens[0, prompt_len:, None])[:, 0]


def draw_adapter(folder: Path, config, rng: torch.Generator) -> None:
    """A PEFT folder with A and B random, so that both have a gradient."""
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    d, ffn = config.hidden_size, config.intermediate_size
    q, kv = config.num_attention_heads * head_dim, config.num_key_value_heads * head_dim
    sizes = {"q": (d, q), "k": (d, kv), "v": (d, kv), "o": (q, d), "gate": (d, ffn), "up": (d, ffn), "down": (ffn, d)}
    tensors = {}
    for layer in range(config.num_hidden_layers):
        for block, names in TARGETS.items():
            for name in names:
                inputs, outputs = sizes[name]
                key = f"base_model.model.model.layers.{layer}.{block}.{name}_proj.lora_"
                tensors[f"{key}A.weight"] = (torch.rand(RANK, inputs, generator=rng) * 2 - 1) / inputs**0.5
                tensors[f"{key}B.weight"] = 0.02 * torch.randn(outputs, RANK, generator=rng)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    names = [f"{name}_proj" for block in TARGETS.values() for name in block]
    fields = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": RANK, "lora_alpha": ALPHA, "target_modules": names}
    (folder / "adapter_config.json").write_text(json.dumps({**fields, "bias": "none", "lora_dropout": 0.0}))


def check_score(folder: Path, weights: str, lines: list[dict]) -> dict:
    text = "\n".join(json.dumps(line) for line in lines)
    scores, cost = engine(["score", "--model", str(folder), "--weights", weights], text)
    model = published(folder, weights)
    with torch.no_grad():
        expected = [logprobs(model, line["ids"], line["prompt_len"]) for line in lines]
    worst = max((torch.tensor(s["logprobs"]) - e).abs().max().item() for s, e in zip(scores, expected, strict=True))
    spread = torch.cat(expected).std().item()
    tokens = sum(len(s["logprobs"]) for s in scores)
    return {"check": "score", "tokens": tokens, "worst": worst, "limit": LOGPROBS, "spread": round(spread, 2), **cost}


def check_gradient(folder: Path, weights: str, lines: list[dict], work: Path) -> dict:
    (work / "batch.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    flags = ["--data", work / "batch.jsonl", "--loss", "pg", "--lr", "0", "--init", work / "adapter", "--json"]
    files = ["--gradient", work / "gradient.safetensors", "--out", work / "trained"]
    steps, cost = engine(["train", "--model", str(folder), "--weights", weights, *map(str, flags + files)])
    gradient = load_file(work / "gradient.safetensors")

    model = PeftModel.from_pretrained(published(folder, weights), work / "adapter", is_trainable=True).eval()
    leaves = {name.replace(".default", ""): p for name, p in model.named_parameters() if "lora_" in name}
    assert set(leaves) == set(gradient), "names differ from PEFT's"
    tokens = sum(len(line["ids"]) - line["prompt_len"] for line in lines)
    # Without old log-probs every ratio is 1: the gradient is that of -A * logprob, over all completion tokens of the batch.
    for line in lines:
        (-line["advantage"] * logprobs(model, line["ids"], line["prompt_len"]).sum() / tokens).backward()
    off = {n: ((gradient[n] - p.grad).norm() / p.grad.norm()).item() for n, p in leaves.items()}
    name = max(off, key=off.get)
    norm = torch.stack([p.grad.norm() for p in leaves.values()]).norm().item()
    whole = torch.stack([(gradient[n] - p.grad).norm() for n, p in leaves.items()]).norm().item() / norm
    return {
        "check": "gradient", "tokens": tokens, "worst": off[name], "limit": GRADIENT, "of": name, "whole": whole,
        "norm": norm, "engine_norm": steps[0]["grad_norm"], **cost,
    }  # fmt: skip


def check_adapter(folder: Path, weights: str, lines: list[dict], work: Path) -> dict:
    (work / "lines.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    common = ["--model", str(folder), "--weights", weights]
    flags = ["--data", work / "lines.jsonl", "--loss", "nll", "--lr", "1e-3", "--init", work / "adapter", "--out", work / "exported"]
    engine(["train", *common, *map(str, flags), "--json"])
    scores, cost = engine(["score", *common, "--adapter", str(work / "exported")], "\n".join(json.dumps(line) for line in lines))
    base = published(folder, weights)
    with torch.no_grad():
        plain = [logprobs(base, line["ids"], line["prompt_len"]) for line in lines]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # PEFT only warns of missing keys
            model = PeftModel.from_pretrained(base, work / "exported").eval()
        expected = [logprobs(model, line["ids"], line["prompt_len"]) for line in lines]
    worst = max((torch.tensor(s["logprobs"]) - e).abs().max().item() for s, e in zip(scores, expected, strict=True))
    moved = max((a - b).abs().max().item() for a, b in zip(expected, plain, strict=True))
    assert moved > 0.1, f"The adapter moves log-probs by {moved} at most: it shows nothing."
    return {"check": "adapter", "worst": worst, "limit": LOGPROBS, "moved": round(moved, 2), **cost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--weights", choices=["f32", "f16", "q8", "q4"], required=True)
    parser.add_argument("--only", choices=["score", "gradient", "adapter"])
    parser.add_argument("--work", type=Path, default=Path("scale-check"), help="where inputs and gradients go")
    args = parser.parse_args()
    config = AutoConfig.from_pretrained(args.model)
    rng = torch.Generator().manual_seed(1)
    args.work.mkdir(parents=True, exist_ok=True)
    draw_adapter(args.work / "adapter", config, rng)

    def sequence(length: int, prompt_len: int) -> dict:
        ids = torch.randint(0, config.vocab_size, (length,), generator=rng).tolist()
        return {"ids": ids, "prompt_len": prompt_len}

    scored = [sequence(65, 1) for _ in range(4)]
    trained = [{**sequence(128, 64), "advantage": a} for a in (1.0, -0.7)]
    adapted = [sequence(33, 1) for _ in range(2)]
    checks = {
        "score": lambda: check_score(args.model, args.weights, scored),
        "gradient": lambda: check_gradient(args.model, args.weights, trained, args.work),
        "adapter": lambda: check_adapter(args.model, args.weights, adapted, args.work),
    }
    failed = False
    for name, check in checks.items():
        if args.only not in (None, name):
            continue
        found = check()
        fits = np.isfinite(found["worst"]) and found["worst"] <= found["limit"]
        failed |= not fits
        print(json.dumps({"model": args.model.name, "weights": args.weights, "ok": bool(fits), **found}), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
