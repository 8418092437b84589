"""Chapter 12 with its knobs moved: the pushes, every setting, and a slice of the stored run."""

import dataclasses

import pytest
import torch

from evidence.runner import Unit
from evidence.runs import letters_moved
from evidence.runs.letters import task
from evidence.runs.letters_moved import FACES, PIXELS, PUSHED, SETTINGS, Setting, evolve, pictures
from neuroevo import results
from neuroevo.data import fonts


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_first_face_is_the_one_of_the_run_letters():
    x, _ = task.images()
    assert torch.equal(pictures("DejaVu Sans"), x)
    assert len(FACES) == 11
    assert all(pictures(family).shape == (26, 10_000) for family in FACES)


def test_a_push_goes_to_four_sides():
    x = pictures("DejaVu Sans")
    right, left, down, up = letters_moved.pushed(x, 3)
    square = x.view(-1, 100, 100)
    for picture, shifts, axis in ((right, 3, 2), (left, -3, 2), (down, 3, 1), (up, -3, 1)):
        torch.testing.assert_close(picture.view(-1, 100, 100), square.roll(shifts, axis), rtol=0, atol=1e-3)
    assert letters_moved.pushed(x, 0) == [x]


@pytest.mark.parametrize("more", [0, 5])
def test_evolution_goes_on_as_long_as_it_should(more):
    x, y = pictures("DejaVu Sans")[:4], torch.arange(4)
    population, best, known = evolve(x, y, Setting(n_hidden=8, more=more), rng(), 100)
    settings = population.settings
    drawn = settings.init_std**2 + (known + more - 1) * settings.child_mutation_rate * settings.mutation_scale**2
    assert population.variance == pytest.approx(drawn)
    assert more or population.logits()[best].argmax(dim=1).eq(y).all()


@pytest.mark.parametrize("method", [*SETTINGS, "Fraktur", *PUSHED, "families 0.05"])
def test_every_method_runs_and_again_gives_the_same(method, context):
    tables = letters_moved.run_unit(Unit(method, 0), context)
    (rows,) = tables.values()
    if "families" in tables:
        assert {row["generations"] for row in rows} == {5, 10}
        assert len(rows) == 6
    else:
        assert {row["pixels"] for row in rows} == set(PIXELS)
        assert all(row["right"] == 26 for row in rows if row["reader"] == "template" and row["pixels"] == 0)
        assert all(row["said"] == fonts.ALPHABET for row in rows if row["right"] == 26)
    if method == "as in the chapter":
        assert letters_moved.run_unit(Unit(method, 0), context) == tables


def test_units_stop_where_they_should():
    units = letters_moved.units(list(range(20)))
    assert len(units) == len(set(units))
    assert sum(unit.method in SETTINGS for unit in units) == 20 * len(SETTINGS)
    assert {unit.seed for unit in units if unit.method in FACES | PUSHED} == set(range(letters_moved.N_FEW_SEEDS))


def test_a_stored_slice_is_what_the_code_makes(context):
    stored = results.load("letters-moved").tables["pushes"]
    method = "as in the chapter"
    made = letters_moved.run_unit(Unit(method, 0), dataclasses.replace(context, size="full"))["pushes"]
    kept = stored[(stored.seed == 0) & (stored.setting == method)].set_index(["reader", "pixels"]).right
    for row in made:
        wide = 6 if row["reader"].startswith("evolved") else 1.01  # selection on floats may part ways
        assert kept[row["reader"], row["pixels"]] == pytest.approx(row["right"], abs=wide)
