import base64
import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.animation import FuncAnimation
from matplotlib.colors import to_rgb
from PIL import Image
from scipy import stats

from neuroevo import plots


@pytest.fixture(autouse=True)
def _clean_figures():
    matplotlib.use("agg")
    with matplotlib.rc_context():
        yield
    plt.close("all")


def png(value):
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 10, 3), value, dtype=np.uint8)).save(buffer, format="png")
    return buffer.getvalue()


def moving_dot(n_frames):
    fig, ax = plots.figure()
    ax.set(xlim=(0, n_frames), ylim=(-1, 1))
    (dot,) = ax.plot([], [], "o")
    return FuncAnimation(fig, lambda i: dot.set_data([i], [0]), frames=n_frames)


def test_every_figure_has_the_same_width():
    plots.use_style()
    for arguments in ({}, {"height": 5, "ncols": 2}, {"nrows": 3, "sharex": True}):
        fig, _ = plots.figure(**arguments)
        assert fig.get_size_inches()[0] == plots.WIDTH
        assert fig.get_layout_engine() is not None
    with pytest.raises(ValueError, match="height is 0"):
        plots.figure(0)


def test_style_is_readable_on_a_phone():
    plots.use_style()
    fig, ax = plots.figure()
    ax.set_xlabel("x")
    fig.canvas.draw()
    smallest = min(label.get_fontsize() for label in [ax.xaxis.label, *ax.get_xticklabels()])
    assert smallest / 72 * 358 / plots.WIDTH >= 7.5  # CSS pixels on a 390 px phone with 16 px margins


def test_colours_are_distinct():
    rgb = [to_rgb(colour) for colour in plots.COLOURS.values()]
    assert len(set(rgb)) == len(rgb)


def test_band_draws_mean_interval_and_every_run():
    runs = np.random.default_rng(0).normal(size=(5, 4)) + np.arange(4)
    _, ax = plots.figure()
    plots.band(ax, np.arange(4), runs, label="five runs", colour="gradient", level=0.9)
    mean_line = ax.lines[-1]
    np.testing.assert_allclose(mean_line.get_ydata(), runs.mean(axis=0))
    assert mean_line.get_color() == plots.COLOURS["gradient"]
    assert len(ax.lines) == 6
    assert ax.get_legend_handles_labels()[1] == ["five runs"]
    low, high = stats.t.interval(0.9, 4, loc=runs[:, 2].mean(), scale=stats.sem(runs[:, 2]))
    corners = ax.collections[0].get_paths()[0].vertices
    at_two = np.unique(corners[corners[:, 0] == 2][:, 1])
    np.testing.assert_allclose(at_two, [low, high])


def test_band_of_equal_runs_has_no_width():
    _, ax = plots.figure()
    plots.band(ax, [0, 1], np.ones((3, 2)), label="same", colour="#123456")
    assert np.ptp(ax.collections[0].get_paths()[0].vertices[:, 1]) == 0


@pytest.mark.parametrize(
    ("x", "runs", "level", "message"),
    [
        ([0, 1], [1.0, 2.0], 0.95, r"runs has shape \(2,\)"),
        ([[0, 1]], [[1.0, 2.0]] * 2, 0.95, r"x has shape \(1, 2\)"),
        ([0, 1, 2], [[1.0, 2.0]] * 2, 0.95, r"runs has shape \(2, 2\).*3 values of x"),
        ([0, 1], [[1.0, 2.0]], 0.95, "runs holds one run"),
        ([0, 1], [[1.0, np.nan]] * 2, 0.95, "runs holds 2 NaN"),
        ([0, np.inf], [[1.0, 2.0]] * 2, 0.95, "x holds 1 NaN or infinite"),
        ([0, 1], [[1.0, 2.0]] * 2, 95, "level must lie in .* not 95"),
    ],
)
def test_band_names_the_wrong_argument(x, runs, level, message):
    _, ax = plots.figure()
    with pytest.raises(ValueError, match=message):
        plots.band(ax, x, runs, label="runs", colour="gradient", level=level)


def test_player_reads_without_scripts_and_asks_no_other_host():
    page = plots.player(moving_dot(24), alt='A dot moves "right" & stops.', name="moving-dot", fps=5).data
    assert len(page) < 400_000
    assert 'alt="A dot moves &quot;right&quot; &amp; stops."' in page
    assert not re.search(r"https?:|src=\"(?!data:)|autoplay", page)
    assert set(re.findall(r'id="([^"]*)"', page)) == {"player-moving-dot"}
    for control in ("Previous frame", "Next frame", ">Play<", "<label>Frame <input", "1 of 24"):
        assert control in page
    assert "prefers-reduced-motion" in page
    assert "},200)" in page
    assert len(re.findall(r'"([A-Za-z0-9+/=]{200,})"', page)) == 23


def test_player_opens_on_the_first_frame():
    page = plots.player([png(10), png(90), png(170)], alt="Brighter.", name="p", fps=2).data
    still = base64.b64decode(re.search(r'src="data:image/png;base64,([^"]*)"', page)[1])
    assert Image.open(io.BytesIO(still)).convert("RGB").getpixel((4, 4)) == (10, 10, 10)


def test_player_is_the_same_twice_and_closes_its_figure():
    first, second = (plots.player(moving_dot(3), alt="A dot.", name="dot").data for _ in range(2))
    assert first == second
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alt": " "}, "alt is empty"),
        ({"name": "My player"}, "name is 'My player'"),
        ({"fps": 0}, "fps is 0"),
        ({"frames": [png(1)]}, r"frames holds 1 frame\(s\)"),
    ],
)
def test_player_names_the_wrong_argument(change, message):
    with pytest.raises(ValueError, match=message):
        plots.player(**{"frames": [png(1), png(2)], "alt": "Two.", "name": "two", **change})


def test_style_in_a_notebook_gives_uncropped_reproducible_pngs():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        plots.use_style()
        fig, _ = plots.figure(2)
        data, metadata = shell.display_formatter.format(fig)
        again, _ = shell.display_formatter.format(fig)
        png_bytes = base64.b64decode(data["image/png"])
        image = Image.open(io.BytesIO(png_bytes))
        assert image.size == (1440, 400)
        assert metadata["image/png"] == {"width": 720}
        assert data["image/png"] == again["image/png"]
        assert b"Software" not in png_bytes
    finally:
        InteractiveShell.clear_instance()
