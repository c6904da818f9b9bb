"""docs/config.md is true: every field as it is declared, and an example that is a run."""

import json
import re
from dataclasses import fields
from pathlib import Path

from unlearn_core.config import (
    DataConfig,
    ForgetConfig,
    ModelConfig,
    RelearnConfig,
    RunConfig,
    TrainingConfig,
)
from unlearn_core.engine.request import validate

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "config.md").read_text(encoding="utf-8")
PARTS = {
    "data": DataConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "forget": ForgetConfig,
    "relearn": RelearnConfig,
}


def test_every_field_is_listed_with_its_default():
    listed = dict(re.findall(r"^\| `([\w.]+)` \| `([^`]+)` \|", TEXT, flags=re.MULTILINE))
    plain = RunConfig().to_dict()
    expected = {
        f"{part}.{f.name}": plain[part][f.name] for part in PARTS for f in fields(PARTS[part])
    }
    expected |= {
        name: plain[name] for name in ("method", "settings", "seed", "precision", "same_start")
    }
    assert {name: json.loads(default) for name, default in listed.items()} == expected


def meaning(declared):
    """Return what the table says of a setting: its hint and its choices."""
    names = ", ".join(f'`"{name}"`' for name in declared.metadata["choices"])
    return declared.metadata["help"] + (f" One of {names}." if names else "")


def test_every_field_has_the_hint_and_the_choices_that_it_is_declared_with():
    listed = dict(re.findall(r"^\| `([\w.]+)` \| `[^`]+` \| (.+) \|$", TEXT, flags=re.MULTILINE))
    expected = {f"{part}.{f.name}": meaning(f) for part in PARTS for f in fields(PARTS[part])}
    expected |= {f.name: meaning(f) for f in fields(RunConfig) if f.metadata}
    assert {name: listed[name] for name in expected} == expected


def test_the_example_is_a_possible_run():
    [example] = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    config = validate(RunConfig.from_dict(json.loads(example)))
    assert config.method == "neggrad"
