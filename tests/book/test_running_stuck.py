"""Chapter 4's running figure: its networks descend as NumPy's do, and are stuck as the chapter says."""

import numpy as np
import pytest
from playing import needs_node, node
from scipy.special import expit

from neuroevo import descent

pytestmark = pytest.mark.slow  # Node.js is started for each


@needs_node
def test_04_the_slopes_and_starts_are_the_chapters():
    rows = np.array([np.random.default_rng(seed).normal(size=13) for seed in range(10)])
    assert np.allclose(node("fig-04-scales", "figure.STARTS"), rows, atol=6e-4)
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

    def loss(theta: np.ndarray) -> float:
        z = expit(x @ theta[:6].reshape(3, 2).T + theta[6:9]) @ theta[9:12] + theta[12]
        return float(np.mean(np.logaddexp(0, z) - y * z))

    for theta in 2 * rows[:3]:
        found = node("fig-04-scales", "figure.look(theta, 0.01)", theta=theta.tolist())
        assert found["loss"] == pytest.approx(loss(theta))
        nudged = [(loss(theta + step) - loss(theta - step)) / 2e-5 for step in 1e-5 * np.eye(13)]
        assert np.allclose(found["slope"], nudged + 0.01 * theta, atol=1e-8)


@needs_node
def test_04_small_starts_wait_and_large_ones_stay():
    def done(**state: float) -> int:
        return node(
            "fig-04-scales", "figure.compute(state).done", state={"network": 0, "step": 2000, "penalty": 0} | state
        )

    assert done(scale=0.05) <= 5 < done(scale=0.5) > done(scale=20)


@needs_node
@pytest.mark.parametrize(("scale", "penalty"), [(0.05, 0), (5, 0), (10, 0.001)])
def test_04_ten_descents_are_numpys(scale, penalty):
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])

    def parts(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        h = expit(np.einsum("nji,ri->nrj", theta[:, :6].reshape(-1, 3, 2), x) + theta[:, None, 6:9])
        return h, np.einsum("nrj,nj->nr", h, theta[:, 9:12]) + theta[:, 12:]

    def slope(theta: np.ndarray) -> np.ndarray:
        h, z = parts(theta)
        blame = (expit(z) - y) / 4
        hidden = blame[..., None] * theta[:, None, 9:12] * h * (1 - h)
        into, out_of = np.einsum("nrj,ri->nji", hidden, x).reshape(-1, 6), np.einsum("nr,nrj->nj", blame, h)
        return np.hstack([into, hidden.sum(axis=1), out_of, blame.sum(axis=1)[:, None]]) + penalty * theta

    starts = scale * np.array(node("fig-04-scales", "figure.STARTS"))
    starts[:, [6, 7, 8, 12]] = 0
    for steps in (200, 10_000):
        theta = descent.plain(starts, slope, 3, steps)
        z = parts(theta)[1]
        state = {"scale": scale, "network": 0, "step": steps, "penalty": penalty}
        found = node("fig-04-scales", "figure.compute(state).runs.map(run => run.seen.at(-1))", state=state)
        losses, sizes = np.mean(np.logaddexp(0, z) - y * z, axis=1), np.linalg.norm(theta, axis=1)
        assert np.allclose([one["loss"] for one in found], losses, rtol=1e-6)
        assert np.allclose([one["size"] for one in found], sizes, rtol=1e-6, atol=1e-12)
        assert np.allclose([one["answers"] for one in found], expit(z), atol=1e-6)


@needs_node
def test_04_a_plateau_is_crossed_and_a_valley_sinks_for_ever():
    """In the valley each tenfold of steps adds as much to the weights, and leaves a tenth above half of ln 2."""
    script = """[...figure.controls[2].values.filter(step => step % 1000 === 0), 100].map(step => {
      const {now, verdict} = figure.compute({...state, step});
      return [step, [now.loss, now.size, verdict]];
    })"""
    valley = dict(node("fig-04-scales", script, state={"scale": 5, "network": 0, "penalty": 0}))
    (_, early, _), (middle, mid, held), (end, late, still) = (valley[step] for step in (100, 1000, 10_000))
    assert held == still == "is in a valley"
    assert late - mid == pytest.approx(mid - early, rel=0.15)
    assert (end - np.log(2) / 2) == pytest.approx((middle - np.log(2) / 2) / 10, rel=0.3)
    plateau = dict(node("fig-04-scales", script, state={"scale": 0.1, "network": 1, "penalty": 0}))
    assert [plateau[step][2] for step in (1000, 10_000)] == ["is on a plateau", "has solved it"]
    for network, word in ((0, "has solved it"), (1, "is drawn to zero")):
        state = {"scale": (5, 0.1)[network], "network": network, "penalty": 0.001}
        assert dict(node("fig-04-scales", script, state=state))[10_000][2] == word
