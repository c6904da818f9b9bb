import re

import pytest

from tests.pages.reading import figures, opened, texts

pytestmark = pytest.mark.page
OTHER = "Handwritten digits: forget 64 random examples (resnet18, width 8)"


def test_empty_store_says_where_to_start(empty_store):
    app = opened("bring_back")
    assert "no finished runs yet" in app.info[0].value


def test_curves_by_step_and_by_number_have_a_line_a_model_and_the_floor(shipped_store):
    app = opened("bring_back", models=["Original", "Retrained", "RFA (LoRA)"])
    steps, numbers = figures(app)
    names = ["Original", "Retrained", "RFA (LoRA)", "Fresh weights"]
    assert [trace["name"] for trace in steps["data"]] == names
    assert [trace["name"] for trace in numbers["data"]] == names
    assert numbers["layout"]["xaxis"]["ticktext"] == [1, 5, 20]
    told = {(trace["line"]["dash"], trace["marker"]["symbol"]) for trace in steps["data"]}
    assert len(told) == 4  # told apart without colour too


def test_a_sentence_says_what_a_few_images_bring_back(shipped_store):
    app = opened("bring_back", models=["Original", "Retrained", "Forget bias (trick)"])
    told = re.search(r"Shown 5 examples of class 3 again.*", texts(app))[0]
    retrained, fresh, original = (int(n) for n in re.findall(r"\*\*(\d+)%\*\*", told)[:3])
    assert max(retrained, fresh) < original
    assert "nearer to the original: 1 trick" in told  # which still knows
    app.segmented_control(key="relearn_shown").set_value(1).run()
    assert "Shown one example of class 3 again" in texts(app)


def test_table_has_prototypes_beside_relearning(shipped_store):
    frame = opened("bring_back").table[0].value.set_index("Model")
    assert list(frame.columns) == ["Relearned", "Relearned sooner", "Prototypes($D_{f}$)"]
    assert frame.loc["Retrained", "Relearned sooner"] == "0.000"


def test_models_that_were_not_taught_again_can_be(shipped_store, monkeypatch):
    handed = []
    monkeypatch.setattr("pages.components.queue.submit", lambda configs: handed.extend(configs))
    app = opened("bring_back", comparison=OTHER)
    assert "Not taught again yet: Original, Retrained" in app.info[0].value
    assert not app.get("plotly_chart")
    app.button(key="relearn_run").click().run()
    assert len(handed) == 6
    assert {config.role for config in handed} == {"relearning"}


def test_shipped_models_say_why_no_map_refills(shipped_store):
    app = opened("bring_back")
    assert "No map was kept" in app.info[0].value


@pytest.mark.slow
def test_the_map_of_a_model_that_was_taught_here_refills(own, comparison):
    from dataclasses import replace

    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import RELEARNING

    for name in ("retrain", "trick_head_finetune"):
        config = replace(comparison.runs[name].config, relearn=RELEARNING)
        execute(config, store=own, device="cpu", projection=comparison.projection)
    app = opened("bring_back", refilling_model="Head-only finetune (trick)")
    [figure] = [f for f in figures(app) if f.get("frames")]
    assert [frame["name"] for frame in figure["frames"]][:2] == ["0", "1"]
    assert figure["layout"]["sliders"][0]["currentvalue"]["prefix"] == "Examples shown "
    assert "0 before any" in texts(app)


def test_a_match_that_learns_it_again_much_sooner_is_explained(shipped_store):
    told = texts(opened("bring_back"))
    assert "MUDA is called **matched** all the same" in told
    assert "decides no verdict" in told
