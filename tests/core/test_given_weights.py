"""A trained checkpoint as the original: read safely, held to the network, named by its content."""

import json
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from unlearn_core.checks import InputError, KnownFailureError
from unlearn_core.cli.main import main
from unlearn_core.engine.given import with_weights
from unlearn_core.engine.pipeline import execute
from unlearn_core.models.checkpoint import read_weights
from unlearn_core.runs import given_weights
from unlearn_core.runs.store import Store
from unlearn_core.views.wording import comparison_title

TINY_NETWORK = ["--train-examples", "200", "--epochs", "1", "--width", "4", "--quiet"]


@pytest.fixture(scope="module")
def trained(comparison):
    return comparison.runs["base"].weights()


@pytest.fixture
def checkpoint(trained, tmp_path):
    file = tmp_path / "mine.safetensors"
    save_file(trained, file)
    return file


class Evil:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_methods_unlearn_from_the_file_and_only_what_is_retrained_is_trained(
    checkpoint, trained, comparison, tiny, store, no_maps
):
    config = with_weights(tiny, checkpoint, store)
    method = replace(config, method="neggrad", settings={"learning_rate": 1e-9, "epochs": 1})
    run = execute(method, store=store, device="cpu")
    base, retrained = (store.load(each.key()) for each in (config.base(), config.retrained()))

    assert base.manifest["config"]["model"]["weights"] == config.model.weights
    assert config.model.weights in (base.folder / "log.txt").read_text()
    assert base.cost.steps == 0
    assert (base.records().logits == comparison.runs["base"].records().logits).all()
    for name, weight in trained.items():
        assert torch.equal(base.weights()[name], weight)
        assert run.weights()[name].numpy() == pytest.approx(weight.numpy(), abs=1e-5)
    theirs = comparison.runs["retrain"].weights()
    assert all(torch.equal(retrained.weights()[name], theirs[name]) for name in theirs)


def test_the_key_follows_the_content_and_not_where_the_file_lies(checkpoint, tiny, store, tmp_path):
    given = with_weights(tiny, checkpoint, store)
    moved = checkpoint.rename(tmp_path / "elsewhere.bin")
    assert with_weights(tiny, moved, store) == given
    assert given.key() != tiny.key()
    assert given.comparison_key() != tiny.comparison_key()
    assert given.model.weights[:8] in comparison_title(given)
    changed = load_file(moved)
    changed["fc.bias"] += 1e-3
    save_file(changed, moved)
    assert with_weights(tiny, moved, store).key() != given.key()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: {"model": {f"module.{name}": weight for name, weight in state.items()}},
        lambda state: {name: weight.double() for name, weight in state.items()},
    ],
    ids=["plain", "checkpoint", "parallel", "double"],
)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "legacy"])
def test_a_state_dict_of_torch_is_as_good(trained, tiny, store, tmp_path, wrap, is_zip):
    file = tmp_path / "mine.pt"
    torch.save(wrap(trained), file, _use_new_zipfile_serialization=is_zip)
    with_weights(tiny, file, store)
    read = read_weights(file)
    assert read.keys() == trained.keys()
    assert all(torch.equal(read[name].to(trained[name].dtype), trained[name]) for name in read)


def refused(capsys, *options):
    assert main(["compare", "--forget-class", "3", "--methods", "neggrad", *options]) == 2
    [line] = capsys.readouterr().err.splitlines()
    return line


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    return Store(tmp_path / "cache")


def test_what_does_not_fit_is_named_with_its_shapes_before_anything_is_made(
    checkpoint, own_cache, capsys
):
    wide = [*TINY_NETWORK, "--width", "6", "--weights", str(checkpoint)]
    line = refused(capsys, *wide)
    assert "bn1.bias is (4,), in the network (6,)" in line
    assert "more differ" in line
    assert not own_cache.root.exists()

    weights = load_file(checkpoint)
    weights["head.weight"] = weights.pop("fc.weight")
    save_file(weights, checkpoint)
    line = refused(capsys, *TINY_NETWORK, "--weights", str(checkpoint))
    assert "fc.weight of shape (10, 32) is missing" in line
    assert "head.weight of shape (10, 32) is not in the network" in line

    weights["fc.weight"] = weights.pop("head.weight")
    weights["conv1.weight"][0, 0, 0, 0] = float("nan")
    save_file(weights, checkpoint)
    line = refused(capsys, *TINY_NETWORK, "--weights", str(checkpoint))
    assert "must be finite numbers; conv1.weight holds others" in line


def test_a_file_that_would_run_code_does_not(tmp_path, own_cache, capsys):
    file, trace = tmp_path / "evil.pt", tmp_path / "was_here"
    torch.save({"fc.weight": Evil(trace)}, file)
    line = refused(capsys, *TINY_NETWORK, "--weights", str(file))
    assert "weights_only=True" in line
    file.write_bytes(pickle.dumps(Evil(trace)))
    assert "weights_only=True" in refused(capsys, *TINY_NETWORK, "--weights", str(file))
    assert not trace.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a safetensors file or a state dict"),
        (b"no weights at all, but a text", "must be a safetensors file or a state dict"),
        (b"PK\x03\x04 cut off", "weights_only=True"),
        (None, "There is no file of weights"),
    ],
)
def test_what_is_no_checkpoint_is_one_line(content, words, tmp_path, own_cache, capsys):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    assert words in refused(capsys, *TINY_NETWORK, "--weights", str(file))
    torch.save([torch.zeros(2)], tmp_path / "list.pt")
    line = refused(capsys, *TINY_NETWORK, "--weights", str(tmp_path / "list.pt"))
    assert "a state dict; got list" in line
    assert "is a folder" in refused(capsys, *TINY_NETWORK, "--weights", str(tmp_path))


def test_a_config_takes_weights_too_and_keeps_to_them(
    checkpoint, tiny, own_cache, no_maps, capsys, tmp_path
):
    described, report = tmp_path / "config.json", tmp_path / "out.json"
    settings = {"learning_rate": 1e-4, "epochs": 1}
    plain = replace(tiny, method="neggrad", settings=settings).to_dict()
    described.write_text(json.dumps(plain))
    command = ["run", str(described), "--quiet", "--json", str(report)]
    assert main([*command, "--weights", str(checkpoint)]) == 0
    made = json.loads(report.read_text())
    content = given_weights.keep(own_cache.root, checkpoint)
    assert made["comparison"]["model"]["weights"] == content
    assert main(["run", str(report), "--quiet"]) == 0  # the store knows the file by now

    other = tmp_path / "other.safetensors"
    save_file({name: weight + 1 for name, weight in load_file(checkpoint).items()}, other)
    capsys.readouterr()
    assert main(["run", str(report), "--quiet", "--weights", str(other)]) == 2
    assert f"must hold the weights of the config, {content}, got" in capsys.readouterr().err


def test_weights_that_the_store_lost_or_that_changed_are_named(checkpoint, tiny, store):
    given = with_weights(tiny, checkpoint, store)
    kept = given_weights.find(store.root, given.model.weights)
    kept.write_bytes(b"something else")
    with pytest.raises(KnownFailureError, match="has changed since it was kept"):
        execute(given.base(), store=store, device="cpu")
    kept.unlink()
    with pytest.raises(InputError, match="give their file once more with --weights"):
        execute(given.base(), store=store, device="cpu")
    assert with_weights(tiny, checkpoint, store) == given
    assert kept.is_file()


def test_nobody_knows_where_given_weights_started_from(tiny):
    given = replace(tiny, model=replace(tiny.model, weights="0123456789abcdef"))
    with pytest.raises(InputError, match="same_start needs the weights"):
        replace(given, same_start=True)
    with pytest.raises(InputError, match="must be 16 hex digits"):
        replace(tiny.model, weights="my-model.pt")
