"""Trains nano's byte-level BPE on the corpus and writes tokenizer.json and tokenizer_config.json.

    python tokenizer.py --out ../../public/models/nano
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import prompts
from corpus import example

# Newline, indent and the word after them are one piece; so are a comma, a space and a number; quotes between words too.
PATTERN = r"', '|': |\n *[A-Za-z]*|,? ?-?[0-9]{1,2}| ?_?[A-Za-z]+| ?[^\sA-Za-z0-9]+|\s+"
VOCABULARY = 1152


def train(count: int) -> Tokenizer:
    """Trains on the first `count` corpus examples."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[prompts.END], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )

    def texts():
        for i in range(count):
            e = example(i)
            yield e.prompt
            yield e.completion

    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    options = parser.parse_args()
    tokenizer = train(options.count)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(options.out / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast", "bos_token": None, "eos_token": prompts.END, "pad_token": prompts.END,
        "unk_token": None, "add_bos_token": False, "clean_up_tokenization_spaces": False, "model_max_length": 1024,
    }
    (options.out / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    lengths = [(len(tokenizer.encode(e.prompt).ids), len(tokenizer.encode(e.completion).ids), e.kind) for e in map(example, range(2000))]
    for kind in ("plain", "refinement", "reflection", "retry"):
        rows = [r for r in lengths if r[2] == kind]
        print(kind, len(rows), "mean prompt", sum(r[0] for r in rows) / len(rows), "mean completion", sum(r[1] for r in rows) / len(rows))


if __name__ == "__main__":
    main()
