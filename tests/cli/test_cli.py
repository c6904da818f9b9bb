"""The command line as a person types it, on a small recipe."""

import json
import os
import shutil

import pandas as pd
import pytest

from unlearn_core.cli.main import main
from unlearn_core.config import SCHEMA_VERSION, DataConfig
from unlearn_core.data import content_of, load_dataset
from unlearn_core.machine import has_fast_bf16
from unlearn_core.methods import METHODS
from unlearn_core.metrics import METRICS
from unlearn_core.runs.store import Store

SMALL = ["--train-examples", "200", "--epochs", "1", "--width", "4", "--quiet"]
FIRST_DRAW = {"seed": 0, "difficulty": "any", "keyword": ""}


@pytest.fixture
def cache(tmp_path, monkeypatch, no_maps):
    """An empty store; maps are tested elsewhere, so they are null, with the reason."""
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("kept") / "runs"


@pytest.fixture
def started(cache, kept):
    """As `cache`, with the original and the retrained model of class 3, trained by the first test.

    Its files are linked into each test's store: a test may not write into them.
    """
    runs = cache / "cache" / "runs"
    if not kept.exists():
        assert main(["compare", "--forget-class", "3", "--methods", "retrain", *SMALL]) == 0
        shutil.copytree(runs, kept, copy_function=os.link)
    else:
        shutil.copytree(kept, runs, copy_function=os.link)
    return cache


def test_compare_writes_every_number_or_its_reason_and_costs_nothing_twice(cache, capsys):
    command = ["compare", "--forget-class", "3", "--methods", "neggrad", *SMALL]
    report = cache / "out.json"
    assert main([*command, "--json", str(report), "--csv", str(cache / "out.csv")]) == 0
    first = json.loads(report.read_text())

    assert [run["method"] for run in first["runs"]] == ["original", "retrain", "neggrad"]
    assert first["comparison"]["dataset"] == "digits"
    assert first["comparison"]["forget"] == {"kind": "class", "values": [3], **FIRST_DRAW}
    for run in first["runs"]:
        assert set(run["metrics"]) == set(METRICS)
        for name, value in run["metrics"].items():
            assert (value is None) == (name in run["reasons"])
        assert "umap-learn is not installed" in run["maps"][0]["reason"]
    assert first["runs"][1]["metrics"]["forget_accuracy"] == 0
    rows = pd.read_csv(cache / "out.csv")
    assert len(rows) == 3 * len(METRICS)

    assert main([*command, "--json", str(report)]) == 0
    second = json.loads(report.read_text())
    assert {**second, "command": ""} == {**first, "command": ""}  # seconds too: nothing was made
    assert main(["verify"]) == 0
    assert "0 faults" in capsys.readouterr().out


def test_verify_names_the_changed_file_and_fails(cache, capsys):
    ids = load_dataset(DataConfig(train_examples=200)).train_ids[:3]
    chosen = ",".join(str(example_id) for example_id in ids)
    assert main(["compare", "--forget-ids", chosen, "--methods", "retrain", *SMALL]) == 0
    changed = next((cache / "cache" / "runs").glob("*/metrics.json"))
    changed.write_bytes(changed.read_bytes()[:-1] + b" ")

    assert main(["verify"]) == 1
    assert f"{changed} has changed" in capsys.readouterr().out


def test_what_compare_writes_holds_all_that_makes_its_runs_again(cache, monkeypatch):
    command = ["compare", "--forget-random", "9", "--methods", "neggrad,retrain", "--seeds", "1"]
    report = cache / "out.json"
    precision = "bf16" if has_fast_bf16("cpu") else "fp32"  # emulated it takes minutes
    assert main([*command, *SMALL, "--precision", precision, "--json", str(report)]) == 0
    first = json.loads(report.read_text())
    about = first["comparison"]
    assert about["schema"] == SCHEMA_VERSION
    assert about["precision"] == precision
    assert about["seeds"] == [1]
    assert first["command"].startswith("python -m unlearn_core compare --forget-random 9")
    for run in first["runs"]:
        assert run["data_content"] == content_of("digits")
        assert run["environment"]["commit"]
        assert run["environment"]["device"]
        assert run["environment"]["packages"]["torch"]
        assert run["config"]["seed"] == run["seed"]
        assert run["config"]["settings"] == run["settings"]
        assert set(run["environment"]["code"]) == {"core", "method"}

    monkeypatch.setenv("UNLEARN_CACHE", str(cache / "elsewhere"))
    assert main(["run", str(report), "--quiet", "--json", str(cache / "again.json")]) == 0
    again = json.loads((cache / "again.json").read_text())
    assert {run["key"] for run in again["runs"]} == {run["key"] for run in first["runs"]}
    accuracies = [
        {run["key"]: run["metrics"]["test_accuracy"] for run in content["runs"]}
        for content in (first, again)
    ]
    assert accuracies[0] == accuracies[1]

    manifests = (cache / "cache" / "runs").glob("*/manifest.json")
    manifest = next(path for path in manifests if '"method": "neggrad"' in path.read_text())
    assert main(["run", str(manifest), "--quiet"]) == 0


@pytest.mark.slow
def test_what_reproduce_writes_is_accepted_by_run_too(cache):
    report = cache / "table.json"
    command = ["reproduce", "--paper", "muda", "--table", "6", "--quiet", "--json", str(report)]
    assert main(command) == 0
    content = json.loads(report.read_text())
    assert content["schema"] == SCHEMA_VERSION
    assert "reproduce --paper muda" in content["command"]
    runs = [run for experiment in content["experiments"] for run in experiment["runs"]]
    assert {run["config"]["method"] for run in runs} >= {"original", "retrain", "muda"}
    before = sorted((cache / "cache" / "runs").iterdir())
    assert main(["run", str(report), "--quiet"]) == 0  # all of them are there already
    assert sorted((cache / "cache" / "runs").iterdir()) == before


def test_sweep_makes_one_run_per_value_and_labels_it(started, capsys):
    command = ["sweep", "--method", "neggrad", "--setting", "epochs", "--values", "1,2"]
    report = started / "sweep.json"
    assert main([*command, "--forget-random", "20", *SMALL, "--json", str(report)]) == 0
    labels = [run["label"] for run in json.loads(report.read_text())["runs"]]
    assert labels == ["Original", "Retrained", "NegGrad (epochs=1)", "NegGrad (epochs=2)"]


def test_a_grid_makes_every_combination_of_several_settings(started, capsys):
    options = ["--grid", "neggrad.epochs=1,2", "--grid", "neggrad.learning_rate=1e-4,1e-3"]
    command = ["sweep", *options, "--forget-random", "20", *SMALL]
    report = started / "grid.json"
    assert main([*command, "--json", str(report)]) == 0
    runs = json.loads(report.read_text())["runs"]
    tried = {
        (run["settings"]["epochs"], run["settings"]["learning_rate"])
        for run in runs
        if run["method"] == "neggrad"
    }
    assert tried == {(1, 1e-4), (1, 1e-3), (2, 1e-4), (2, 1e-3)}
    capsys.readouterr()
    assert main([*command, "--dry-run"]) == 0
    assert "exist already: there is nothing to make" in capsys.readouterr().out


def test_incremental_tells_of_the_model_before_and_after_it_has_learned_the_class(started, capsys):
    command = ["incremental", "--dataset", "digits", "--forget-class", "3", *SMALL[:-1]]
    report, rows = started / "out.json", started / "out.csv"
    assert main([*command, "--json", str(report), "--csv", str(rows)]) == 0
    content = json.loads(report.read_text())

    assert [model["name"] for model in content["models"]] == ["old", "new"]
    assert content["comparison"]["forget"] == {"kind": "class", "values": [3], **FIRST_DRAW}
    old = content["models"][0]
    assert old["metrics"]["forget_accuracy"] == 0
    assert sum(old["nearest_classes"].values()) == pytest.approx(1)
    assert "3" not in old["nearest_classes"]
    for model in content["models"]:
        assert {name for name, v in model["metrics"].items() if v is None} == set(model["reasons"])
    table = pd.read_csv(rows)
    assert list(table.columns) == ["model", "seed", "metric", "value", "reason"]
    printed = capsys.readouterr().out
    assert "New model" in printed
    assert "nearest to classes: " in printed


def test_run_of_an_incremental_config_shows_both_models(cache, capsys):
    plain = {
        "data": {"name": "digits", "train_examples": 200},
        "model": {"width": 4},
        "training": {"epochs": 1},
        "forget": {"kind": "class", "values": [1]},
        "method": "incremental",
    }
    path, report = cache / "config.json", cache / "out.json"
    path.write_text(json.dumps(plain))
    assert main(["run", str(path), "--quiet", "--json", str(report)]) == 0
    assert [m["name"] for m in json.loads(report.read_text())["models"]] == ["old", "new"]


def test_run_takes_a_config_file(cache):
    from unlearn_core.config import RunConfig
    from unlearn_core.runs.store import Store, default_root

    plain = {
        "data": {"name": "digits", "train_examples": 200},
        "model": {"width": 4},
        "training": {"epochs": 1},
        "forget": {"kind": "class", "values": [1]},
        "method": "neggrad",
    }
    path = cache / "config.json"
    path.write_text(json.dumps(plain))
    assert main(["run", str(path), "--quiet"]) == 0
    made = [Store(default_root()).load(key).config for key in Store(default_root()).list()]
    assert {config.method for config in made} == {"original", "retrain", "neggrad"}
    assert RunConfig.from_dict(plain).comparison_key() in {c.comparison_key() for c in made}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compare", "--forget-class", "12"], "must be between 0 and 9, got 12"),
        (["compare", "--forget-class", "1", "--methods", "rfaa"], "Known methods: "),
        (["compare", "--forget-ids", "1,x"], "takes whole numbers with commas, got '1,x'"),
        (["compare", "--forget-ids", "@nowhere.txt"], "no file of example ids nowhere.txt"),
        (["compare"], "Give one of --forget-class"),
        (["compare", "--forget-class", "1", "--forget-random", "3"], "got 2 of them"),
        (["compare", "--dataset", "moon", "--forget-class", "1"], "Unknown data set 'moon'"),
        (["compare", "--forget-random", "99999"], "must be between 1 and 1437, got 99999"),
        (["compare", "--forget-class", "1", "--train-examples", "9999"], "at most 1438"),
        (["compare", "--forget-class", "1", "--seeds", "-1"], "whole number from 0, got -1"),
        (
            ["incremental", "--forget-random", "9"],
            "a class or a subclass, got one of kind 'random'",
        ),
        (["run", "nowhere.json"], "There is no config file nowhere.json"),
        (
            ["compare", "--forget-class", "1", "--json", "."],
            "--json must be a file, got the folder",
        ),
        (
            ["compare", "--forget-class", "1", "--csv", "nowhere/x.csv"],
            "--csv must be in a folder that exists, got nowhere/x.csv",
        ),
        (["incremental", "--forget-class", "1", "--json", "nowhere/x"], "folder that exists"),
        (
            ["reproduce", "--paper", "muda", "--table", "3", "--csv", "nowhere/x"],
            "folder that exists",
        ),
        (["compare", "--forget-class", "1", "--width", "7"], "a multiple of the 2 groups"),
        (
            ["sweep", "--method", "rfa", "--setting", "gamma", "--values", "Infinity"],
            "--values takes finite numbers, got 'Infinity'",
        ),
        (
            ["sweep", "--method", "rfa", "--setting", "gama", "--values", "1"],
            "rfa has no setting 'gama'",
        ),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(cache, capsys, arguments, expected):
    if arguments[0] == "sweep":
        arguments = [*arguments, "--forget-class", "1"]
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert expected in error
    assert len(error.splitlines()) == 1
    assert not (cache / "cache" / "runs").exists()


@pytest.mark.parametrize("what", ["methods", "metrics", "datasets", "models", "runs"])
def test_every_list_is_json_for_programs(cache, capsys, what):
    assert main(["list", what, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert isinstance(rows, list)
    if what == "methods":
        assert {row["name"] for row in rows} == set(METHODS)


def test_a_method_that_diverges_does_not_stop_the_others(started, capsys, monkeypatch):
    from unlearn_core.training import DivergedError

    def diverge(inputs, settings):
        raise DivergedError("The loss became nan at step 1 of 9.")
        yield

    from dataclasses import replace

    monkeypatch.setitem(METHODS, "finetune", replace(METHODS["finetune"], run=diverge))
    report = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "finetune,neggrad", *SMALL]
    assert main([*command, "--json", str(report)]) == 1
    assert "finetune, seed 0, failed: The loss became nan" in capsys.readouterr().err
    assert [r["method"] for r in json.loads(report.read_text())["runs"]][-1] == "neggrad"


def test_a_fault_shows_its_traceback_and_the_other_methods_are_made(started, capsys, monkeypatch):
    from dataclasses import replace

    def trip(inputs, settings):
        yield {}["x"]

    monkeypatch.setitem(METHODS, "finetune", replace(METHODS["finetune"], run=trip))
    report = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "finetune,neggrad", *SMALL]
    assert main([*command, "--json", str(report)]) == 1
    error = _error(capsys)
    assert "Traceback (most recent call last)" in error
    assert "in trip" in error
    expected = "finetune, seed 0, failed: KeyError: 'x' (a fault of this program)"
    assert error.splitlines()[-1] == expected
    assert [r["method"] for r in json.loads(report.read_text())["runs"]][-1] == "neggrad"
    store = Store(started / "cache")
    [status] = store.statuses()
    assert status.message == "KeyError: 'x' (a fault of this program; the log has the traceback)"
    assert "in trip" in store.log(status.key)


@pytest.mark.parametrize("error", [KeyError("x"), IndexError("y"), ValueError("z"), TypeError()])
def test_a_fault_of_a_command_is_no_bad_input(cache, capsys, monkeypatch, error):
    def trip(*_, **__):
        raise error

    monkeypatch.setattr("unlearn_core.runs.plan.comparison_config", trip)
    assert main(["compare", "--forget-class", "3"]) == 1
    lines = _error(capsys).splitlines()
    assert lines[0].startswith("Traceback")
    assert lines[-1].startswith(f"error: {type(error).__name__}")


def test_a_fault_of_the_original_ends_the_command_with_its_traceback(cache, capsys, monkeypatch):
    def trip(*_, **__):
        raise KeyError("x")

    monkeypatch.setattr("unlearn_core.engine.making.train", trip)
    assert main(["compare", "--forget-class", "3", "--methods", "retrain", *SMALL]) == 1
    error = _error(capsys)
    assert error.count("in trip") == 1  # it is not tried again for each method
    assert error.splitlines()[-1] == "error: KeyError: 'x' (a fault of this program)"


def test_reproduce_prints_what_a_table_says_even_where_its_data_is_missing(
    cache, capsys, monkeypatch
):
    monkeypatch.setenv("UNLEARN_DATA", str(cache / "nowhere"))
    file = cache / "table.json"
    assert main(["reproduce", "--paper", "rfa", "--table", "3", "--json", str(file)]) == 2
    printed, error = capsys.readouterr()
    assert "table III" in printed
    assert error.startswith("error: The data set 'imdb' is not in ")
    assert "UNLEARN_DATA" in error
    assert error.count("\n") == 1
    content = json.loads(file.read_text())
    assert (content["paper"], content["table"], content["scale"]) == ("rfa", "III", "smoke")
    rows = [row for experiment in content["experiments"] for row in experiment["rows"]]
    assert len(rows) == 49
    assert all(row["measured"] is None and row["reason"] for row in rows)


@pytest.mark.parametrize("table", ["99", "Figure 9", "0"])
def test_an_unknown_table_is_one_line_that_names_the_known_ones(cache, capsys, table):
    assert main(["reproduce", "--paper", "muda", "--table", table]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "known: 1, 2, 3" in error


def test_forget_random_alone_means_128(cache):
    file = cache / "out.json"
    train = ["--train-examples", "300", "--epochs", "1", "--width", "4", "--quiet"]
    assert main(["compare", "--methods", "retrain", *train, "--json", str(file)]) == 2
    command = ["compare", "--forget-random", "--methods", "retrain", *train]
    assert main([*command, "--json", str(file)]) == 0
    forget = json.loads(file.read_text())["comparison"]["forget"]
    assert forget == {"kind": "random", "values": [128], **FIRST_DRAW}


def test_a_preset_that_no_method_has_is_refused(cache, capsys):
    command = ["compare", "--forget-class", "3", "--methods", "rfa", *SMALL, "--preset", "magic"]
    assert main(command) == 2
    assert "No method has a preset 'magic'; known: " in capsys.readouterr().err


def test_a_papers_preset_is_taken_where_a_method_has_it(started):
    file = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "finetune,fisher", *SMALL]
    assert main([*command, "--preset", "muda", "--json", str(file)]) == 0
    settings = {run["method"]: run["settings"] for run in json.loads(file.read_text())["runs"]}
    assert settings["finetune"] == {
        **settings["finetune"],
        **dict(METHODS["finetune"].presets["muda"]),
    }
    digits = METHODS["fisher"].presets["digits"]
    assert settings["fisher"] == {**settings["fisher"], **digits}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", "an object of named settings"),
        ("{}", "must say what to forget"),
        ("{", "not JSON"),
        ('{"training": {"learning_rate": Infinity}}', "must hold finite numbers, got Infinity"),
    ],
)
def test_a_config_file_that_cannot_be_a_run_is_one_line(cache, capsys, content, message):
    file = cache / "config.json"
    file.write_text(content)
    assert main(["run", str(file)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("command", [["run"], ["compare", "--forget-ids"]])
def test_a_file_that_is_not_text_is_named_in_one_line(cache, capsys, command):
    file = cache / "binary"
    file.write_bytes(b"\xff\xfe\x00")
    at = "@" if command[0] == "compare" else ""
    assert main([*command, f"{at}{file}"]) == 2
    error = _error(capsys)
    assert f"{file} must be text in UTF-8" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["nope"], ["reproduce", "--paper", "x", "--table", "1"], ["compare", "--device", "tpu"], []],
)
def test_a_word_that_the_parser_does_not_know_is_one_line_too(cache, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    error = _error(capsys)
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_what_is_known_over_seeds_is_in_the_json(started):
    out = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "neggrad", *SMALL]
    assert main([*command, "--seeds", "0,1", "--json", str(out)]) == 0
    content = json.loads(out.read_text())
    values = [
        run["metrics"]["retain_accuracy"] for run in content["runs"] if run["method"] == "neggrad"
    ]
    [row] = [
        row
        for row in content["summary"]
        if (row["method"], row["metric"]) == ("neggrad", "retain_accuracy")
    ]
    assert row["n_seeds"] == 2
    assert row["mean"] == pytest.approx(sum(values) / 2)
    assert (row["low"], row["high"]) == (min(values), max(values))  # two seeds give no interval


def test_a_run_from_a_file_is_judged_against_the_retrained_model(started):
    made, file = started / "made.json", started / "config.json"
    command = ["compare", "--forget-class", "3", "--methods", "neggrad", *SMALL]
    assert main([*command, "--json", str(made)]) == 0
    store = Store(started / "cache")
    run = next(r for r in map(store.load, store.list()) if r.config.method == "neggrad")
    file.write_text(json.dumps(run.config.to_dict()))
    out = started / "out.json"
    assert main(["run", str(file), "--quiet", "--json", str(out)]) == 0
    first, second = (json.loads(path.read_text()) for path in (made, out))
    assert {**first, "command": ""} == {**second, "command": ""}


def test_the_same_seed_twice_is_one_seed(started):
    out = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "retrain", *SMALL]
    assert main([*command, "--seeds", "0,0,0", "--json", str(out)]) == 0
    content = json.loads(out.read_text())
    assert content["comparison"]["seeds"] == [0]
    assert [run["method"] for run in content["runs"]] == ["original", "retrain"]


def test_a_method_whose_settings_do_not_fit_the_network_does_not_stop_the_others(started, capsys):
    out = started / "out.json"
    command = ["compare", "--forget-class", "3", "--methods", "neglora,neggrad", *SMALL]
    assert main([*command, "--preset", "ffn_all", "--json", str(out)]) == 1
    assert "neglora, seed 0, failed: _SlimResNet has the targets" in _error(capsys)
    methods = [run["method"] for run in json.loads(out.read_text())["runs"]]
    assert methods == ["original", "retrain", "neggrad"]


@pytest.mark.parametrize("options", [["--model", "nope"], ["--width", "0"]])
def test_a_network_that_cannot_be_is_refused_before_any_training(cache, options):
    command = ["compare", "--forget-class", "3", "--methods", "retrain", *options, "--quiet"]
    assert main(command) == 2
    assert not (cache / "cache" / "runs").exists()


def _error(capsys):
    return capsys.readouterr().err
