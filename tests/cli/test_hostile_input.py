"""Hostile input: whatever is given, one line that says what is wrong with it, exit code 2, at once.

A row is a name and a function that takes an empty folder and returns the arguments.
"""

import io
import json
import os
import struct
import zlib

import pytest
from PIL import Image

from unlearn_core.cli.main import main

CLASS = ["compare", "--forget-class", "3", "--methods", "retrain"]
SWEEP = ["sweep", "--method", "rfa", "--setting", "gamma", "--forget-class", "1", "--values"]
HUGE = 10**400
DEEP = 100_000
PLAIN = {
    "data": {"name": "digits", "train_examples": 200},
    "model": {"width": 4},
    "training": {"epochs": 1},
    "forget": {"kind": "class", "values": [1]},
    "method": "neggrad",
}


def given(*arguments):
    return lambda folder: list(arguments)


def config(**changed):
    return text(json.dumps({**PLAIN, **changed}))


def text(content):
    def make(folder):
        file = folder / "config.json"
        file.write_text(content, encoding="utf-8")
        return ["run", str(file)]

    return make


def pipe(*before, at=""):
    def make(folder):
        os.mkfifo(folder / "pipe")
        return [*before, f"{at}{folder / 'pipe'}"]

    return make


def png(size=(8, 8)):
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, format="PNG")
    return buffer.getvalue()


def bomb():
    """Return a PNG whose header promises 60000x60000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    whole = png()
    return whole[:12] + header + struct.pack(">I", zlib.crc32(header)) + whole[33:]


def images(add):
    """Lay out a data set of two classes; `add` puts something into the first."""

    def make(folder):
        for part in ("train", "test"):
            for name in ("a", "b"):
                place = folder / "data" / "folder" / part / name
                place.mkdir(parents=True)
                if (part, name) != ("train", "a"):
                    (place / "1.png").write_bytes(png())
        add(folder / "data" / "folder" / "train" / "a" / "0.png")
        return ["compare", "--dataset", "folder", "--forget-class", "0", "--methods", "retrain"]

    return make


def forbid(path):
    path.write_bytes(png())
    path.chmod(0)


def pipe_beside(path):
    path.write_bytes(png())
    os.mkfifo(path.with_name("x.png"))


ROWS = {
    "a width of 10**9": (given(*CLASS, "--width", "1000000000"), "width must be between"),
    "a width of 60000": (given(*CLASS, "--width", "60000"), "of width 60000 takes at least"),
    "a config's width of 40000": (config(model={"width": 40_000}), "takes at least"),
    "a vast image": (config(model={"name": "vit_s", "input_size": 10**9}), "input_size must be"),
    "deep JSON": (text("[" * DEEP), "nested too deeply"),
    "a deep setting": (config(settings={"epochs": json.loads("[" * 90 + "]" * 90)}), "of type int"),
    "a pipe as config": (pipe("run"), "must be a file; it is a folder, pipe or device"),
    "a device as config": (given("run", "/dev/zero"), "must be a file"),
    "a folder as config": (given("run", "/"), "must be a file"),
    "no name of a config": (given("run", ""), "must be a file"),
    "a long name of a config": (given("run", "a" * 5000), "cannot be read: File name too long"),
    "a NUL in a name": (given("run", "a\0b"), "There is no config file"),
    "a pipe of ids": (pipe("compare", "--forget-ids", at="@"), "must be a file"),
    "no name of ids": (given("compare", "--forget-ids", "@"), "must be a file"),
    "a number twice": (text('{"seed": 1, "seed": 2}'), "got 'seed' more than once"),
    "a float beyond all": (text('{"seed": 1e400}'), "must be of type int, got inf"),
    "5000 digits": (text('{"seed": ' + "1" * 5000 + "}"), "Exceeds the limit"),
    "a vast seed": (config(seed=10**300), "seed must be between 0 and"),
    "a seed below 0": (config(seed=-1), "a whole number from 0, got -1"),
    "a seed that is true": (config(seed=True), "config.seed must be of type int"),
    "a vast rate": (config(training={"learning_rate": HUGE}), "rate must be a finite number"),
    "a vast batch": (config(training={"batch_size": HUGE}), "batch_size must be at most"),
    "vast epochs": (given(*CLASS, "--epochs", str(10**12)), "epochs must be at most"),
    "no epochs": (given(*CLASS, "--epochs", "0"), "epochs must be above 0"),
    "no examples": (given(*CLASS, "--train-examples", "0"), "train_examples must be above 0"),
    "minus examples": (
        given(*CLASS, "--train-examples", "-4", "--dataset", "fashion"),
        "train_examples must be above 0",
    ),
    "vast examples": (given(*CLASS, "--train-examples", str(HUGE)), "must be at most"),
    "a vast setting": (config(settings={"epochs": HUGE}), "epochs must be at most"),
    "epochs without end": (config(settings={"epochs": 10**12}), "epochs must be at most"),
    "a vast rate of a method": (config(settings={"learning_rate": HUGE}), "a finite number"),
    "a nested request": (config(forget={"kind": "class", "values": [[1]]}), "be whole numbers"),
    "a request of text": (config(forget={"kind": "class", "values": "12"}), "must be of type"),
    "a vast class": (config(forget={"kind": "class", "values": [HUGE]}), "between 0 and 9"),
    "null for a model": (config(model=None), "model must be an object of named settings"),
    "a method that is a number": (config(method=3), "config.method must be of type str"),
    "a NUL in a method": (config(method="a\0b"), "Unknown unlearning method"),
    "half a character": (config(method="\ud800"), "Unknown unlearning method"),
    "a path for a name": (config(data={"name": "../../\0"}), "Unknown data set"),
    "two lines for a name": (given(*CLASS, "--dataset", "a\nb"), "Unknown data set 'a\\nb'"),
    "vast seeds": (given(*CLASS, "--seeds", str(HUGE)), "seed must be between"),
    "seeds of 5000 digits": (given(*CLASS, "--seeds", "1" * 5000), "--seeds takes whole numbers"),
    "no seeds": (given(*CLASS, "--seeds", ""), "--seeds takes whole numbers"),
    "vast ids": (given("compare", "--forget-ids", str(HUGE)), "Example ids must be between"),
    "ids below 0": (given("compare", "--forget-ids", "-3"), "must not be negative"),
    "a vast random set": (given("compare", "--forget-random", str(HUGE)), "between 1 and 1437"),
    "no class": (given("compare", "--forget-class="), "takes whole numbers"),
    "deep values": (given(*SWEEP, "[" * DEEP), "--values takes numbers and words"),
    "values of 5000 digits": (given(*SWEEP, "1" * 5000), "--values takes numbers and words"),
    "values that are none": (given(*SWEEP, "NaN"), "takes finite numbers, got 'NaN'"),
    "no values": (given(*SWEEP, ""), "takes values with commas, got"),
    "a long place for JSON": (given(*CLASS, "--json", "/" + "a" * 5000), "--json cannot be a file"),
    "no scheduler": (given(*CLASS, "--scheduler", "moon://x"), "no Dask scheduler at moon://x"),
    "a bomb": (images(lambda path: path.write_bytes(bomb())), "larger than any image may be"),
    "a folder like an image": (images(lambda path: path.mkdir()), "must be a file, got a folder"),
    "a pipe like an image": (images(os.mkfifo), "must be a file, got a pipe or a device"),
    "a pipe beside an image": (images(pipe_beside), "must be a file, got a pipe or a device"),
    "a link to nowhere": (images(lambda path: path.symlink_to("no")), "0.png cannot be read: No"),
    "an image that is none": (images(lambda path: path.write_bytes(b"")), "not a readable image"),
    "an image not to be read": (images(forbid), "0.png cannot be read: Permission denied"),
}


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("name", ROWS)
def test_hostile_input_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, name):
    if "not to be read" in name and os.geteuid() == 0:
        pytest.skip("root can read a file that nobody may read, so there is no error to tell")
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path / "data"))
    make, expected = ROWS[name]
    assert main([*make(tmp_path), "--quiet"]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "cache" / "runs").exists()


def test_a_cache_that_is_a_file_is_refused(tmp_path, monkeypatch, capsys):
    (tmp_path / "cache").write_text("")
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    assert main([*CLASS, "--quiet"]) == 2
    assert "The cache must be a folder" in capsys.readouterr().err
