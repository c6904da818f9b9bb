"""Where data that a person gave through the page lies in the store; see `uploads.py`."""

from __future__ import annotations

from pathlib import Path

from unlearn_core.machine import default_root

FOLDERS = {"folder": "images", "texts": "texts"}  # by the data set whose layout the files have
NOTE = ".upload.json"
ADD_AGAIN = "What was added on the Unlearn page and removed since has to be added again."


def uploads_root(dataset: str) -> Path:
    """Return the folder with one folder an upload, called by its content."""
    return default_root() / FOLDERS[dataset]


def folder_with(content: str) -> Path | None:
    """Return the folder of the given data of this content; None where it is not kept."""
    folders = [uploads_root(dataset) / content for dataset in FOLDERS] if content else []
    return next((folder for folder in folders if (folder / NOTE).is_file()), None)
