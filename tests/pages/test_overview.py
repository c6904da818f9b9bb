import json
import re
from dataclasses import replace

import pytest

from tests.pages.reading import figures, links, opened, texts

pytestmark = pytest.mark.page
OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"


def strip(app):
    """Return the lines of the strip, and the label of the selected one."""
    sent = {e.proto.component_name: e.proto for e in app.get("bidi_component")}
    data = json.loads(sent["unlearn_strip"].json)
    return data["lines"], data["selected"]


def answers(app):
    return next(e.proto.body for e in app.get("html") if "mu-answers" in e.proto.body)


def test_empty_store_says_where_to_start(empty_store):
    app = opened("overview")
    assert "no finished runs yet" in app.info[0].value
    assert links(app) == ["unlearn"]


def test_a_sentence_counts_the_verdicts_that_the_strip_lists(shipped_store):
    app = opened("overview")
    assert "is to forget **class 3**: 146 of them" in texts(app)
    lines, selected = strip(app)
    words = [line["word"].removesuffix(", but") for line in lines]
    assert f"**{len(lines)} methods tried: {words.count('matched')} look like" in texts(app)
    assert f"{words.count('pretends')} only pretend" in texts(app)
    assert selected == lines[0]["label"]
    assert "Why it matters" in texts(app)


def test_symbols_come_only_after_words(shipped_store):
    app = opened("overview")
    top = app.get("markdown")[0].value + app.get("caption")[0].value
    assert "Why it matters" in top
    assert not re.search(r"D_|DA|NMI", top)
    sizes = [metric.label for metric in app.metric][:3]
    assert sizes[0] == "Training examples to forget ($D_{f}$)"
    assert not re.search(r"D_|D<sub>", answers(app))


def test_strip_is_sorted_and_a_verdict_chosen_leaves_its_lines_alone(shipped_store):
    app = opened("overview")
    words = [line["word"].removesuffix(", but") for line in strip(app)[0]]
    assert words == sorted(words, key=list(dict.fromkeys(words)).index)
    assert words[0] == "matched"
    app.pills(key="verdict").set_value("remembers").run()
    lines, selected = strip(app)
    assert {line["word"] for line in lines} == {"remembers"}
    assert len(lines) == words.count("remembers")
    assert selected == app.selectbox(key="method").value  # it is still looked at


def test_images_to_forget_stand_with_every_models_answer(shipped_store):
    table = answers(opened("overview", method="Finetune"))
    assert table.count("<img") == 6
    assert table.count(">class 3</small>") == 6
    rows = re.findall(r"<tr><th scope=\"row\".*?</tr>", table)
    names = [re.sub("<[^>]*>", "", row.split("</th>")[0]) for row in rows]
    assert names == ["Original", "Retrained", "Finetune"]
    assert rows[0].count("mu-known") == 6  # the original still knows them
    assert rows[1].count("mu-known") == 0


def test_maps_of_original_retrained_and_the_method_looked_at_stand_side_by_side(shipped_store):
    app = opened("overview")
    titles = [note["text"] for note in figures(app)[0]["layout"]["annotations"]]
    assert titles == ["Original", "Retrained", strip(app)[0][0]["label"]]
    assert f"Shown first: {titles[2]}. The rule:" in texts(app)
    assert "trustworthiness" in texts(app)
    app.selectbox(key="method").set_value("SCRUB").run()
    assert [note["text"] for note in figures(app)[0]["layout"]["annotations"]][2] == "SCRUB"
    assert strip(app)[1] == "SCRUB"
    assert "**SCRUB: partly matched**, that is," in texts(app)


def test_another_comparison_starts_with_its_own_best_method(shipped_store):
    app = opened("overview")
    app.selectbox(key="method").set_value("SCRUB").run()  # which the other does not have
    app.pills(key="verdict").set_value("matched").run()
    key = next(k for k, t in zip(*options(app), strict=True) if t == OTHER)
    app.selectbox(key="comparison").set_value(key).run()
    assert not app.exception
    lines, selected = strip(app)
    assert selected == lines[0]["label"]
    assert len(lines) == 5
    assert "is to forget **64 random examples**." in texts(app)
    assert "**5 methods tried: nothing can be told of any.**" in texts(app)


def options(app):
    """Return keys and titles of the comparisons."""
    from pages.components import reads, selectors

    comparisons = reads.all_comparisons()
    titles = selectors._titles(comparisons)
    return list(comparisons), [titles[key] for key in comparisons]


def test_forget_set_is_told_by_marker_shape_in_every_map(shipped_store):
    data = figures(opened("overview"))[0]["data"]
    forgotten = [trace for trace in data if "to forget" in trace["name"]]
    assert len(forgotten) == 3
    assert {trace["marker"]["symbol"] for trace in forgotten} == {"diamond"}


def test_every_method_has_a_card_with_verdict_and_the_retrained_numbers(shipped_store):
    text = texts(opened("overview"))
    for part in ("MUDA", "RFA (LoRA)", "Finetune", "matched", "remembers", "Speed-up"):
        assert part in text


def test_sizes_of_the_sets_are_told(shipped_store):
    app = opened("overview")
    assert [metric.value for metric in app.metric] == ["146", "1,292", "359", "28"]
    assert app.metric[3].label == "Runs, seed 0"


def test_while_the_first_method_is_at_work_the_page_says_so(own, comparison):
    methods = [run for run in comparison.runs.values() if run.config.role == "method"]
    for run in methods:
        own.delete(run.key)
    app = opened("overview")
    assert "No method has run yet" in app.info[0].value
    own.enqueue(replace(methods[0].config, settings={"epochs": 21}))
    app.run()
    assert "The first method is still at work" in app.info[0].value
