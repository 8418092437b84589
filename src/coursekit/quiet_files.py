"""Files as `course.py lab` hands them to JupyterLab: opening a notebook doesn't mark it changed.

JupyterLab copies what the kernel tells of its language, with Python's version, into each notebook that it opens, and so
every notebook of a course changes at a glance, and again on every machine. Here the notebook says it already.
"""

from __future__ import annotations

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

__all__ = ["QuietFiles"]


class QuietFiles(AsyncLargeFileManager):
    """JupyterLab's own manager of files, but for `language_info`: as the kernel tells it, and short on disk."""

    async def get(self, path: str, *words: Any, **named: Any) -> Any:
        model = await super().get(path, *words, **named)
        if model["type"] == "notebook" and model["content"]:
            model["content"]["metadata"]["language_info"] = dict(IPythonKernel.language_info)
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> Any:
        if model.get("type") == "notebook" and model.get("content"):
            language = model["content"]["metadata"].get("language_info", {})
            model["content"]["metadata"]["language_info"] = {"name": language.get("name", "python")}
        return await super().save(model, path)
