"""E13.5: what a network of torch's own layers reaches, by Adam: the filters' rival."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from evidence.runner import Rows
from evidence.runs.open_questions.images import Images, drawn_from
from evidence.runs.open_questions.rows import LEARNING_RATE, N_CLASSES
from evidence.runs.open_questions.task import Runners, Task
from neuroevo.budget import Budget


def _lenet() -> nn.Sequential:
    """LeNet-5's sizes (LeCun et al. 1998) with relu and means of 2 x 2: 61,706 parameters."""
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, N_CLASSES)),
    )


def train_layers(task: Task, images: Images, make: Callable[[], nn.Sequential], n_epochs: int) -> Rows:
    """A network of torch's layers by Adam, its learning rate shrinking to nothing."""
    torch.manual_seed(task.unit.seed)  # torch's layers take their start from the global generator
    net, budget = make(), Budget()
    x, y = images.train
    n = task.steps(n_epochs * max(1, len(y) // 128))
    adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    batch = drawn_from(x, y, 128)
    for step in range(n):
        with budget.clock():
            some, labels = batch(task.rng)
            for group in adam.param_groups:
                group["lr"] = LEARNING_RATE * (1 - step / n)
            adam.zero_grad()
            functional.cross_entropy(net(some), labels).backward()
            adam.step()
            budget.gradient(1, len(labels))

    @torch.no_grad()
    def count(x: Tensor, y: Tensor) -> int:
        return sum(int((net(a).argmax(dim=1) == b).sum()) for a, b in zip(x.split(1000), y.split(1000), strict=True))

    validation = count(*images.validation) / len(images.validation[1])
    x, y = images.test(task.reason())
    n_params = sum(parameter.numel() for parameter in net.parameters())
    return {"finals": [task.scored(n_params, budget, validation, count(x, y), len(y))]}


RUNNERS: Runners = {"lenet": lambda task: train_layers(task, task.digits(28), _lenet, 4)}
