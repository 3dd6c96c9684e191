"""Loads a nano model folder and samples from it on the CPU."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

import prompts
from model import Config, Nano

ROOT = Path(__file__).parents[2]
BATCH = 256
LIMIT = 96


def load(folder: Path) -> tuple[Nano, Tokenizer]:
    """Reads a model folder; f16 weights become f32."""
    raw = json.loads((folder / "config.json").read_text())
    config = Config(**{k: raw[k] for k in Config.__dataclass_fields__})
    model = Nano(config)
    model.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()})
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


@torch.no_grad()
def sample_ids(model: Nano, heads: list[list[int]], temperature: float, limit: int, end: int, generator: torch.Generator) -> list[list[int]]:
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
    alive = torch.arange(len(heads))  # the row of `heads` behind each row of the batch; ended ones are dropped
    out: list[list[int]] = [[] for _ in heads]
    for step in range(limit):
        logits = model.logits(hidden[:, -1])
        if temperature:
            chosen = torch.multinomial((logits / temperature).softmax(-1), 1, generator=generator)[:, 0]
        else:
            chosen = logits.argmax(-1)
        for row, token in zip(alive.tolist(), chosen.tolist()):
            out[row].append(token)
        going = chosen != end
        if not going.any():
            break
        if not going.all():
            alive, chosen, pad = alive[going], chosen[going], pad[going]
            for cache in caches:
                cache[:] = [c[going] for c in cache]
        visible = (torch.arange(width + step + 1)[None] >= pad[:, None])[:, None, None]
        hidden = model.hidden(chosen[:, None], (width + step - pad)[:, None], caches, visible)
    return out


def sample(model: Nano, tokenizer: Tokenizer, texts: Sequence[str], temperature: float, generator: torch.Generator) -> list[str]:
    """One completion of each prompt; prompts of like length share a batch."""
    end = tokenizer.token_to_id(prompts.END)
    heads = [e.ids for e in tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(heads)), key=lambda i: len(heads[i]))
    out = [""] * len(heads)
    for start in range(0, len(order), BATCH):
        part = order[start : start + BATCH]
        for i, ids in zip(part, sample_ids(model, [heads[i] for i in part], temperature, LIMIT, end, generator)):
            out[i] = tokenizer.decode(ids, skip_special_tokens=True)
    return out
