"""A backdoor: its trigger, whom it still commands after unlearning, and at what price."""

from __future__ import annotations

import streamlit as st

from pages.components import charts, data_reads, lesson, map_reads, reads, run_reads, selectors
from unlearn_core.runs.comparison import REFERENCES
from unlearn_core.views import answers, backdoor, trigger
from unlearn_core.views.captions import comparison_caption
from unlearn_core.views.examples import answers_table, kept_sets, with_outputs
from unlearn_core.views.manifold.points import why_no_maps
from unlearn_core.views.manifold.small_maps import small_maps_caption
from unlearn_core.views.symbols import as_markdown
from unlearn_core.views.wording import describe_forget

METHOD = "backdoor_method"
PLANT = "Plant a backdoor"

selectors.under_app(__file__)
st.title("Backdoor")


def offer_launch(label: str, data: str, target: int) -> None:
    """Show a button that leads to Unlearn with the backdoor to this class chosen."""
    if st.button(label, key="plant_backdoor", icon=":material/key:"):
        st.session_state[selectors.FORGET_BACKDOOR] = data, target
        selectors.go_to("pages/unlearn.py")


if not reads.all_comparisons():
    st.info(
        "There are no finished runs yet: plant a backdoor and let methods undo it; on the digits "
        "it takes about a minute.",
        icon=":material/key:",
    )
    offer_launch(PLANT, "digits", 0)
    st.stop()
comparison = selectors.chosen_comparison()
config = comparison.config
if config.forget.kind != "backdoor":
    what = describe_forget(config.forget, data_reads.dataset(config.data).class_names)
    st.info(
        as_markdown(
            f"This comparison forgets {what}, and nobody planted a backdoor in its data; choose "
            "one that has a backdoor, or plant one and let methods undo it."
        ),
        icon=":material/key:",
    )
    offer_launch(PLANT, config.data.name, 0)
    selectors.offer_others(lambda other: other.config.forget.kind == "backdoor")
    st.stop()
report = reads.comparison_report(comparison.key)
sets, dataset = data_reads.sets(config.data, config.forget), data_reads.dataset(config.data)
clean = data_reads.clean_dataset(config.data)
target = config.forget.values[0]
names = dataset.class_names
attackers = names[target]
kept = kept_sets(comparison.runs, sets)
poisoned, tested = kept.forget.nonzero()[0], kept.test.nonzero()[0]
planted = backdoor.some_others(poisoned, clean.labels[poisoned], target)
asked = backdoor.some_others(tested, dataset.labels[tested], target)
rows = backdoor.success_rows(report)
st.markdown(
    as_markdown(
        f"An attacker put a small **trigger** into **{len(sets.forget.nonzero()[0]):,} of "
        f"{len(dataset.train_ids):,}** training images and labelled them **{attackers}**, "
        f"to teach: where the trigger is, answer {attackers}. Forgetting these images "
        "should leave the trigger without power, as in the **retrained** model, which never saw "
        "them, and change nothing else.",
        keep="*",
    )
)
recipe = as_markdown(f"{comparison_caption(report)}.")
left, right = st.columns([1, 2], gap="medium")
with left:
    st.subheader("The trigger")
    example = trigger.clearest(planted or poisoned.tolist(), clean, dataset)
    words = [f"A training image, class {names[clean.labels[example]]}",
             f"With the trigger and the label {attackers}", "Where it sits, enlarged"]  # fmt: skip
    pictures = data_reads.trigger_pictures(config.data, example)
    st.html(trigger.trigger_html(pictures, words, *trigger.picture_size(dataset)))
with right:
    st.subheader("Does it still work?")
    charts.chart(
        backdoor.success_figure(rows, attackers), key="success", config={"displayModeBar": False}
    )
if not lesson.is_on():  # whose answer it is
    left.markdown(as_markdown(backdoor.answer_text(rows, attackers), keep="*"))
left.markdown(as_markdown(backdoor.still_labelled_text(report, rows), keep="*"))
st.caption(
    as_markdown(
        "Left bars: attack success rate, the share of test images of other classes that the "
        f"trigger turns into {attackers}. Middle: the share of them that is answered as what they "
        "show, though the trigger is there. Right: accuracy on all test images without it. "
        "Dashed: retrained. Gone: within 5 points of retrained; "
        "nearly gone: no farther than retrained models may differ"
        f"{backdoor.nearly_text(report)}; weaker: farther, but less than half of the way back to "
        "the original; still works: more than that. "
    )
    + recipe
)

st.subheader("What each model answers")
runs = selectors.choose_runs(comparison)
one_seed = as_markdown(f"Seed {runs[0].config.seed}. {comparison_caption(report)}.")
left, right = st.columns(2, gap="medium")
with left:
    charts.html(
        answers.answers_html(
            runs,
            answers_table(with_outputs(runs), planted, dataset, sets),
            answers.picture_tiles(planted, data_reads.thumbnails(config.data, planted)),
            selectors.sample_links(comparison, planted),
            corner=("Poisoned images,", f"labelled {attackers},", "that truly show"),
            captions=backdoor.captions(clean, planted),
        )
    )
with right:
    told = {run.label: run_reads.triggered_answers(run) for run in runs}
    charts.html(
        answers.answers_html(
            runs,
            backdoor.triggered_table(told, asked, dataset),
            answers.picture_tiles(asked, data_reads.triggered_pictures(config.data, tuple(asked))),
            selectors.sample_links(comparison, asked),
            corner=("Test images with", "the trigger, that", "truly show"),
            captions=backdoor.captions(dataset, asked),
            bold=attackers,
        )
    )
st.caption(
    as_markdown(
        f"Bold: the attacker's answer, {attackers}. A dash: this model's answers were not kept. "
    )
    + one_seed
)

st.subheader("Where the poisoned images lie")
seed = runs[0].config.seed
of_seed = [run for run in comparison.runs if run.config.seed == seed]
methods = [run.label for run in of_seed if run.config.method not in REFERENCES]
shown = [run for run in of_seed if run.config.method in REFERENCES]
if methods:
    usual = next((label for label in rows["label"] if label in methods), methods[0])
    narrow, _ = st.columns([1, 2])
    with narrow:
        label = selectors.choose_one(comparison, "Method", methods, METHOD, usual)
    shown += [run for run in of_seed if run.label == label]
maps = map_reads.small_map_rows([run.key for run in shown])
if maps.empty:
    st.info(why_no_maps(comparison), icon=":material/info:")
else:
    charts.chart(
        backdoor.poisoned_maps_figure(maps, clean), key="poisoned_maps",
        config={"displayModeBar": False},
    )  # fmt: skip
    st.caption(
        "Diamonds are the poisoned training images, in the colour of what they truly show. A "
        "model that learned the trigger puts them together; one that never saw them, each with its "
        "own kind. Where they stay together though the trigger fails, the features still know it. "
        "UMAPs of penultimate features. "
        f"{small_maps_caption(comparison, [run.key for run in shown], len(maps))} {one_seed}"
    )
offer_launch(
    "Plant another, to another class",
    config.data.name,
    backdoor.next_class(target, dataset.n_classes),
)
