"""What a chapter builds in full view is what the package does."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from neuroevo import ga, genreg, nets

ROOT = Path(__file__).parents[1]


def function_in(notebook: str, name: str, **names: Any) -> Any:
    """The function `name` as the notebook's code defines it, with `names` as its globals."""
    cells = json.loads((ROOT / "notebooks" / notebook).read_text("utf-8"))["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and f"def {name}(" in source:
            found = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name]
            exec(compile(ast.Module(found, []), notebook, "exec"), names)
            return names[name]
    raise AssertionError(f"{notebook} defines no function {name}")


@pytest.mark.parametrize("seed", [0, 1])
def test_chapter_10_shows_the_rule_that_the_package_runs(seed: int) -> None:
    one_generation = function_in("10_genreg_on_mnist.ipynb", "one_generation", ga=ga)
    net, s = nets.MLP((6, 5, 4)), genreg.Settings(n_genomes=20, child_mutation_rate=0.3)
    state = genreg.GENREG.start(net, s, torch.Generator().manual_seed(seed))
    rng = torch.Generator().manual_seed(seed)
    population, trust = net.init(s.n_genomes, s.init_std, rng), torch.zeros(s.n_genomes)
    draws = torch.Generator().manual_seed(100 + seed)
    for _ in range(5):
        rewards = torch.randn(s.n_genomes, generator=draws) * 100  # negative ones too
        state.tell(rewards)
        trust = one_generation(population, trust, rewards, rng, s)
        assert torch.equal(population, state.ask())
        assert torch.equal(trust, state.trust)
