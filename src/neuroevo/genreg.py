"""GENREG: trust-based selection, as its author prints it, in ask/tell form.

Source: P. Miller, GENREG, https://github.com/A1CST/GENREG_ALPHA_MNIST (2025): the pseudo-code and the configuration of
its README. What the README leaves out is a named setting here; what its code would stumble over is guarded.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from neuroevo import ga
from neuroevo.files import replacing
from neuroevo.nets import MLP

FORMAT = "neuroevo-genreg-1"


@dataclass(frozen=True)
class Settings:
    """Settings of GENREG; the defaults are the README's where it gives one.

    Attributes:
        n_genomes: population size.
        survival_cutoff: share of the population, by trust, that may become parents.
        child_mutation_rate: chance of each weight and bias of a child to be mutated.
        trust_decay: share of its trust that a genome loses each generation.
        trust_inheritance: share of its parent's trust that a child starts with.
        correct_reward, wrong_penalty: trust for a right and for a wrong answer (the penalty is negative).
        mutation_scale: standard deviation of a mutation. Not given by the README.
        init_std: standard deviation of the first weights and biases. Not given by the README.
        parent_choice: "trust" draws parents in proportion to trust (the README), "uniform" draws survivors evenly.
        births: children a generation; they replace the genomes of lowest trust, all others live on, keep their weights
            and go on gathering trust. None replaces the whole population (the README's code).
    """

    n_genomes: int = 200
    survival_cutoff: float = 0.2
    child_mutation_rate: float = 0.07
    trust_decay: float = 0.2
    trust_inheritance: float = 0.03
    correct_reward: float = 10.0
    wrong_penalty: float = -1.5
    mutation_scale: float = 0.03
    init_std: float = 0.05
    parent_choice: str = "trust"
    births: int | None = None

    def __post_init__(self) -> None:
        rules = {
            "n_genomes": self.n_genomes >= 1,
            "survival_cutoff": 0 < self.survival_cutoff <= 1,
            "child_mutation_rate": 0 <= self.child_mutation_rate <= 1,
            "trust_decay": 0 <= self.trust_decay <= 1,
            "trust_inheritance": 0 <= self.trust_inheritance <= 1,
            "mutation_scale": 0 <= self.mutation_scale < float("inf"),
            "init_std": 0 <= self.init_std < float("inf"),
            "correct_reward": self.correct_reward > self.wrong_penalty,
            "parent_choice": self.parent_choice in ("trust", "uniform"),
            "births": self.births is None or 1 <= self.births <= self.n_genomes,
        }
        broken = [f"{name}={getattr(self, name)!r}" for name, holds in rules.items() if not holds]
        if broken:
            raise ValueError(f"settings out of range: {', '.join(broken)}; see the attributes of genreg.Settings")


def reward(n_correct: Tensor, n_images: int, settings: Settings) -> Tensor:
    """Trust earned in one generation: (n_genomes,) from the number of right answers, (n_genomes,), of `n_images`."""
    n_wrong = n_images - n_correct
    return settings.correct_reward * n_correct + settings.wrong_penalty * n_wrong


def update_trust(trust: Tensor, rewards: Tensor, settings: Settings) -> Tensor:
    """Trust after a generation: what decay leaves of it, and the rewards on top; (n_genomes,), like both."""
    return trust * (1 - settings.trust_decay) + rewards


def choose_parents(trust: Tensor, n_born: int, settings: Settings, rng: torch.Generator) -> Tensor:
    """Parents of the next generation by their trust (n_genomes,): (n_born,) row numbers, drawn from the survivors."""
    survivors = ga.truncation(trust, settings.survival_cutoff)
    weights = trust[survivors] if settings.parent_choice == "trust" else torch.ones_like(trust[survivors])
    return ga.proportional(survivors, weights, n_born, rng)


@dataclass
class GENREG:
    """A population and all that a run needs to go on: ask for it, score it, tell the scores.

    Attributes:
        net: the architecture that reads the rows.
        settings: see `Settings`; may be replaced between generations.
        rng: the run's one source of randomness. Draw the images from it too, and a resumed run is the same run.
        population: (n_genomes, n_params) float32, on the device of `rng`.
        trust: (n_genomes,) float32.
        generation: number of generations told so far.
    """

    net: MLP
    settings: Settings
    rng: torch.Generator
    population: Tensor
    trust: Tensor
    generation: int = 0

    @classmethod
    def start(cls, net: MLP, settings: Settings, rng: torch.Generator) -> GENREG:
        """A random population without trust, on the device of `rng`."""
        population = net.init(settings.n_genomes, settings.init_std, rng)
        return cls(net, settings, rng, population, torch.zeros(settings.n_genomes, device=rng.device))

    def ask(self) -> Tensor:
        """The population to score, (n_genomes, n_params); it is the state itself: look, don't write."""
        return self.population

    @torch.no_grad()
    def tell(self, rewards: Tensor) -> None:
        """Update trust, select, reproduce, mutate: one generation.

        Ctrl-C and SIGTERM wait until the generation is whole, so the state is never half changed.

        Args:
            rewards: (n_genomes,) this generation's reward of each row of `ask()`, larger is better.

        Raises:
            ValueError: wrong shape, NaN or infinity, or settings of another population size. The state is then as
                it was.
        """
        s = self.settings
        if rewards.shape != self.trust.shape:
            wanted = f"{tuple(self.trust.shape)}, one for each genome"
            raise ValueError(f"rewards must have shape {wanted}, not {tuple(rewards.shape)}")
        if not bool(rewards.isfinite().all()):
            lost = (~rewards.isfinite()).nonzero().flatten()[:5].tolist()
            raise ValueError(f"rewards of genomes {lost} are NaN or infinite: look for such weights or inputs")
        if s.n_genomes != self.population.shape[0]:
            raise ValueError(
                f"settings.n_genomes is now {s.n_genomes}, the population has {self.population.shape[0]}: "
                "its size can't change within a run"
            )
        with uninterrupted():
            trust = update_trust(self.trust, rewards.to(self.trust), s)
            n_born = s.n_genomes if s.births is None else s.births
            parents = choose_parents(trust, n_born, s, self.rng)
            living = torch.argsort(trust, descending=True, stable=True)[: s.n_genomes - n_born]
            origin = ga.reproduce_(self.population, torch.cat([living, parents]))
            newborn = torch.ones_like(trust, dtype=torch.bool)
            newborn[living] = False
            rows = None if s.births is None else newborn.nonzero().flatten()
            ga.mutate_(self.population, s.child_mutation_rate, s.mutation_scale, self.rng, rows)
            self.trust = trust[origin] * torch.where(newborn, s.trust_inheritance, 1.0)
            self.generation += 1

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole state to one safetensors file (its header holds the settings as JSON), atomically."""
        if Path(path).is_dir():
            raise IsADirectoryError(f"{path} is a folder: give the name of a file")
        about = {
            "format": FORMAT,
            "sizes": self.net.sizes,
            "activation": self.net.activation,
            "settings": dataclasses.asdict(self.settings),
            "generation": self.generation,
            "device": self.rng.device.type,
        }
        tensors = {"population": self.population, "trust": self.trust, "rng": self.rng.get_state()}
        with replacing(path) as new:
            save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, new, {"json": json.dumps(about)})

    @classmethod
    def load(cls, path: str | os.PathLike[str], net: MLP, device: torch.device | str = "cpu", **changes: Any) -> GENREG:
        """Read a state that `save` wrote; the run then goes on bit for bit as if it had not stopped.

        Args:
            path: the file.
            net: the architecture that the checkpoint must fit.
            device: where the state goes; the generator's state only fits the kind of device that it came from.
            **changes: settings to change from here on, for example `mutation_scale=0.01`.

        Raises:
            ValueError: not a GENREG checkpoint, damaged, of another architecture, population size or kind of device.
        """
        path, device = Path(path), torch.device(device)
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                about = json.loads((file.metadata() or {})["json"])
                tensors = {key: file.get_tensor(key) for key in ("population", "trust", "rng")}
            if about["format"] != FORMAT:
                raise KeyError(about["format"])
        except (SafetensorError, KeyError, json.JSONDecodeError) as error:
            wrong = f"is not a whole GENREG checkpoint ({error})"
            raise ValueError(f"{path} {wrong}: start again, or give another file") from error
        if tuple(about["sizes"]) != net.sizes or about["activation"] != net.activation:
            raise ValueError(
                f"{path} holds an MLP {tuple(about['sizes'])} with {about['activation']}, but this run wants "
                f"{net.sizes} with {net.activation}: give the matching architecture or another file"
            )
        if about["device"] != device.type:
            wrong = f"was written on {about['device']}; its generator can't go on on {device.type}"
            raise ValueError(f"{path} {wrong}: resume there")
        settings = dataclasses.replace(Settings(**about["settings"]), **changes)
        if settings.n_genomes != tensors["population"].shape[0]:
            raise ValueError(
                f"{path} holds {tensors['population'].shape[0]} genomes: n_genomes can't be changed to "
                f"{settings.n_genomes} on resuming"
            )
        rng = torch.Generator(device)
        rng.set_state(tensors["rng"])
        population, trust = tensors["population"].to(device), tensors["trust"].to(device)
        return cls(net, settings, rng, population, trust, about["generation"])


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back Ctrl-C (SIGINT) and SIGTERM until the block is done. Outside the main thread it does nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    held = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, frame: pending.append(number)) for number in held]
    try:
        yield
    finally:
        for number, handler in zip(held, before, strict=True):
            signal.signal(number, handler)
        if pending:
            signal.raise_signal(pending[-1])
