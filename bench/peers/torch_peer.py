"""PyTorch + transformers + PEFT at the work of `bench --only decode,grpo`, as JSON in the same form.

A group is generated from one prompt with a LoRA adapter on and no stop rule (`generate` keeps a cache and takes the
prompt once for every sequence, which is how it is called by trainers), then one policy-gradient step is made on it:
reference pass with the adapter off, forward, backward, clipping, AdamW. Weights are random (--config) or a folder's
(--model); neither the text nor the reward matters for the time.

    python bench/peers/torch_peer.py --config config.json --device cuda --dtype bf16 --out figures.json

Needs torch, transformers >= 4.45 and peft; reads nothing from the network.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import sys
import time

import peft
import torch
import transformers

LORA = {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", help="folder with config.json and safetensors")
    source.add_argument("--config", help="config.json; weights are drawn at random")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16", help="of the frozen weights; the adapter is fp32")
    parser.add_argument("--group", type=int, default=10)
    parser.add_argument("--prompt", type=int, default=128, help="tokens")
    parser.add_argument("--tokens", type=int, default=512, help="new tokens of each sequence")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--micro-batch", type=int, default=None, help="sequences of a forward and backward pass (the whole group)")
    parser.add_argument("--out", help="write the figures there too")
    return parser.parse_args()


def load_model(options):
    torch.manual_seed(1)
    dtype = DTYPES[options.dtype]
    if options.model:
        base = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype, attn_implementation="sdpa", local_files_only=True)
    else:
        config = transformers.AutoConfig.from_pretrained(options.config)
        base = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa")
    # Every sequence has its full length: the amount of work is fixed.
    base.generation_config.eos_token_id = None
    base.generation_config.pad_token_id = 0
    model = peft.get_peft_model(base.to(options.device), peft.LoraConfig(task_type="CAUSAL_LM", **LORA))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def synchronize(device):
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def timed(device, work):
    synchronize(device)
    begin = time.perf_counter()
    value = work()
    synchronize(device)
    return value, time.perf_counter() - begin


def generate(model, options, sequences, tokens):
    model.eval()
    vocabulary = min(1000, model.config.vocab_size)
    prompt = torch.randint(0, vocabulary, (1, options.prompt), generator=torch.Generator().manual_seed(1))
    ids = prompt.repeat(sequences, 1).to(options.device)  # (G, P)
    return model.generate(  # (G, P + T)
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        min_new_tokens=tokens,
        max_new_tokens=tokens,
    )


def logprobs(model, ids, prompt):
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[:, prompt - 1 : -1].float()
    return torch.gather(logits, -1, ids[:, prompt:, None])[..., 0] - torch.logsumexp(logits, -1)  # (G, T)


def step(model, optimizer, options, ids):
    """One update on the group: reference pass, clipped policy gradient with token-level mean, AdamW."""
    model.train()
    count = options.micro_batch or len(ids)
    advantages = torch.tensor([1.0 if i % 2 == 0 else -1.0 for i in range(len(ids))], device=ids.device)
    total = len(ids) * (ids.shape[1] - options.prompt)
    optimizer.zero_grad()
    for first in range(0, len(ids), count):
        part = ids[first : first + count]
        with torch.no_grad(), model.disable_adapter():
            reference = logprobs(model, part, options.prompt)
        own = logprobs(model, part, options.prompt)
        ratio = torch.exp(own - own.detach())
        advantage = advantages[first : first + count, None]
        loss = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.28) * advantage).sum() / total
        loss.backward()
        _ = (torch.exp(reference - own.detach()) - (reference - own.detach()) - 1).mean().item()  # k3, logged
    torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optimizer.step()


def figures(model, options):
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    synchronize(options.device)
    groups = []
    for sequences in sorted({1, options.group}):
        generate(model, options, sequences, 8)
        # Two lengths, so that the prompt's pass and what is done once fall out.
        rates = []
        for _ in range(options.rounds):
            short = max(1, options.tokens // 4)
            _, few = timed(options.device, lambda n=sequences, t=short: generate(model, options, n, t))
            _, all_of_them = timed(options.device, lambda n=sequences: generate(model, options, n, options.tokens))
            rates.append(sequences * (options.tokens - short) / (all_of_them - few))
        groups.append({"sequences": sequences, "adapter": True, "tokens_per_second": round(statistics.median(rates), 2)})
    step(model, optimizer, options, generate(model, options, options.group, options.tokens))
    sampling, update = [], []
    for _ in range(options.rounds):
        ids, seconds = timed(options.device, lambda: generate(model, options, options.group, options.tokens))
        sampling.append(seconds)
        update.append(timed(options.device, lambda ids=ids: step(model, optimizer, options, ids))[1])
    whole = statistics.median(a + b for a, b in zip(sampling, update))
    peak = torch.cuda.max_memory_allocated() / 2**20 if torch.device(options.device).type == "cuda" else None
    return {
        "decode": {"prompt_tokens": options.prompt, "groups": groups},
        "grpo": {
            "sequences": options.group,
            "prompt_tokens": options.prompt,
            "completion_tokens": options.tokens,
            "step_s": round(whole, 3),
            "sampling_s": round(statistics.median(sampling), 3),
            "update_s": round(statistics.median(update), 3),
            "sampled_tokens_per_second": round(options.group * options.tokens / statistics.median(sampling), 2),
        },
        "memory": {"device_peak_mib": peak and round(peak, 1)},
    }


def main():
    options = arguments()
    before = list(os.getloadavg())
    model = load_model(options)
    measured = figures(model, options)
    on_gpu = torch.device(options.device).type == "cuda"
    result = {
        "version": 1,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "command": " ".join(["python", "bench/peers/torch_peer.py", *sys.argv[1:]]),
        "machine": {"cores": os.cpu_count(), "platform": f"{sys.platform} {platform.machine()}", "python": platform.python_version()},
        "gpu": {"description": torch.cuda.get_device_name() if on_gpu else f"cpu, {torch.get_num_threads()} threads"},
        "peer": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        "model": pathlib.Path(options.model or options.config).name,
        "weights": options.dtype,
        "load": {"before": before, "after": list(os.getloadavg())},
        **measured,
    }
    text = json.dumps(result, indent=2)
    if options.out:
        pathlib.Path(options.out).write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
