"""The attacks as the papers print them, against scikit-learn fitted on the same examples."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from tests import formulas
from unlearn_core.metrics import METRICS, Evidence
from unlearn_core.metrics.attack_variants import AS_PRINTED
from unlearn_core.metrics.base import NO_COST
from unlearn_core.metrics.membership import membership_rate
from unlearn_core.records import Records, Sets, softmax

CLASSES = 4
VARIANTS = [name for name, spec in METRICS.items() if spec.group == AS_PRINTED]


def make_evidence(n_train, n_test, *, seed=0, gap=2.0, forget_logits=None):
    """Class 1 is forgotten; training examples are recognised better than test ones by `gap`."""
    random = np.random.default_rng(seed)
    n = n_train + n_test
    is_train, labels = np.arange(n) < n_train, np.arange(n) % CLASSES
    sharp = np.where(is_train, 1.0 + gap, 1.0) * random.uniform(0.2, 1.8, n)
    logits = sharp[:, None] * np.eye(CLASSES)[labels] + random.normal(size=(n, CLASSES))
    chosen = labels == 1
    if forget_logits is not None:
        logits[chosen & is_train] = forget_logits
    records = Records(
        example_ids=np.arange(n),
        labels=labels,
        is_train=is_train,
        logits=logits.astype(np.float32),
        features=np.zeros((n, 1), dtype=np.float32),
    )
    sets = Sets(
        forget=chosen & is_train,
        retain=~chosen & is_train,
        forget_test=chosen & ~is_train,
        retain_test=~chosen & ~is_train,
    )
    return Evidence(
        records=records,
        original=records,
        retrained=records,
        sets=sets,
        cost=NO_COST,
        retrained_cost=NO_COST,
    )


def compute(name, evidence):
    return METRICS[name].compute(evidence)


def entropies(p, _y):
    return formulas.entropy(p)


def top(p, _y):
    return p.max(axis=1)


def losses(p, y):
    return -np.log(p[np.arange(len(y)), y])


def correct(p, y):
    return (p.argmax(axis=1) == y).astype(float)


def modified_entropies(p, y):
    return [
        -(1 - row[label]) * np.log(row[label])
        - sum(row[j] * np.log(1 - row[j]) for j in range(CLASSES) if j != label)
        for row, label in zip(p, y, strict=True)
    ]


def probabilities(p, _y):
    return p


def svc():
    return SVC(C=3, gamma="auto")


def logistic(**options):
    return LogisticRegression(max_iter=1000, **options)


def expected(evidence, score, model, non_members):
    """Return how the fitted model decides on D_f, and the probability it gives of membership."""
    records, sets = evidence.records, evidence.sets

    def rows(mask):
        found = score(softmax(records.logits[mask]), records.labels[mask])
        return np.asarray(found, dtype=float).reshape(mask.sum(), -1)

    members, others = rows(sets.retain), rows(getattr(sets, non_members))
    is_member = np.repeat([1, 0], [len(members), len(others)])
    model.fit(np.vstack([members, others]), is_member)
    forget = rows(sets.forget)
    graded = model.predict_proba(forget)[:, 1].mean() if hasattr(model, "predict_proba") else None
    return model.predict(forget).mean(), graded


@pytest.mark.parametrize(
    ("name", "score", "model", "non_members"),
    [
        ("mia_rfa_unbalanced", entropies, svc(), "test"),
        ("mia_rfa_logistic", entropies, logistic(class_weight="balanced"), "test"),
        ("mia_muda_unbalanced", top, logistic(), "test"),
        ("mia_prunelora_unbalanced", losses, logistic(), "retain_test"),
    ],
)
def test_an_unbalanced_variant_is_fitted_on_everyone(name, score, model, non_members):
    evidence = make_evidence(600, 400)
    decided, _ = expected(evidence, score, model, non_members)
    assert 0.02 < decided < 0.98
    wanted = 1 - decided if name == "mia_prunelora_unbalanced" else decided
    assert compute(name, evidence) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "score", "model"),
    [
        ("mia_neglora_confidence", top, logistic()),
        ("mia_usparse_correctness", correct, svc()),
        ("mia_usparse_entropy", entropies, svc()),
        ("mia_usparse_modified_entropy", modified_entropies, svc()),
        ("mia_usparse_probabilities", probabilities, svc()),
    ],
)
def test_a_balanced_variant_of_equal_sides_is_fitted_on_everyone_once(name, score, model):
    evidence = make_evidence(400, 400, gap=1.0)  # nothing to draw: both sides have 300
    decided, _ = expected(evidence, score, model, "retain_test")
    assert 0.02 < decided < 0.98
    assert compute(name, evidence) == pytest.approx(1 - decided, abs=1e-9)


def test_the_probability_variant_averages_what_the_attack_gives_each_example():
    evidence = make_evidence(400, 400)
    decided, graded = expected(evidence, top, logistic(), "retain_test")
    value = compute("mia_muda_probability", evidence)
    assert value == pytest.approx(graded, abs=1e-5)
    assert abs(value - decided) > 0.05


def test_the_group_holds_every_variant_and_no_other_metric():
    assert sorted(VARIANTS) == sorted(
        [
            "mia_rfa_unbalanced",
            "mia_rfa_logistic",
            "mia_muda_unbalanced",
            "mia_muda_probability",
            "mia_neglora_confidence",
            "mia_usparse_correctness",
            "mia_usparse_entropy",
            "mia_usparse_modified_entropy",
            "mia_usparse_probabilities",
            "mia_prunelora_unbalanced",
        ]
    )


def test_a_useless_score_calls_all_members_unless_each_side_weighs_the_same():
    evidence = make_evidence(6667, 1000, gap=0.0)  # about 5,000 of D_r against 1,000
    assert evidence.sets.retain.sum() == 5000
    for name in ("mia_rfa_unbalanced", "mia_muda_unbalanced"):
        assert compute(name, evidence) == pytest.approx(1, abs=0.002), name
    assert compute("mia_prunelora_unbalanced", evidence) == pytest.approx(0, abs=0.002)
    assert compute("mia_rfa_logistic", evidence) == pytest.approx(0.5, abs=0.15)
    assert compute("mia_muda_probability", evidence) == pytest.approx(0.5, abs=0.05)


def test_weighing_the_sides_alike_answers_a_useless_score_with_half():
    random = np.random.default_rng(0)
    scores = [random.normal(size=n) for n in (5000, 1000, 2000)]
    options = {"attack": "logistic", "balanced": False}
    assert membership_rate(*scores, **options) == 1
    weighed = membership_rate(*scores, class_weight="balanced", **options)
    assert weighed == pytest.approx(0.5, abs=0.15)


def test_weighing_the_sides_alike_moves_the_threshold_to_the_middle():
    for score, called in ((0.5498 - 0.005, 1), (0.5498 + 0.005, 0)):
        rate = membership_rate(
            np.full(40, 0.1),
            np.full(10, 1.0),
            np.array([score]),
            attack="logistic",
            balanced=False,
            class_weight="balanced",
        )
        assert rate == called


def test_confidence_takes_a_sure_wrong_answer_for_training_data_and_the_label_does_not():
    sure_and_wrong = 6 * np.eye(CLASSES)[2]
    evidence = make_evidence(400, 400, forget_logits=sure_and_wrong)
    assert compute("mia_efficacy", evidence) == 1
    assert compute("mia_neglora_confidence", evidence) == 0


def test_confidence_is_what_the_muda_attack_leaves():
    evidence = make_evidence(600, 400)
    rate = compute("mia_muda", make_evidence(600, 400))
    assert 0.02 < rate < 0.98
    assert compute("mia_neglora_confidence", evidence) == 1 - rate


def test_attacks_that_share_a_comparison_do_not_share_their_numbers():
    shared = make_evidence(240, 160)
    for name in (name for name in METRICS if name.startswith("mia_")):
        assert compute(name, shared) == compute(name, make_evidence(240, 160)), name


@pytest.fixture
def fitted_on(monkeypatch):
    """Collect the sizes of both sides instead of fitting attacks."""
    sizes = []
    monkeypatch.setattr(
        "unlearn_core.metrics.membership._attack",
        lambda members, others, *_: sizes.append((len(members), len(others))) or 0.0,
    )
    return sizes


def test_the_prunelora_attack_draws_at_most_9000_and_5000(fitted_on):
    compute("mia_prunelora_unbalanced", make_evidence(16_000, 8_000))
    compute("mia_prunelora_unbalanced", make_evidence(800, 400))
    assert fitted_on == [(9000, 5000), (600, 300)]


def test_the_usparse_variants_draw_once_as_many_of_each_side(fitted_on):
    for name in VARIANTS:
        if name.startswith("mia_usparse_"):
            compute(name, make_evidence(800, 400))
            compute(name, make_evidence(6000, 6000))
    assert fitted_on == [(300, 300), (1000, 1000)] * 4


def test_the_unbalanced_svc_is_capped_in_the_ratio_of_its_sides(fitted_on, monkeypatch):
    monkeypatch.setattr("unlearn_core.metrics.membership.MOST_TOGETHER", 12)
    for sides in ((40, 20), (4, 8), (500, 1)):
        scores = np.zeros(sides[0]), np.ones(sides[1]), np.ones(3)
        membership_rate(*scores, attack="svc", balanced=False)
        membership_rate(*scores, attack="logistic", balanced=False)
    assert fitted_on == [(8, 4), (40, 20), (4, 8), (4, 8), (12, 1), (500, 1)]


def test_a_capped_attack_draws_from_the_whole_side(monkeypatch):
    seen = []
    monkeypatch.setattr("unlearn_core.metrics.membership.MOST_TOGETHER", 60)
    monkeypatch.setattr(
        "unlearn_core.metrics.membership._attack",
        lambda members, *_: seen.append(members.ravel()) or 0.0,
    )
    for order in (1, -1):
        members = np.arange(100.0)[::order]
        membership_rate(members, np.zeros(100), np.zeros(1), balanced=False)
    assert len(set(seen[0])) == 30
    assert seen[0].max() > 70
    assert seen[0].min() < 30
    assert (seen[0] == seen[1]).all()


def test_a_row_of_scores_an_example_equals_scikit_learn():
    random = np.random.default_rng(3)
    sides = [random.normal(m, size=(n, 3)) for m, n in ((0, 60), (1, 45), (0.6, 80))]
    model = svc().fit(np.vstack(sides[:2]), np.repeat([1, 0], [60, 45]))
    value = membership_rate(*sides, balanced=False)
    assert 0.02 < value < 0.98
    assert value == pytest.approx(model.predict(sides[2]).mean())


def test_one_column_is_the_same_as_none():
    random = np.random.default_rng(4)
    sides = [random.normal(m, size=n) for m, n in ((0, 60), (1, 45), (0.6, 80))]
    columns = [side[:, None] for side in sides]
    assert membership_rate(*sides) == membership_rate(*columns)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"class_weight": "heavy"}, "`class_weight` must be None or \"balanced\", got 'heavy'"),
        ({"probability": True}, "`probability` needs attack=\"logistic\", got 'svc'"),
        ({"test_scores": np.ones((4, 2))}, r"the same number of columns, got \[1, 2, 1\]"),
    ],
)
def test_membership_rate_names_the_option_that_does_not_fit(changed, message):
    scores = dict.fromkeys(("retain_scores", "test_scores", "forget_scores"), np.arange(4.0))
    with pytest.raises(ValueError, match=message):
        membership_rate(**{**scores, **changed})


def test_the_deviation_over_draws_is_kept_beside_the_rate():
    evidence = make_evidence(300, 60, gap=0.5)
    rates = {name: compute(name, evidence) for name in ("mia_muda", "mia_neglora", "mia_efficacy")}
    assert rates["mia_efficacy"] == pytest.approx(1 - rates["mia_neglora"])
    assert evidence.deviations["mia_muda"] > 0
    assert evidence.deviations["mia_efficacy"] == evidence.deviations["mia_neglora"]
    compute("mia_muda_unbalanced", evidence)  # which draws nothing
    assert evidence.deviations.keys() == rates.keys()
