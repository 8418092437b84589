"""The import of torchvision, which downloads data sets for us."""

from __future__ import annotations

import importlib
import re
from types import ModuleType

import torch


def import_torchvision() -> ModuleType:
    """Import torchvision, also beside a torch that its compiled operators do not fit.

    Such a pair (a CPU torch with a CUDA torchvision, say) fails with "operator torchvision::nms does not exist",
    though data sets and transforms need no such operator. Declaring the missing names is enough; where the pair
    fits, nothing is declared. `torchvision.ops` stays unusable in the first case, with an error of its own.
    """
    while True:
        try:
            return importlib.import_module("torchvision")
        except RuntimeError as error:
            missing = re.fullmatch(r"operator (torchvision::\w+) does not exist", str(error))
            if not missing:
                raise
            torch.library.define(missing[1], "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
