"""Scores, rates and sides on a few numbers by hand, and against scikit-learn."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from unlearn_core.records import Sets, TokenRecords, softmax
from unlearn_core.views import attacker, privacy

PROBABILITIES = np.array([[0.8, 0.2], [0.5, 0.5], [0.01, 0.99]])
LABELS = np.array([0, 1, 0])


def predictions(probabilities=PROBABILITIES, labels=LABELS):
    return SimpleNamespace(
        example_ids=np.arange(len(labels)), labels=labels, probabilities=probabilities, tokens=None
    )


def rows(**scores):
    """Return score rows of models A and B: lists of scores by set."""
    parts = [
        pd.DataFrame({"set": name, "example_id": range(len(pair[i])), "score": pair[i]}).assign(
            label=label, method="muda"
        )
        for i, label in enumerate("AB")
        for name, pair in scores.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def two():
    return rows(
        forget=([1.0, 2.0, 3.0], [0.0, 0.5, 0.0]),
        retain=([2.0, 4.0], [2.0, 4.0]),
        retain_test=([0.0, 1.5], [0.0, 1.5]),
    )


def test_confidence_is_the_log_odds_of_the_true_class():
    found = attacker.log_odds(predictions())
    assert found == pytest.approx([np.log(4), 0.0, np.log(1 / 99)])


def test_log_odds_of_a_sure_model_are_not_rounded_to_one_value():
    probabilities = softmax(np.array([[20.0, 0.0], [25.0, 0.0]]))
    found = attacker.log_odds(predictions(probabilities, np.array([0, 0])))
    assert found == pytest.approx([20.0, 25.0], rel=1e-6)


def test_loss_and_entropy_are_high_where_the_model_is_sure():
    assert attacker.low_loss(predictions()) == pytest.approx(
        -np.log10([-np.log(0.8), -np.log(0.5), -np.log(0.01)])
    )
    assert attacker.low_entropy(predictions())[1] == pytest.approx(-np.log10(np.log(2)))


def test_roc_and_area_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    members, others = random.normal(1, 1, 40).round(1), random.normal(0, 1, 60).round(1)
    truth, scores = np.repeat([1, 0], [40, 60]), np.concatenate([members, others])
    false_rates, true_rates = attacker.roc(members, others)
    wanted = roc_curve(truth, scores, drop_intermediate=False)
    assert false_rates == pytest.approx(wanted[0])
    assert true_rates == pytest.approx(wanted[1])
    assert attacker.area(false_rates, true_rates) == pytest.approx(roc_auc_score(truth, scores))


def test_true_rate_counts_only_thresholds_with_few_enough_false_alarms():
    curve = attacker.roc(np.array([5.0, 1.0]), np.array([2.0, 0.0]))
    assert attacker.true_rate_at(*curve, 0.0) == 0.5
    assert attacker.true_rate_at(*curve, 0.5) == 1.0


def test_a_threshold_that_tells_nothing_begins_in_the_members_middle():
    def rows(members, others):
        return pd.DataFrame(
            [("A", "forget", 0.0)]
            + [("A", "retain", value) for value in members]
            + [("A", "retain_test", value) for value in others],
            columns=["label", "set", "score"],
        )

    alike = np.arange(100.0)
    assert attacker.usual_threshold(rows([*alike, 500.0], alike)) == 50.0
    assert attacker.usual_threshold(rows(alike + 200.0, alike)) == 200.0


def test_best_threshold_errs_least_with_both_sides_alike():
    assert attacker.best_threshold(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 2.0
    assert attacker.best_threshold(np.array([1.0]), np.array([0.0] * 9 + [4.0])) == 1.0


def test_threshold_counts_who_is_called_a_member(two):
    table = privacy.threshold_table(two, 2.0).set_index("Model")
    assert table.loc["A"].tolist()[:3] == ["2 of 3 (67%)", "2 of 2 (100%)", "0 of 2 (0%)"]
    assert table.loc["B"].tolist()[:3] == ["0 of 3 (0%)", "2 of 2 (100%)", "0 of 2 (0%)"]
    assert table.loc["A", "AUC"] == f"{5 / 6:.2f}"
    assert table.loc["A", "TPR at 1 % FPR"] == "too few"
    enough = rows(forget=([1.0], [0.0]), retain=([2.0], [2.0]), retain_test=([0.0] * 100,) * 2)
    first = privacy.threshold_table(enough, 0.5).iloc[0]
    assert (first["AUC"], first["TPR at 1 % FPR"]) == ("1.000", "100.0%")


def test_a_share_at_one_false_alarm_in_a_hundred_of_fewer_non_members_is_said_to_be_weak(two):
    assert "Here are 2 non-members only, of which one is 50.0%" in privacy.few_words(two)
    enough = rows(forget=([1.0], [0.0]), retain=([2.0], [2.0]), retain_test=([0.0] * 100,) * 2)
    assert privacy.few_words(enough) == ""


def test_sides_are_ordered_from_the_surest(two):
    assert privacy.sides_of(two, "A", 2.0) == {"members": [2, 1], "non-members": [0]}


def test_the_most_exposed_exceed_the_retrained_model_most(two):
    found = privacy.most_exposed(two, "A", "B", most=2)
    assert found["exposure"] == {2: 3.0, 1: 1.5}
    assert found["retrained"] == {2: 0.0, 1: 0.5}
    assert privacy.most_exposed(two, "A", "C")["exposure"] == {}


def test_distribution_of_each_set_sums_to_one(two):
    figure = privacy.distributions_figure(two, "confidence", 1.0)
    assert len(figure.data) == 6
    assert [sum(trace.y) for trace in figure.data] == pytest.approx([1.0] * 6)


def test_roc_is_drawn_on_logarithmic_axes_with_a_curve_a_model_and_guessing(two):
    figure = privacy.roc_figure(two)
    assert [trace.name.split(",")[0] for trace in figure.data] == ["A", "B", "guessing"]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert all((np.array(trace.x) > 0).all() for trace in figure.data)


def test_rows_hold_the_three_sides_alone():
    forget, retain, forget_test = np.eye(3, dtype=bool)
    sets = Sets(
        forget=forget, retain=retain, forget_test=forget_test, retain_test=np.zeros(3, bool)
    )
    run = SimpleNamespace(
        label="A", config=SimpleNamespace(method="muda"), predictions=lambda: predictions()
    )
    found = attacker.score_rows([run], sets, "confidence", "retain_test")
    assert found[["set", "example_id"]].to_numpy().tolist() == [["forget", 0], ["retain", 1]]


def test_unseen_images_of_the_class_can_be_the_non_members(two):
    forget_test = two.replace({"set": {"retain_test": "forget_test"}})
    assert attacker.sides_in(forget_test) == ("forget", "retain", "forget_test")
    table = privacy.threshold_table(forget_test, 2.0)
    assert table.columns[3] == "non-members (D_ft)"


def test_of_a_text_the_attacker_sees_the_mean_loss_and_entropy_of_its_tokens():
    tokens = TokenRecords(
        n_tokens=np.array([2, 1]),
        losses=np.array([0.5, 1.5, 0.01], np.float32),
        entropies=np.array([0.1, 1.0], np.float32),
    )
    recorded = SimpleNamespace(tokens=tokens)
    assert attacker.low_loss(recorded) == pytest.approx([0, 2], abs=1e-6)
    assert attacker.low_entropy(recorded) == pytest.approx([1, 0], abs=1e-6)
    of_tokens, of_classes = (
        SimpleNamespace(predictions=lambda given=given: given)
        for given in (recorded, predictions())
    )
    assert attacker.usable_scores([of_tokens]) == ["loss", "entropy"]
    assert attacker.usable_scores([of_classes]) == list(attacker.SCORES)


def test_what_an_attacker_finds_before_and_after_is_told_in_words(two):
    # of six pairs A ranks five right and one half; B, the retrained model, one and two halves
    told = privacy.finding_text(two, "A", "B")
    n_right = sum((a > b) + (a == b) / 2 for a in (1.0, 2.0, 3.0) for b in (0.0, 1.5))
    assert f"AUC of **{n_right / 6:.2f}**" in told
    n_right = sum((a > b) + (a == b) / 2 for a in (0.0, 0.5, 0.0) for b in (0.0, 1.5))
    assert told.endswith(
        f"in **B**, which never saw it, **{n_right / 6:.2f}**, far below guessing: there D_f "
        "stands out as what it does not know."
    )
    assert "hardly better than guessing" not in told
    assert "hardly better than guessing (0.5)" in privacy.finding_text(two, "B", "nobody")
    assert privacy.finding_text(two, "nobody", "B") == ""


def told_beside(scores_of_forget, others=(0.0, 1.0)):
    """Say what is told of these scores of D_f, by label, beside non-members' scores."""
    parts = [
        pd.DataFrame({"set": name, "example_id": range(len(s)), "score": s}).assign(label=label)
        for label, scores in scores_of_forget.items()
        for name, s in {"forget": scores, "retain": [0.0], "retain_test": others}.items()
    ]
    return privacy.against_retrained_text(pd.concat(parts), "Original", "Retrained")


def test_who_is_not_told_from_non_members_as_the_retrained_model_is():
    ends, others = np.linspace(0, 1, 400), np.linspace(0, 1, 300)
    scores = {"Original": ends + 9, "A": ends + 0.5, "B": ends - 0.5, "C": ends + 0.01}
    told = told_beside({**scores, "Retrained": ends}, others)
    assert told == (
        "Beside the retrained model (AUC 0.50), D_f is found more easily in **A**; less, so that "
        "it stands out as forgotten, in **B**; found as well, or as badly, in **C**."
    )
    assert told_beside(scores, others) == ""
    few = told_beside({"A": ends[::80] + 0.2, "Retrained": ends[::80]}, others[::60])
    assert "as badly, in **A**" in few  # chance alone does as much among so few


def test_scores_that_are_as_far_from_non_members_are_found_as_badly():
    """Sure of all alike: whose scores are higher, of members and of others, tells nothing."""
    low, others = np.linspace(-9, -8, 200), np.linspace(0, 1, 200)
    assert "as badly, in **A**" in told_beside({"A": low + 5, "Retrained": low}, others)
