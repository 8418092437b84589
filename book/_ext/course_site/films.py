"""Frames of a film as files: a notebook holds them in its text, and a page with several films would be heavy.

They are fetched when somebody comes near the film's buttons, so that reading alone doesn't load them.
"""

import base64
import hashlib
import json
import re
from functools import partial
from pathlib import Path

from . import dark

FILM = re.compile(r'<div id="[\w-]+" class="player">.*?</script>', re.DOTALL)
STILL = re.compile(r'src="data:image/png;base64,([\w+/=]+)"')
FRAMES = re.compile(r'(\[[^\[\]]*\])\.map\(f=>"data:image/png;base64,"\+f\)(\),n=frames\.length;)')
SHOWN = "img.src=frames[i-1]"
FETCH = (
    'const html=document.documentElement,toned=f=>html.dataset.theme==="dark"?f.replace(/\\.\\w+$/,".dark.png"):f,'
    'near=()=>frames.forEach(f=>{new Image().src=toned(f)});["pointerenter","focusin"].forEach('
    "e=>root.addEventListener(e,near,{once:true}));const again=()=>{img.src=toned(frames[bar.value-1])};again();"
    'new MutationObserver(again).observe(html,{attributeFilter:["data-theme"]});'
)


def with_files(text: str, page: Path, out: Path) -> str:
    """The text of a page with its frames taken out, into files of the site `out`."""
    images = "../" * (len(page.relative_to(out).parts) - 1) + "_images"
    return FILM.sub(partial(_with_files, out / "_images", images), text) if 'class="player"' in text else text


def _with_files(folder: Path, images: str, film: re.Match[str]) -> str:
    def file(frame: str) -> str:
        name = f"film-{hashlib.sha256(frame.encode()).hexdigest()[:16]}.png"
        folder.mkdir(exist_ok=True)
        if not (folder / name).exists():
            (folder / name).write_bytes(base64.b64decode(frame))
        dark.twin_of(folder / name)
        return f"{images}/{name}"

    def files(found: re.Match[str]) -> str:
        return json.dumps([file(frame) for frame in json.loads(found[1])]) + found[2] + FETCH

    still = STILL.sub(lambda still: f'loading="lazy" src="{file(still[1])}"', film[0])
    return FRAMES.sub(files, still).replace(SHOWN, "img.src=toned(frames[i-1])")
