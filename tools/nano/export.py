"""Writes a training checkpoint's averaged weights as a Hugging Face model folder.

    python export.py --state /tmp/nano-train --out ../../public/models/nano
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

import prompts
from model import Config


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("/tmp/nano-train"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[2] / "public/models/nano")
    parser.add_argument("--log", type=Path, default=None, help="where to write the thinned training log")
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.out / "tokenizer.json"))
    eos = tokenizer.token_to_id(prompts.END)
    held = torch.load(options.state / "checkpoint.pt", weights_only=True)
    config = Config(vocab_size=tokenizer.get_vocab_size())
    tensors = {name: value.to(torch.float16).contiguous() for name, value in held["average"].items()}
    save_file(tensors, options.out / "model.safetensors", metadata={"format": "pt"})
    (options.out / "config.json").write_text(json.dumps(config.to_json(eos, "float16"), indent=2) + "\n")
    generation = {"eos_token_id": eos, "pad_token_id": eos, "do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    (options.out / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")
    print(f"step {held['step']}, {held['tokens']} tokens, {sum(t.numel() for t in tensors.values())} parameters")
    if options.log:
        with (options.state / "log.csv").open() as source:
            rows = list(csv.reader(source))
        every = max(1, len(rows) // 150)
        options.log.parent.mkdir(parents=True, exist_ok=True)
        with options.log.open("w", newline="") as target:
            csv.writer(target, lineterminator="\n").writerows([rows[0], *rows[1::every]])


if __name__ == "__main__":
    main()
