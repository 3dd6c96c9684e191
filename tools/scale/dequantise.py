"""What a weight matrix is after a precision has rounded it: the lab's formats in numpy, written from docs/gpu.md alone.

`check.py` compares the engine, which computes on packed weights, with PyTorch on what this gives.
"""

import numpy as np

BLOCK = 32
ROWS = 4096  # a vocabulary's matrix in double precision at once would take gigabytes


def precision_of(name: str, chosen: str) -> str:
    if name.endswith("norm.weight") or name.endswith(".bias"):
        return "f32"
    if chosen == "q4" and ("embed_tokens" in name or "lm_head" in name):
        return "q8"
    return chosen


def dequantise(name: str, values: np.ndarray, chosen: str) -> np.ndarray:
    """float32 → float32 of the same shape; `values` are as stored in the file."""
    precision = precision_of(name, chosen)
    if precision == "f32":
        return values
    if precision == "f16":
        return values.astype(np.float16).astype(np.float32)
    out = np.empty_like(values)
    for start in range(0, len(values), ROWS):
        out[start : start + ROWS] = blocks(values[start : start + ROWS], precision)
    return out


def blocks(values: np.ndarray, precision: str) -> np.ndarray:
    rows, cols = values.shape
    padded = np.zeros((rows, -(-cols // BLOCK) * BLOCK))
    padded[:, :cols] = values
    w = padded.reshape(rows, -1, BLOCK)
    largest = np.take_along_axis(w, np.abs(w).argmax(-1)[..., None], -1)  # signed; the first of equals
    if precision == "q4":
        scale, low, high = largest / -8, -8, 7
    else:
        scale, low, high = np.abs(largest) / 127, -127, 127
    d = scale.astype(np.float16).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(d == 0, 0, np.clip(np.floor(w / d + 0.5), low, high))
    return (q * d).reshape(rows, -1)[:, :cols].astype(np.float32)
