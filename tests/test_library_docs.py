"""The program in docs/library.md runs from top to bottom, and what the text says of it holds."""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from torch import nn

from unlearn_core import Parts, UnlearnResult, unlearn
from unlearn_core.checks import InputError
from unlearn_core.methods import METHODS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Run the document's blocks, one after the other, and return the names that they leave."""
    names = {"__name__": "library_docs"}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("UNLEARN_CACHE", raising=False)
        patch.chdir(tmp_path_factory.mktemp("library_docs"))
        noise, lines = torch.get_rng_state(), []
        names["print"] = lambda *words: lines.append(" ".join(map(str, words)))
        for block in BLOCKS:
            exec(compile(block, "docs/library.md", "exec"), names)
        torch.set_rng_state(noise)
        names["lines"], names["folder"] = lines, Path.cwd()
    return names


def test_the_program_unlearns_a_class_as_retraining_does(program):
    accuracy = program["table"].loc["forget_accuracy"]
    assert accuracy["original"] > 0.95
    assert accuracy["retrained"] == 0
    assert accuracy[["rfa", "muda"]].max() < 0.05
    assert program["table"].loc["retain_accuracy"].min() > 0.93
    assert program["table"].loc["rel_cost", ["rfa", "muda"]].notna().all()


def test_every_comment_on_what_is_printed_is_true(program):
    printed = "\n".join(program["lines"])
    promised = [
        comment.rstrip(" .")
        for block in BLOCKS
        for comment in re.findall(r"^ *print\([^\n]*\)  # (.*)$", block, re.MULTILINE)
    ]
    assert len(promised) == 4
    assert [words for words in promised if words not in printed] == []


def test_outputs_from_elsewhere_are_measured_like_the_networks(program):
    there, here = program["elsewhere"].values, program["measured"]["rfa"].values
    for name in ("dimensional_alignment", "forget_accuracy", "cluster_f1", "mia_rfa"):
        assert there[name] == pytest.approx(here[name], abs=1e-6)
    missing = {name for name, value in there.items() if value is None and here[name] is not None}
    costs = {"unlearn_seconds", "speedup", "rel_cost", "unlearn_steps", "samples_seen"}
    costs |= {"trainable_parameters", "peak_memory_bytes"}
    assert missing - costs == {"zrf", "feature_distance_original", "feature_distance_retrained"}


def test_the_files_are_written(program):
    for name in ("digits.csv", "mine.csv", "unlearned.pt"):
        assert (program["folder"] / name).stat().st_size > 0
    weights = torch.load(program["folder"] / "unlearned.pt", weights_only=True)
    assert weights.keys() == program["original"].state_dict().keys()


def test_most_shipped_runs_leave_their_weights_out_as_the_text_says(program):
    store = program["store"]
    shipped = [store.load(key) for key in store.list() if store.is_shipped(key)]
    kept = [run.has("model.safetensors") for run in shipped]
    assert 0 < sum(kept) < len(kept) / 2
    with_weights = shipped[kept.index(True)]
    assert "fc.weight" in with_weights.weights()


def test_every_field_of_a_result_and_every_call_on_a_run_is_real(program):
    tables = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    named = {name for row in tables for name in re.findall(r"`(\w+(?:\.\w+)?)", row)}
    on_runs = {name for name in named if name.startswith("run.")}
    on_stores = {name for name in named if name.startswith("store.")}
    assert len(on_runs) >= 8
    assert len(on_stores) >= 5
    for name in on_runs | on_stores:
        owner, attribute = name.split(".")
        assert hasattr(type(program[owner]), attribute) or hasattr(program[owner], attribute), name
    assert {f.name for f in fields(UnlearnResult)} <= named


def network():
    layers = [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(64, 4)]
    return nn.Sequential(*layers)


NAMES = {"head": "4", "last_stage": ("2", "4"), "adaptable": ("2",)}
NEEDS = {  # the parts that the page's table says a method needs
    method: re.findall(r"`(\w+)`", needs)
    for needs, methods in re.findall(r"^\| (nothing|`head`[^|]*) \| (.*) \|$", TEXT, re.MULTILINE)
    for method in re.findall(r"`(\w+)`", methods)
}


def test_every_method_is_in_the_table_of_parts():
    ours = {name for name, m in METHODS.items() if m.run.__module__.startswith("unlearn_core.")}
    assert NEEDS.keys() == ours


@pytest.mark.parametrize("method", NEEDS)
def test_a_method_needs_the_parts_that_the_table_names(method):
    inputs, labels = (
        torch.randn(24, 1, 8, 8, generator=torch.Generator().manual_seed(0)),
        torch.arange(24) % 4,
    )
    sets = {
        "forget": (inputs[labels == 1], labels[labels == 1]),
        "retain": (inputs[labels != 1], labels[labels != 1]),
    }
    short = {f.name for f in fields(METHODS[method].settings_class)} & {"epochs", "iterations"}
    settings = dict.fromkeys(short, 1)
    recipe = {"recipe": {"epochs": 1}} if method == "retrain" else {}
    named = {name: NAMES[name] for name in NEEDS[method]}
    parts = Parts(**named) if named else None
    unlearn(network(), **sets, method=method, parts=parts, settings=settings, **recipe)
    if not named:
        return
    fewer = Parts(head=NAMES["head"]) if len(named) > 1 else None
    with pytest.raises(InputError, match="The parts of Sequential"):
        unlearn(network(), **sets, method=method, parts=fewer, settings=settings)


def test_the_readmes_example_is_made_of_this_programs_calls(program):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [part] = re.findall(r"^## As a library$(.*?)(?=^## )", readme, re.MULTILINE | re.DOTALL)
    [code] = re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    assert "docs/library.md" in part
    assert len(code.strip().splitlines()) <= 8
    own = {name: program[name] for name in ("original", "training", "test", "parts", "retrained")}
    exec(compile(code, "README.md", "exec"), own)
    assert own["result"].model is not own["original"]
    assert own["found"].values["forget_accuracy"] < 0.05
    assert isinstance(ast.parse(code).body[0], ast.ImportFrom)
