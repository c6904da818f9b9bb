"""Stores to look at pages with: shipped runs, linked into a temporary folder."""

import json
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[1] / "cache" / "demo"
DATASET = "digits"  # what most tests of pages look at, whatever else ships and opens first


def fill_store(root, dataset=DATASET):
    """Link the shipped runs on a data set, or all of them with None, into `root` and return it."""
    runs = root / "demo" / "runs"
    runs.mkdir(parents=True)
    for document in SHIPPED.glob("*.json"):
        (root / "demo" / document.name).symlink_to(document)
    (root / "demo" / "labels").symlink_to(SHIPPED / "labels")  # of data sets that do not ship
    for run in shipped_runs(dataset):
        (runs / run.name).symlink_to(run)
    return root


def shipped_runs(dataset):
    """Return the folders of the shipped runs on a data set, or of all with None."""
    folders = sorted((SHIPPED / "runs").iterdir())
    return [run for run in folders if dataset in (None, _dataset(run))]


def _dataset(run):
    return json.loads((run / "manifest.json").read_text())["config"]["data"]["name"]
