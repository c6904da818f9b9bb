"""What `--set` and the options of a request become, without making any run."""

import pytest

from unlearn_core.cli import inputs
from unlearn_core.cli.main import main
from unlearn_core.cli.parser import build_parser
from unlearn_core.config import DataConfig, ForgetConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.splits import split


def parsed(*options):
    return build_parser().parse_args(["compare", *options])


def test_settings_are_read_by_method_and_typed():
    given = ["rfa.gamma=.3", "rfa.epochs=2", "scrub.order=min_first"]
    chosen = inputs.chosen_settings(given, ["rfa", "scrub", "muda"])
    assert chosen == {"rfa": {"gamma": 0.3, "epochs": 2}, "scrub": {"order": "min_first"}}
    start = inputs.comparison(parsed("--forget-class", "3"))
    assert inputs.settings("rfa", start, chosen["rfa"])["gamma"] == 0.3


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("gamma=.3", "takes METHOD.SETTING=VALUE, got 'gamma=.3'"),
        ("rfa.gamma", "takes METHOD.SETTING=VALUE, got 'rfa.gamma'"),
        ("muda.alpha=1", "muda.alpha names no method of this command; it makes rfa"),
        ("rfa.colour=1", "rfa has no setting 'colour'; it has"),
        ("rfa.gamma=many", "rfa.gamma must be of type float, got 'many'"),
        ("rfa.gamma=7", "gamma must be between 0 and 1, got 7"),
    ],
)
def test_a_wrong_setting_is_one_line(option, words, capsys):
    command = ["compare", "--forget-class", "3", "--methods", "rfa", "--set", option]
    assert main(command) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def swept(*options):
    return build_parser().parse_args(["sweep", "--forget-class", "3", *options])


def test_a_grid_has_values_by_method_and_setting():
    options = ["--grid", "rfa.gamma=0,.5,0", "--grid", "rfa.rank=4,8", "--grid", "scrub.epochs=1"]
    assert inputs.grid(swept(*options)) == {
        "rfa": {"gamma": [0, 0.5], "rank": [4, 8]},
        "scrub": {"epochs": [1]},
    }
    lists = ["--grid", 'rfa.layers=["a","b"],["c"]']
    assert inputs.grid(swept(*lists)) == {"rfa": {"layers": [["a", "b"], ["c"]]}}


def test_one_setting_may_be_named_as_before():
    one = ["--method", "rfa", "--setting", "gamma", "--values", "0,1"]
    assert inputs.grid(swept(*one)) == inputs.grid(swept("--grid", "rfa.gamma=0,1"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "Give what to vary: --grid"),
        (["--method", "rfa"], "--method, --setting and --values go together"),
        (["--grid", "gamma=1"], "takes METHOD.SETTING=VALUE,VALUE,..., got 'gamma=1'"),
        (["--grid", "rfa.gamma"], "takes METHOD.SETTING=VALUE,VALUE,..., got 'rfa.gamma'"),
        (["--grid", "rfa.gamma=0,,1"], "takes values with commas, got '0,,1'"),
        (["--grid", "rfa.gamma=[0"], "takes values with commas, got '[0'"),
        (["--grid", "rfa.gamma=0", "--grid", "rfa.gamma=1"], "given twice"),
        (["--grid", "rfa.gamma=0", "--set", "rfa.gamma=1"], "given twice"),
        (["--grid", "rfa.gamma=0", "--set", "muda.alpha=1"], "it makes rfa"),
        (["--grid", "rfa.gamma=0,7"], "gamma must be between 0 and 1, got 7"),
        (["--grid", "nobody.gamma=0"], "Unknown unlearning method 'nobody'"),
    ],
)
def test_a_wrong_grid_is_one_line(options, words, capsys):
    assert main(["sweep", "--forget-class", "3", *options]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_grid_without_bounds_is_refused_before_it_is_spread_out(capsys):
    many = ",".join(map(str, range(1, 100)))
    options = ["--grid", f"rfa.rank={many}", "--grid", f"rfa.epochs={many}"]
    assert main(["sweep", "--forget-class", "3", *options]) == 2
    assert "at most 500 combinations, got 99 x 99 = 9,801" in capsys.readouterr().err


def test_a_dry_run_tells_how_many_runs_there_are_and_makes_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    options = ["--grid", "neggrad.epochs=1,2,3", "--grid", "neggrad.learning_rate=.1,.2"]
    assert main(["sweep", "--forget-class", "3", *options, "--dry-run"]) == 0
    # the trained model, and the two that are measured, beside the six combinations
    assert capsys.readouterr().out.startswith("9 runs to make. No estimate")
    assert not (tmp_path / "cache" / "runs").exists()


def test_a_command_without_methods_has_nothing_to_set(capsys):
    assert main(["incremental", "--forget-class", "3", "--set", "rfa.gamma=.3"]) == 2
    assert "makes none with settings" in capsys.readouterr().err


def test_another_seed_draws_other_examples_and_the_usual_one_those_of_before():
    digits = load_dataset(DataConfig())
    first, other = (
        inputs.comparison(parsed("--forget-random", "50", "--forget-seed", seed)).forget
        for seed in ("0", "7")
    )
    assert first == ForgetConfig(kind="random", values=(50,))
    chosen = [split(digits, forget).forget for forget in (first, other, other)]
    assert (chosen[0] != chosen[1]).any()
    assert (chosen[1] == chosen[2]).all()
    assert [int(mask.sum()) for mask in chosen] == [50, 50, 50]


def test_a_draw_needs_random_examples():
    with pytest.raises(ValueError, match="it needs --forget-random"):
        inputs.comparison(parsed("--forget-class", "3", "--forget-seed", "1"))


def test_a_confusion_keeps_its_number_beside_classes_of_the_same_name():
    config = inputs.comparison(parsed("--forget-confusion", "8,3,3"))
    assert config.forget.values == (3, 8, 3)
    assert config.data.confused == (3, 8, 3)


def test_what_does_not_ship_cannot_be_made_again(tmp_path, capsys):
    assert main(["demo", "--only", "imdb", "--out", str(tmp_path / "demo")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "Nothing ships of 'imdb'; there are runs of fashion, digits" in line
    assert not (tmp_path / "demo").exists()
