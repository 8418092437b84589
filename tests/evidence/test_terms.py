"""The Price equation: an identity on any log, and a slice of the stored run."""

import pytest
import torch

from evidence import runner
from evidence.runs import terms
from neuroevo import results


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(5))
def test_the_two_terms_are_the_whole_change(seed: int):
    z, z_children = torch.randn(2, 50, generator=rng(seed), dtype=torch.float64)
    mothers, fathers = torch.randint(50, (2, 50), generator=rng(seed))
    selection, transmission = terms.price(z, mothers, fathers, z_children)
    assert float(selection + transmission) == pytest.approx(float(z_children.mean() - z.mean()), abs=1e-12)


def test_who_has_one_successor_each_has_no_selection_term():
    z, z_children = torch.randn(2, 20, generator=rng(), dtype=torch.float64)
    everyone = torch.arange(20)
    selection, transmission = terms.price(z, everyone, everyone, z_children)
    assert selection == 0
    assert float(transmission) == pytest.approx(float((z_children - z).mean()))


def test_exact_copies_have_no_transmission_term():
    z = torch.randn(30, generator=rng(), dtype=torch.float64)
    mothers = torch.randint(10, (30,), generator=rng(1))
    assert terms.price(z, mothers, mothers, z[mothers])[1] == 0


def test_a_smoke_run(tmp_path):
    runner.run("terms", n_seeds=1, size="smoke", out=tmp_path)
    tables = results.load("terms", tmp_path).tables
    rows = tables["terms"]
    assert set(rows["method"]) == set(terms.METHODS)
    assert (rows["selection"] + rows["transmission"] - rows["change"]).abs().max() < 1e-4  # six digits are stored
    descending = rows["method"].str.startswith("gradient")
    assert (rows["selection"][descending] == 0).all()
    assert (rows["selection"][rows["method"] == "selection"] > 0).all()
    ends = tables["ends"].set_index("method")
    assert ends["residual"].max() < 1e-9
    assert ends.loc["gradient", "founders"] == terms.N_NETWORKS
    assert ends.loc["selection", "founders"] < 50
    assert 0 < ends.loc["selection", "childless"] < 1
