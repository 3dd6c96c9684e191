"""Trains the first steps again and compares the losses with the committed log.

    python check_log.py --steps 200
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TOLERANCE = 0.08  # relative; bf16, threads and compilation change the rounding, and losses fall steeply here


def losses(path: Path) -> dict[int, float]:
    """Mean loss of the 50 steps before each logged step."""
    with path.open() as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    recorded = losses(HERE / "log/train.csv")
    with tempfile.TemporaryDirectory() as state:
        command = [sys.executable, str(HERE / "train.py"), "--state", state, "--bf16", "--steps", str(options.steps)]
        subprocess.run(command, check=True)
        again = losses(Path(state) / "log.csv")
    worst = 0.0
    for step in sorted(set(recorded) & set(again)):
        gap = abs(again[step] - recorded[step]) / recorded[step]
        worst = max(worst, gap)
        print(f"step {step}: recorded {recorded[step]:.4f}, now {again[step]:.4f} ({100 * gap:.1f} %)")
    if worst > TOLERANCE:
        sys.exit(f"The losses differ by up to {100 * worst:.1f} %, more than {100 * TOLERANCE:.0f} %: corpus, tokenizer or training have changed.")


if __name__ == "__main__":
    main()
