"""What lies in the folder of hand-ins: files, folders and zip files, at any depth, and whose each of them is.

Nothing is unpacked beside the hand-ins, and no name inside a zip file is ever used as a path. Whatever isn't a notebook
is told, too, since a student who handed in a PDF is not one who handed in nothing.
"""

import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from coursekit.grading.roster import Roster, Student

__all__ = ["HandedIn", "find", "opened", "plain", "upload_name"]

_MOST_BYTES = 512 * 2**20  # of one file in a zip file
_MOST_FILES = 20_000
_JUNK = re.compile(r"^(\.|__MACOSX$|__pycache__$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_CANVAS = re.compile(r"(?P<name>[^/]+?)_(?P<late>LATE_)?(?P<id>\d+)_(?:\d{3,}_|(?=text\.html$))(?P<rest>.+)")
_MOODLE = re.compile(r"(?P<name>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)")


@dataclass(frozen=True)
class HandedIn:
    """A file that was handed in.

    `place` is the file itself or the zip file that it is in, then the names inside zip files; `source` is how it is
    told; `download` is what stands above the student's own name: hand-ins from two downloads are two attempts.
    """

    place: tuple[str, ...]
    source: str
    modified: float
    parts: tuple[str, ...]
    owner: str = ""
    name: str = ""
    download: str = ""
    late: bool = False
    on_roster: bool = False
    problem: str = ""

    @property
    def is_notebook(self) -> bool:
        """Whether it is called one."""
        return self.source.lower().endswith(".ipynb") and not self.problem


def find(folder: Path, roster: Roster) -> list[HandedIn]:
    """Everything that was handed in for a lab, with its owner, in a fixed order; an empty folder is told, too."""
    found = [_owned(file, roster) for file in _files(folder, (), ())]
    return sorted(found, key=lambda file: (file.owner.casefold(), file.source.casefold()))


def _files(folder: Path, place: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[HandedIn]:
    for path in sorted(folder.iterdir()):
        if _JUNK.search(path.name):
            continue
        here = (*parts, path.name)
        file = HandedIn((str(path),), "/".join(here), 0, here)
        try:
            if path.is_symlink():
                yield replace(file, problem="a link: what it points to isn't looked at")
            elif path.is_dir():
                inside = list(_files(path, place, here))
                yield from inside or [replace(file, problem="an empty folder")]
            elif path.suffix.lower() == ".zip":
                with open(path, "rb") as opened_file:
                    yield from _zipped(opened_file, replace(file, modified=path.stat().st_mtime))
            elif path.is_file():
                yield replace(file, modified=path.stat().st_mtime)
        except OSError as error:
            yield replace(file, problem=f"can't be read ({error.strerror})")


def _zipped(file: IO[bytes], zipped: HandedIn, depth: int = 1) -> Iterator[HandedIn]:
    """The files in a zip file, and in zip files inside it."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) > _MOST_FILES:
                yield replace(zipped, problem=f"a zip file with {len(members)} files: not looked at")
                return
            empty = True
            for info in members:
                names = [name for name in re.split(r"[/\\]+", info.filename) if name not in ("", ".", "..")]
                if not names or any(map(_JUNK.search, names)):
                    continue
                empty = False
                try:
                    when = datetime(*info.date_time).timestamp()
                except (ValueError, OverflowError):
                    when = zipped.modified
                here = (*zipped.parts, *names)
                inside = HandedIn((*zipped.place, info.filename), "/".join(here), when, here)
                if info.flag_bits & 1:
                    yield replace(inside, problem="locked with a password")
                elif info.file_size > _MOST_BYTES:
                    yield replace(inside, problem=f"larger than {_MOST_BYTES >> 20} MB")
                elif names[-1].lower().endswith(".zip") and depth < 4:
                    with tempfile.TemporaryFile() as copy:
                        _copied(archive, info, copy)
                        yield from _zipped(copy, inside, depth + 1)
                else:
                    yield inside
            if empty:
                yield replace(zipped, problem="an empty zip file")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError):
        yield replace(zipped, problem="a zip file that is damaged")


def _copied(archive: zipfile.ZipFile, info: zipfile.ZipInfo, copy: IO[bytes]) -> None:
    with archive.open(info) as member:
        left = _MOST_BYTES
        while chunk := member.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise OSError("larger than it says")
            copy.write(chunk)
    copy.seek(0)


def _owned(file: HandedIn, roster: Roster) -> HandedIn:
    """The file with its owner: the outermost name that a platform or the roster knows."""
    for depth, part in enumerate(file.parts):
        if platform := (_MOODLE.fullmatch(part) or _CANVAS.fullmatch(part)):
            name, number = platform["name"], platform["id"]
            student = roster.find(name, number)
            late = bool(platform.groupdict().get("late"))
            return _of(
                file, depth, student.number if student else number, student.name if student else name, student, late
            )
    for depth, part in enumerate(file.parts):
        label = re.sub(r"\.(ipynb|zip)$", "", part, flags=re.IGNORECASE)
        if student := roster.find(label):
            return _of(file, depth, student.number, student.name, student)
    if roster and len(file.parts) > 1:
        return _of(file, len(file.parts) - 1, file.source, file.source, None)
    label = re.sub(r"\.\w{1,6}$", "", file.parts[0])
    return _of(file, 0, label, label, None)


def upload_name(source: str) -> str:
    """What a page of feedback is to be called, so that the platform knows whose it is; empty if no platform named it.

    Canvas reads the numbers of the student and of the file that was handed in out of a file's name, Moodle the number
    of the participant out of a folder's.
    """
    for part in source.split("/"):
        if moodle := _MOODLE.fullmatch(part):
            return f"{plain(moodle['name'])}_{moodle['id']}_assignsubmission_file/feedback.html"
        if (canvas := _CANVAS.fullmatch(part)) and canvas["rest"] != "text.html":
            return plain(part.rpartition(".")[0] or part) + ".html"
    return ""


def plain(name: str) -> str:
    """A name that every system takes for a file."""
    return re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]', "-", name).strip(". ")[:150]


def _of(file: HandedIn, depth: int, owner: str, name: str, student: Student | None, late: bool = False) -> HandedIn:
    download = "/".join(file.parts[:depth])
    return replace(file, owner=owner, name=name, download=download, late=late, on_roster=student is not None)


@contextmanager
def opened(file: HandedIn) -> Iterator[Path]:
    """The path of a file that was handed in, taken out of its zip file for as long as the block lasts."""
    outer, *inner = file.place
    if not inner:
        yield Path(outer)
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(outer)
        for number, name in enumerate(inner):
            target = Path(folder) / str(number)
            with zipfile.ZipFile(path) as archive, open(target, "wb") as copy:
                _copied(archive, archive.getinfo(name), copy)
            if path != Path(outer):
                path.unlink()
            path = target
        yield path
