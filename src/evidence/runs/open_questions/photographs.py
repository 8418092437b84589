"""E13.7: photographs, on which a layer of neurons sees little."""

from __future__ import annotations

from functools import partial

from torch import nn

from evidence.runner import Rows
from evidence.runs.open_questions.images import drawn_from
from evidence.runs.open_questions.layers import train_layers
from evidence.runs.open_questions.rows import N_CLASSES, Plain
from evidence.runs.open_questions.task import LENGTHS, METHODS, Runners, Task


def _small_convolution() -> nn.Sequential:
    """Two layers of filters for 16 x 16 pixels in three colours: 10,218 parameters."""
    return nn.Sequential(
        *(nn.Unflatten(1, (3, 16, 16)), nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, N_CLASSES)),
    )


def _linear() -> nn.Sequential:
    """No hidden layer."""
    return nn.Sequential(nn.Linear(768, N_CLASSES))


def _photograph(task: Task, method: str) -> Rows:
    """64 tanh neurons on CIFAR-10."""
    images = task.photographs()
    learner = task.learn(Plain(768), 64, method, drawn_from(*images.train), LENGTHS[method])
    return {"finals": [task.row(learner, images, width=64)]}


RUNNERS: Runners = {
    **{f"photographs, {method}": partial(_photograph, method=method) for method in METHODS},
    "photographs, linear": lambda task: train_layers(task, task.photographs(), _linear, 10),
    "photographs, convolution": lambda task: train_layers(task, task.photographs(), _small_convolution, 6),
}
