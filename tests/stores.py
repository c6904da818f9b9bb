"""A store to look at pages with: the shipped demo, linked into a temporary folder."""

import shutil
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "cache" / "demo"
FALLBACK = Path("/tmp/s2")  # until the demo is made


def fill_store(root):
    """Link the shipped runs into `root` and return it."""
    root.mkdir(parents=True, exist_ok=True)
    if SHIPPED.exists():
        (root / "demo").symlink_to(SHIPPED)
    else:  # until the demo is made
        (root / "runs").symlink_to(FALLBACK / "runs")
        shutil.copy(FALLBACK / "catalogue.json", root)
    return root
