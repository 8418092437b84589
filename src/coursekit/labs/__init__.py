"""The labs' checks: a module a lab, `labNN` for `solutions/NN_*.ipynb`; what only one lab needs stands beside it.

Each makes a `coursekit.feedback.Lab`, registers one check for each exercise, and offers what the notebook calls
(`check`, `passed`, `score`). Longer checks, and what they hand to a student's function, are modules `labNN_name`; what
several labs ask of a tensor is `tensors`.

The mistakes that a lab's tables name are tested from the tables. Other named wrong answers, each with a piece of the
hint that it must get, are tests/coursekit/wrong_answers/labNN.py.
"""

from importlib import import_module
from pathlib import Path

from coursekit.feedback import Lab

__all__ = ["lab_of"]


def lab_of(notebook: str | Path) -> Lab:
    """The lab of a notebook: `01_rolling_downhill.ipynb` belongs to the module `lab01` of this package."""
    name = f"{__name__}.lab{Path(notebook).name.partition('_')[0]}"
    try:
        lab = import_module(name).LAB
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(
            f"{notebook}: there are no checks for it (no module {name}). A lab's notebook is called NN_name.ipynb, "
            "and its checks are the module labNN."
        ) from None
    assert isinstance(lab, Lab)
    return lab
