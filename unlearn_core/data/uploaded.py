"""Where images that a person gave through the page lie in the store; see `uploads.py`."""

from __future__ import annotations

from pathlib import Path

from unlearn_core.machine import default_root

FOLDER, NOTE = "images", ".upload.json"


def uploads_root() -> Path:
    """Return the folder with one folder an upload, called by its content."""
    return default_root() / FOLDER


def folder_with(content: str) -> Path | None:
    """Return the folder of the images of this content; None where they are not kept."""
    folder = uploads_root() / content
    return folder if content and (folder / NOTE).is_file() else None
