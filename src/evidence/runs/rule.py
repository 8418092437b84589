"""A variant of GENREG's rule, as the runs compare them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from neuroevo import nets
from neuroevo.genreg import Settings, reward


@dataclass(frozen=True)
class Rule:
    """How one generation follows another: GENREG's settings, and whether the reward is the count of right answers (as
    printed) or the mean log-likelihood of the right class."""

    settings: Settings
    soft: bool = False

    def scores(self, logits: Tensor, correct: Tensor, y: Tensor) -> Tensor:
        """What genomes get, (n_genomes,), whose logits (n_genomes, n_images, n_classes) are right `correct` times."""
        return nets.mean_log_likelihood(logits, y) if self.soft else reward(correct, len(y), self.settings)
