import time
from types import SimpleNamespace

import pytest

from neuroevo.budget import Budget


def test_a_backward_pass_counts_as_two_forward_passes():
    budget = Budget()
    budget.forward(200, 50)
    assert budget.evaluations == 10_000
    budget.gradient(1, 256)
    assert budget.evaluations == 10_000 + 3 * 256
    budget.forward(0, 50)
    assert budget.evaluations == 10_768


@pytest.mark.parametrize("add", [Budget.forward, Budget.gradient])
def test_it_only_goes_up(add):
    budget = Budget(evaluations=5)
    with pytest.raises(ValueError, match="only goes up"):
        add(budget, -1, 3)
    assert budget.evaluations == 5


@pytest.fixture
def clocks(monkeypatch):
    """The clocks that a budget reads: seconds on the wall, and of the processor."""
    now = SimpleNamespace(wall=100.0, core=7.0)
    read = SimpleNamespace(perf_counter=lambda: now.wall, process_time=lambda: now.core)
    monkeypatch.setattr("neuroevo.budget.time", read)
    return now


def test_clock_adds_up_the_time_inside_and_no_other(clocks):
    budget = Budget()
    for _ in range(2):
        with budget.clock():
            clocks.wall += 3
            clocks.core += 2
        clocks.wall += 50
        clocks.core += 50
    assert (budget.seconds, budget.core_seconds) == (6, 4)


def test_clock_counts_the_work_of_the_processor():
    budget = Budget()
    with budget.clock():
        stop = time.process_time() + 0.05
        while time.process_time() < stop:
            pass
    assert budget.core_seconds >= 0.05


def test_clock_counts_also_when_the_block_fails(clocks):
    budget = Budget()

    @budget.clock()
    def fail():
        clocks.wall += 3
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert budget.seconds == 3


def test_a_saved_meter_goes_on(clocks):
    budget = Budget(evaluations=7, seconds=2.0, core_seconds=1.0)
    budget.forward(1, 3)
    with budget.clock():
        clocks.wall += 3
        clocks.core += 2
    assert (budget.evaluations, budget.seconds, budget.core_seconds) == (10, 5, 3)
