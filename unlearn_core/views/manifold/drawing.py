"""The script and the style that draw the maps in a browser: on a page and in a handout.

A script is one JavaScript module, joined from files of the folder `map`.  What it is sent is made
in `payload` and `courses`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent / "map"
PANELS = (  # of the script that draws the panels, each after what it uses
    *("basics", "camera", "cloud", "chosen", "contours", "address"),
    *("marks", "gestures", "bar", "captions", "feature_map"),
)
STEPS = ("basics", "camera", "cloud", "steps")  # of the one that plays methods at work


def script(parts: Sequence[str]) -> str:
    """Return one script of several files, in this order; see `PANELS` and `STEPS`."""
    files = [FOLDER / f"{part}.js" for part in parts]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def style() -> str:
    """Return the style sheet of all maps."""
    return FOLDER.joinpath("feature_map.css").read_text(encoding="utf-8")
