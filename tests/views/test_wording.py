import math
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig
from unlearn_core.runs.report import Report
from unlearn_core.views import wording
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.metric_definitions import groups, is_public, names_in
from unlearn_core.views.symbols import as_html, as_markdown, table_as_markdown
from unlearn_core.views.tables import cost_rows, missing_rows


@pytest.mark.parametrize(
    ("metric", "value", "signed", "expected"),
    [
        ("forget_accuracy", 0.1234, False, "12.3%"),
        ("forget_accuracy", -0.1234, True, "-12.3"),
        ("dimensional_alignment", 0.5, False, "0.500"),
        ("dimensional_alignment", 0.5, True, "+0.500"),
        ("unlearn_seconds", 2.5, False, "2.50s"),
        ("speedup", 2.5, False, "2.50x"),
        ("trainable_parameters", 34368.0, False, "34,368"),
        ("forget_accuracy", None, False, "–"),
        ("forget_accuracy", float("nan"), False, "–"),
    ],
)
def test_values_are_written_in_their_unit(metric, value, signed, expected):
    assert wording.format_value(metric, value, signed=signed) == expected


@pytest.mark.parametrize(
    ("forget", "expected"),
    [
        (ForgetConfig(kind="class", values=(1,)), "class dog"),
        (ForgetConfig(kind="class", values=(0, 1)), "classes cat, dog"),
        (ForgetConfig(kind="class", values=(7,)), "class 7"),
        (ForgetConfig(kind="subclass", values=(4,)), "subclass 4"),
        (ForgetConfig(kind="ids", values=(4,)), "1 chosen example"),
        (ForgetConfig(kind="random", values=(64,)), "64 random examples"),
        (ForgetConfig(), "nothing"),
        ({"kind": "ids", "values": [1, 2]}, "2 chosen examples"),
    ],
)
def test_requests_are_described_in_words(forget, expected):
    assert wording.describe_forget(forget, ("cat", "dog")) == expected


def test_title_and_sentence_name_data_request_and_model():
    config = RunConfig(
        data=DataConfig(train_examples=1000),
        model=ModelConfig(width=8),
        forget=ForgetConfig(kind="class", values=(3,)),
    )
    title = wording.comparison_title(config)
    assert title == "Handwritten digits, 1,000 examples: forget class 3 (resnet18, width 8)"
    assert "remove **class 3**" in wording.request_sentence(config, ())


def test_a_title_names_classes_that_are_known_without_reading_data():
    sandals = ForgetConfig(kind="class", values=(5, 99))
    clothes = RunConfig(data=DataConfig(name="fashion"), forget=sandals)
    assert "forget classes Sandal, 99 (" in wording.comparison_title(clothes)
    unknown = RunConfig(data=DataConfig(name="cifar100"), forget=sandals)
    assert "forget classes 5, 99 (" in wording.comparison_title(unknown)


def test_symbols_become_subscripts_and_formulas_and_the_rest_is_escaped():
    assert as_html("DA(D_f|D_r) <1>") == "DA(D<sub>f</sub>|D<sub>r</sub>) &lt;1&gt;"
    assert as_markdown("D'_r, L_DA * 2, `a_b * D_f`") == r"$D'_{r}$, L\_DA \* 2, `a_b * D_f`"
    assert as_markdown("**D_ft**", keep="*") == "**$D_{ft}$**"


def test_a_table_has_formulas_in_its_heads_and_cells():
    table = pd.DataFrame({"of D_f": [0.5, math.nan], "which": ["D_rt", "a_b"]})
    expected = pd.DataFrame({"of $D_{f}$": ["0.5", "–"], "which": ["$D_{rt}$", "a\\_b"]})
    pd.testing.assert_frame_equal(table_as_markdown(table), expected, check_dtype=False)


def test_caption_names_what_is_needed_to_repeat_the_comparison(report):
    text = comparison_caption(Report(**report))
    for part in ("Handwritten digits", "resnet18, width 8", "class 3", "15 epochs", "seeds 0, 1"):
        assert part in text
    assert "class 3" not in comparison_caption(Report(**report), with_request=False)
    assert "ImageNet" not in text


def test_caption_tells_of_imagenet_weights_and_of_scaled_images(report):
    report["comparison"]["model"].update(pretrained=True, input_size=224)
    report["comparison"]["training"]["schedule"] = "linear"
    text = comparison_caption(Report(**report))
    for part in ("from published weights", "images scaled to 224x224", "0.05 (linear)"):
        assert part in text


def test_missing_values_are_listed_with_their_reason(report):
    table = missing_rows(Report(**report), {"unlearn_seconds": "Seconds"})
    assert table.to_dict("records") == [
        {"Metric": "Seconds", "Missing for": "Original", "Reason": "took no steps"}
    ]
    assert missing_rows(Report(**report), {}).empty


def test_cost_lists_each_run_with_its_environment_and_no_invented_seconds(report):
    table = cost_rows(Report(**report))
    assert len(table) == len(report["runs"])
    assert table["Seconds"].isna().sum() == 2
    assert set(table["Versions"]) == {"torch 2.0"}


def test_every_metric_belongs_to_one_shown_group():
    from unlearn_core.metrics import METRICS

    assert sorted(names_in(groups())) == sorted(METRICS)
    assert not is_public("docs/methods.md")


def test_other_forms_of_a_metric_are_the_last_group():
    assert groups()[-1] == "Other forms"
    assert set(names_in(["Other forms"])) == {"cluster_nmi_arithmetic", "backdoor_asr_all"}
    assert "cluster_nmi_arithmetic" not in names_in(["Features"])


def test_names_that_only_the_files_tell_stand_in_titles():
    pets = RunConfig(data=DataConfig(name="folder"), forget=ForgetConfig(kind="class", values=(1,)))
    assert "forget class 1 (" in wording.comparison_title(pets)
    assert "forget class dogs (" in wording.comparison_title(pets, ("cats", "dogs"))
    digits = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    assert wording.comparison_title(digits, ()) == wording.comparison_title(digits)
    original = wording.run_title(replace(pets, forget=ForgetConfig()), ("cats", "dogs"))
    assert "the trained model, for any request (" in original


def test_comparisons_that_share_a_title_also_show_their_keys():
    start = RunConfig(forget=ForgetConfig(kind="class", values=(3,)))
    other = replace(start, precision="bf16")
    alone = replace(start, forget=ForgetConfig(kind="class", values=(4,)))
    comparisons = [
        SimpleNamespace(key=config.comparison_key(), config=config, class_names=())
        for config in (start, other, alone)
    ]
    titles = wording.comparison_titles(comparisons)
    assert len(set(titles.values())) == 3
    assert titles[alone.comparison_key()] == wording.comparison_title(alone)
    assert titles[other.comparison_key()].endswith(f"[{other.comparison_key()[:6]}]")
