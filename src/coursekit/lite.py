"""The labs that do without PyTorch, as a site on which Python runs in the browser: JupyterLite, with Pyodide's kernel.

The site is made of files; opened, it fetches Python and its packages from Pyodide's own host (`PYODIDE`), which its
first page says. The course's part of it is a wheel of `neuroevo` and the labs' checks, which the kernel loads at its
start: notebooks stay as they are.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import distribution
from itertools import chain
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import neuroevo
from coursekit.notebooks import read_notebook

__all__ = ["LABS", "PYODIDE", "build", "course_wheel"]

LABS = ("01_rolling_downhill", "02_fitting_too_well", "03_one_neuron")
"""Those whose cells and checks import no PyTorch, which Pyodide doesn't have."""

PYODIDE = "https://cdn.jsdelivr.net/pyodide/v0.27.7/full/"
"""The version that the labs were tried on."""

PACKAGES = ("matplotlib", "scikit-learn", "scipy")
"""Of Pyodide; they bring NumPy."""

_PARTS = ("neuroevo", "coursekit/__init__.py", "coursekit/feedback", "coursekit/labs")
_EXTENSION = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension"
_KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
_TO_ROOT = "../../../../"  # from the kernel's script, which asks for the wheel
_PAGE = Template("""<!DOCTYPE html>
<html lang="en-GB">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labs in the browser · Descent with Modification</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1.05rem/1.55 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem; }
  li { margin: .4rem 0; }
</style>
<!-- JupyterLite reads its settings here, too. -->
<script id="jupyter-config-data" type="application/json" data-jupyter-lite-root=".">{}</script>
<h1>Labs in the browser</h1>
<p>Nothing to install: Python itself runs in this browser, in a tab of your own. Three labs of
<em>Descent with Modification</em> work this way, those that do without PyTorch:</p>
<ul>
$labs
</ul>
<p><strong>What this fetches.</strong> This page asks nothing of any other host. A lab, once opened, fetches Python and
its packages from <code>$host</code> (Pyodide $version), about 60 MB the first time; your browser keeps them. Then
the first cell takes half a minute. Without a network a lab won't start.</p>
<p><strong>Your work</strong> is kept in this browser, on this machine, and is sent nowhere. Download the notebook
(<em>File, Download</em>) before you clear the browser's data, or to hand it in.</p>
<p><strong>What differs.</strong> A check that runs for too long is stopped only between two lines of Python. If a cell
goes on for ever, choose <em>Kernel, Restart Kernel</em>. The other labs need PyTorch or threads, which a browser
lacks: set the course up on your own machine for these.</p>
</html>
""")


def build(root: Path, target: Path) -> Path:
    """Build the site from the labs of a course, in place of what a folder holds; returns its first page.

    Raises:
        RuntimeError: JupyterLite isn't installed, or can't build it; the message is what it said.
    """
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        lite = Path(folder)
        (lite / "labs").mkdir()
        for name in LABS:
            shutil.copy(root / "labs" / f"{name}.ipynb", lite / "labs")
        wheels = [course_wheel(root / "src", lite), _comm(lite)]
        options = {"packages": [*PACKAGES, *(f"{_TO_ROOT}{wheel.name}" for wheel in wheels)]}
        settings = {_KERNEL: {"pyodideUrl": f"{PYODIDE}pyodide.js", "loadPyodideOptions": options}}
        config = {"jupyter-lite-schema-version": 0, "jupyter-config-data": {"litePluginSettings": settings}}
        (lite / "jupyter-lite.json").write_text(json.dumps(config), "utf-8")
        command: list[str | Path] = [sys.executable, "-m", "jupyterlite_core", "build", "--apps", "lab"]
        command += ["--lite-dir", lite, "--contents", lite / "labs", "--output-dir", target.resolve()]
        command += ["--no-sourcemaps", "--no-unused-shared-packages", "--ignore-sys-prefix"]
        command += [f"--LiteBuildConfig.federated_extensions={Path(sys.prefix) / _EXTENSION}"]
        done = subprocess.run(command, cwd=lite, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout)
        for wheel in wheels:
            shutil.copy(wheel, target)
    (target / "index.html").write_text(_first_page(root), "utf-8")
    return target / "index.html"


def course_wheel(source: Path, folder: Path) -> Path:
    """What the labs import of this course."""
    found = [[source / part] if part.endswith(".py") else (source / part).rglob("*.py") for part in _PARTS]
    files = {str(path.relative_to(source)): path for path in sorted(chain.from_iterable(found))}
    return _wheel(folder, "descent_labs", neuroevo.__version__, files)


def _comm(folder: Path) -> Path:
    """What Pyodide's kernel needs and Pyodide doesn't have: it would ask yet another host for it."""
    comm = distribution("comm")
    files = {str(file): Path(str(file.locate())) for file in comm.files or [] if file.suffix == ".py"}
    return _wheel(folder, "comm", comm.version, files)


def _wheel(folder: Path, name: str, version: str, files: dict[str, Path]) -> Path:
    """Write a wheel of files that are pure Python."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for inside, file in files.items():
            wheel.write(file, inside)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return path


def _first_page(root: Path) -> str:
    titles = [read_notebook(root / "labs" / f"{name}.ipynb").cells[0].source.split("\n")[0] for name in LABS]
    rows = [
        f'  <li><a href="lab/index.html?path={name}.ipynb">{title.removeprefix("# ")}</a></li>'
        for name, title in zip(LABS, titles, strict=True)
    ]
    address = urlsplit(PYODIDE)
    return _PAGE.substitute(labs="\n".join(rows), host=address.hostname, version=address.path.split("/")[2])
