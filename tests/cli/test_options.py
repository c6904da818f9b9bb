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
