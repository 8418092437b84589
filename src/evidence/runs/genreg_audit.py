"""What GENREG's published files say, read without running anything in them.

The checkpoints are pickles, and unpickling a stranger's file runs whatever code it names. These hold nothing but
strings, numbers and lists, so their opcodes are looked at first (`pickletools`); what imports anything is refused.

    git clone https://github.com/A1CST/GENREG_ALPHA_MNIST
    python3 course.py run genreg-audit --seeds 1 --source GENREG_ALPHA_MNIST
"""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evidence.runner import Context, Experiment, Rows, Unit
from neuroevo import data, nets

# Opcodes that carry data or structure; anything else (GLOBAL, REDUCE, BUILD, ...) can run code.
PLAIN = {
    *("PROTO", "FRAME", "MARK", "MEMOIZE", "STOP", "NONE", "NEWTRUE", "NEWFALSE"),
    *("EMPTY_DICT", "EMPTY_LIST", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "BINGET", "LONG_BINGET"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it would import {module}.{name}")


def read_plain_pickle(path: Path) -> Any:
    """The dicts, lists, strings and numbers of a pickle, once its opcodes have shown that it holds nothing else.

    Raises:
        ValueError: the file uses an opcode that could import or call something, or isn't a pickle.
    """
    content = path.read_bytes()
    for opcode, _, position in pickletools.genops(content):
        if opcode.name not in PLAIN:
            raise ValueError(
                f"{path} holds the opcode {opcode.name} at byte {position}, which could run code: not read"
            )
    return _Plain(io.BytesIO(content)).load()


def run_unit(unit: Unit, context: Context) -> Rows:
    """Read the published evaluations and checkpoints in `context.source`, and score the checkpoints again."""
    if context.source is None or not (context.source / "best_genomes").is_dir():
        raise ValueError(
            f"--source must be a clone of the GENREG repository with its folder best_genomes, not {context.source}"
        )
    folder = context.source / "best_genomes"
    evaluations = []
    for path in sorted(folder.glob("mnist_eval_genome_*.json")):
        report = json.loads(path.read_text("utf-8"))
        counts = report["results"]["per_digit"]
        evaluations.append(
            {
                "file": path.name,
                "checkpoint": report["genome"]["filename"],
                "generation": int(re.search(r"gen(\d+)", report["genome"]["filename"])[1]),  # type: ignore[index]
                "right": report["results"]["overall"]["correct"],
                "total": report["results"]["overall"]["total"],
                **{f"right_{digit}": counts["correct"][digit] for digit in range(10)},
                **{f"total_{digit}": counts["total"][digit] for digit in range(10)},
            }
        )
    images = data.mnist()
    if images.notice:
        raise RuntimeError(f"the audit needs MNIST itself. {images.notice}")
    every_image = torch.cat([images.train.x, images.validation.x])
    dead = (every_image.max(dim=0).values == 0).numpy()
    test = images.test.open("audit: re-score the published checkpoints")
    checkpoints, spreads = [], []
    for path in sorted(folder.glob("best_genome_mnist_*.pkl")):
        content = read_plain_pickle(path)
        controller = content["controller"]
        w1, b1, w2, b2 = (np.array(controller[key], dtype=np.float32) for key in ("w1", "b1", "w2", "b2"))
        net = nets.MLP((w1.shape[1], w1.shape[0], w2.shape[0]))
        row = torch.from_numpy(np.concatenate([w1.ravel(), b1.ravel(), w2.ravel(), b2.ravel()]))
        right = int(nets.count_correct(net.forward(row[None], test.pixels()), test.y))
        per_pixel = w1.std(axis=0)
        checkpoints.append(
            {
                "file": path.name,
                "generation": content["extraction_info"]["source_generation"],
                "hidden": net.sizes[1],
                "genome_id": content["genome"]["id"],
                "trust": content["genome"]["trust"],
                "right_rescored": right,
                "total": len(test.y),
                "dead_pixels": int(dead.sum()),
                "dead_std": float(w1[:, dead].std()),
                "live_std": float(w1[:, ~dead].std()),
                "saturated": float(
                    (torch.tanh(test.pixels() @ torch.from_numpy(w1.T) + torch.from_numpy(b1)).abs() > 0.99)
                    .float()
                    .mean()
                ),
            }
        )
        spreads += [
            {"file": path.name, "pixel": i, "dead": bool(dead[i]), "std": float(per_pixel[i])}
            for i in range(net.sizes[0])
        ]
    return {"evaluations": evaluations, "checkpoints": checkpoints, "pixels": spreads}


EXPERIMENT = Experiment(
    units=lambda seeds: [Unit("published files", 0)],
    run_unit=run_unit,
    settings=lambda size: {"source": "https://github.com/A1CST/GENREG_ALPHA_MNIST, commit b45c348 of 2025-12-29"},
)
