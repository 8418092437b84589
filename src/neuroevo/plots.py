"""The book's figures: width, palette, bands, animations. Which line gets which colour stands in the cell that draws it.

Matplotlib draws everything; this module only fixes what must be the same on every page: one width, what each colour
means, bands over seeds, a player for animations.
"""

import base64
import html
import io
import json
import re
from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.animation import AbstractMovieWriter, Animation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from neuroevo import stats

__all__ = ["COLOURS", "WIDTH", "band", "figure", "player", "use_style"]

WIDTH = 7.2
"""Width of every figure of the book, in inches."""

COLOURS: dict[str, str] = {
    "gradient": "#0072B2",
    "evolution": "#D55E00",
    "random": "#8C8C8C",
    "linear": "#009E73",
    "published": "#000000",
    "train": "#56B4E9",
    "validation": "#E69F00",
    "test": "#CC79A7",
    "neutral": "#4D4D4D",
    "highlight": "#F0E442",
}
"""Meaning -> colour (Okabe and Ito's colour-blind-safe palette and two greys)."""

_CYCLE = ["gradient", "evolution", "linear", "validation", "train", "test", "random", "published"]


def use_style() -> None:
    """Set the book's look for every figure made from here on; call it once, in the first cell.

    In a notebook, figures become PNGs of 200 dots an inch, shown 720 px wide, uncropped (so that all have the
    same width) and without a date or version inside (so that running twice gives the same bytes).
    """
    mpl.rcParams.update(
        {
            "axes.edgecolor": COLOURS["neutral"],
            "axes.grid": True,
            "axes.prop_cycle": cycler(color=[COLOURS[name] for name in _CYCLE]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": "medium",
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "font.size": 11.5,
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.7,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
        }
    )
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is not None:
        plt.switch_backend(mpl.get_backend())  # the inline backend sets itself up now, not over our choice
        shell.display_formatter.formatters["image/png"].for_type(Figure, _png)


def _png(fig: Figure) -> tuple[str, dict[str, int]]:
    """A figure as base64 and the width to show it at; no height, so that it keeps its shape on a phone."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode("ascii"), {"width": round(100 * fig.get_figwidth())}


def figure(height: float = 3.2, ncols: int = 1, nrows: int = 1, **kwargs: Any) -> tuple[Figure, Any]:
    """Make a figure of the book's width; `height` in inches, the rest goes to `plt.subplots`.

    Returns (figure, axes): one Axes, or an array of them when there are several.
    """
    if not height > 0:
        raise ValueError(f"height is {height}; give a height above 0, in inches.")
    return plt.subplots(nrows, ncols, figsize=(WIDTH, height), layout="constrained", **kwargs)


def _finite(name: str, values: ArrayLike, ndim: int) -> NDArray[np.float64]:
    array = np.asarray(values.cpu() if hasattr(values, "cpu") else values, dtype=np.float64)
    if array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}; give an array with {ndim} dimension(s).")
    if not np.isfinite(array).all():
        n_bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{name} holds {n_bad} NaN or infinite value(s); remove them before drawing.")
    return array


def band(ax: Axes, x: ArrayLike, runs: ArrayLike, *, label: str, colour: str, level: float = 0.95) -> None:
    """Draw several runs: their mean, the Student t interval of the mean, and every single run, faint.

    `x` has shape (n_points,), `runs` (n_seeds, n_points) with n_seeds >= 2; `colour` is a key of COLOURS or
    any Matplotlib colour; `level` is the coverage of the interval. Another shape or a NaN is a ValueError.
    """
    xs, ys = _finite("x", x, 1), _finite("runs", runs, 2)
    if ys.shape[1] != xs.size:
        raise ValueError(f"runs has shape {ys.shape}; give one column for each of the {xs.size} values of x.")
    if len(ys) < 2:
        raise ValueError("runs holds one run; an interval needs at least 2 (one row a seed).")
    colour = COLOURS.get(colour, colour)
    mean, half = ys.mean(axis=0), stats.half_width(ys, level)
    ax.plot(xs, ys.T, color=colour, alpha=0.25, linewidth=0.6)
    ax.fill_between(xs, mean - half, mean + half, color=colour, alpha=0.25, linewidth=0)
    ax.plot(xs, mean, color=colour, label=label)


class _Frames(AbstractMovieWriter):
    """Keeps the frames of a Matplotlib animation as images (never cropped, all of one size)."""

    frames: list[Image.Image]

    def setup(self, fig: Figure, outfile: Any, dpi: float | None = None) -> None:
        super().setup(fig, outfile, dpi)
        self.frames = []

    def grab_frame(self, **savefig_kwargs: Any) -> None:
        buffer = io.BytesIO()
        self.fig.savefig(buffer, format="rgba", dpi=self.dpi)
        self.frames.append(Image.frombytes("RGBA", self.frame_size, buffer.getvalue()))
        self.fig.set_layout_engine("none")  # laid out by the first frame: axes that move would look like motion
        setattr(self.fig.canvas, "draw_idle", lambda: None)  # noqa: B010  or each frame would be drawn twice

    def finish(self) -> None:
        plt.close(self.fig)


def _small(image: Image.Image, n_colours: int = 48) -> str:
    """A PNG with a palette, as base64: a third of the bytes, no visible difference in a drawing."""
    buffer = io.BytesIO()
    image.convert("RGB").quantize(n_colours, dither=Image.Dither.NONE).save(buffer, format="png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


_PLAYER = """<style>
#ID img{display:block;width:100%;max-width:720px;height:auto;background:#fff}
#ID div{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;max-width:720px;margin-top:.25rem}
#ID button{min-width:44px;min-height:44px;padding:0 .7rem;font:inherit;color:inherit;background:transparent;
border:1px solid currentColor;border-radius:.4rem;cursor:pointer}
#ID label{flex:1 1 12rem;display:flex;gap:.5rem;align-items:center;min-height:44px}
#ID input{flex:1;min-width:6rem}
@media (prefers-reduced-motion:reduce){#ID .play{display:none}}
</style>
<img src="data:image/png;base64,FIRST" alt="ALT">
<div role="group" aria-label="Animation controls">
<button type="button" class="prev" aria-label="Previous frame">&#9664;</button>
<button type="button" class="play">Play</button>
<button type="button" class="next" aria-label="Next frame">&#9654;</button>
<label>Frame <input type="range" autocomplete="off" min="1" max="COUNT" value="1">
<output>1 of COUNT</output></label>
</div>
<script>(()=>{
const s=document.currentScript,root=(s&&s.closest("#ID"))||document.getElementById("ID");
const [img,bar,out,play,prev,next]=["img","input","output",".play",".prev",".next"].map(q=>root.querySelector(q));
const frames=[img.src].concat(FRAMES.map(f=>"data:image/png;base64,"+f)),n=frames.length;let timer=null;
const show=i=>{bar.value=i;img.src=frames[i-1];out.textContent=i+" of "+n};
const stop=()=>{clearInterval(timer);timer=null;play.textContent="Play"};
const step=d=>show(Math.min(n,Math.max(1,+bar.value+d)));
play.onclick=()=>{if(timer)return stop();if(+bar.value===n)show(1);play.textContent="Pause";
timer=setInterval(()=>{step(1);if(+bar.value===n)stop()},PERIOD)};
prev.onclick=()=>{stop();step(-1)};next.onclick=()=>{stop();step(1)};bar.oninput=()=>{stop();show(+bar.value)};
})()</script>"""


def player(frames: Animation | Iterable[bytes], *, alt: str, name: str, fps: float = 4) -> Any:
    """Turn an animation into a player that works on the site, in JupyterLab, by keyboard, without a server.

    `frames` is a Matplotlib animation, or PNG images (bytes) of one size; `alt` says in words what is seen;
    `name` (lower-case letters, digits and hyphens) makes the ids, so it must be the only one of its page.
    The first frame is the still that is seen before you press play, and where scripts do not run. Nothing
    plays by itself, and the play button is left out for people who ask their system for less motion.

    Returns an `IPython.display.HTML`; tag its cell `nbval-ignore-output`.
    """
    from IPython.display import HTML

    if not alt.strip():
        raise ValueError("alt is empty; say in words what the animation shows.")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"name is {name!r}; use lower-case letters, digits and hyphens.")
    if not fps > 0:
        raise ValueError(f"fps is {fps}; give a number of frames a second above 0.")
    if isinstance(frames, Animation):
        writer = _Frames()
        frames.save("unused", writer=writer, dpi=115)
        pictures = writer.frames
    else:
        pictures = [Image.open(io.BytesIO(png)) for png in frames]
    if len(pictures) < 2:
        raise ValueError(f"frames holds {len(pictures)} frame(s); an animation needs at least 2.")
    first, *others = [_small(picture) for picture in pictures]
    parts = {
        "ID": f"player-{name}",
        "FIRST": first,
        "ALT": html.escape(alt, quote=True),
        "COUNT": str(len(pictures)),
        "FRAMES": json.dumps(others),
        "PERIOD": str(round(1000 / fps)),
    }
    body = re.sub("|".join(rf"\b{key}\b" for key in parts), lambda match: parts[match[0]], _PLAYER)
    return HTML(f'<div id="{parts["ID"]}" class="player">\n{body}\n</div>')
