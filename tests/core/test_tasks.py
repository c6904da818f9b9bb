"""A task says which loss teaches; methods ask it, and know no other."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import unlearn_core.methods
from tests.networks import small_resnet
from unlearn_core.checks import InputError
from unlearn_core.config import ModelConfig, TrainingConfig
from unlearn_core.data.batches import to_device
from unlearn_core.engine.probes import record
from unlearn_core.methods import METHODS, UnlearnInputs, require_meant_for, resolve_settings
from unlearn_core.metrics import METRICS
from unlearn_core.models import initialise
from unlearn_core.tasks import CLASSIFICATION, LANGUAGE_MODELLING, TASKS, Classification

CPU = torch.device("cpu")
LABELLED = ("finetune", "neggrad", "neggrad_ft", "neglora", "cf_k", "retrain", "scrub", "fisher")


class Steep(Classification):
    """Classification that counts every error a thousand times."""

    def loss(self, outputs, targets, *, smoothing=0.0):
        return 1000 * super().loss(outputs, targets, smoothing=smoothing)

    def losses(self, outputs, targets, *, smoothing=0.0):
        return 1000 * super().losses(outputs, targets, smoothing=smoothing)

    def recorded(self, outputs, batch):
        return {"logits": super().recorded(outputs, batch)["logits"][:, :2]}


STEEP = Steep(name="steep", deciding={})


def network():
    model = small_resnet(ModelConfig(width=2))
    initialise(model, torch.Generator().manual_seed(0))
    return model


def start(name, dataset, task):
    forget = dataset.labels == 1
    inputs = UnlearnInputs(
        model=network(),
        forget=to_device(dataset, forget & dataset.is_train, CPU, forget=forget),
        retain=to_device(dataset, ~forget & dataset.is_train, CPU, forget=forget),
        generator=torch.Generator().manual_seed(1),
        task=task,
        recipe=TrainingConfig(epochs=1, batch_size=8),
    )
    return inputs, METHODS[name].run(inputs, resolve_settings(name))


@pytest.mark.parametrize("name", [n for n in LABELLED if n not in ("scrub", "fisher")])
def test_a_method_takes_its_loss_from_the_task(name, small_dataset):
    plain, steep = (
        next(start(name, small_dataset, task)[1]).losses["objective"]
        for task in (CLASSIFICATION, STEEP)
    )
    assert steep == pytest.approx(1000 * plain, rel=1e-5)


def test_scrub_teaches_retained_labels_with_the_tasks_loss(small_dataset):
    found = []
    for task in (CLASSIFICATION, STEEP):
        _, steps = start("scrub", small_dataset, task)
        found.append(next(s.losses["retain_loss"] for s in steps if s.phase == "min"))
    assert found[1] == pytest.approx(1000 * found[0], rel=1e-3)


def test_rfa_teaches_with_the_tasks_loss(small_dataset):
    found = [
        next(start("rfa", small_dataset, task)[1]).losses["task_loss"]
        for task in (CLASSIFICATION, STEEP)
    ]
    assert found[1] == pytest.approx(1000 * found[0], rel=1e-5)


def test_no_method_writes_a_loss_for_labels_itself():
    files = Path(inspect.getfile(unlearn_core.methods)).parent.glob("*.py")
    assert not [file.name for file in files if "cross_entropy(" in file.read_text()]


def test_the_loss_of_classification_is_the_mean_log_probability_of_the_label():
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(5, 3)), random.integers(0, 3, 5)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    each = -log_p[np.arange(5), labels]
    given = torch.from_numpy(logits), torch.from_numpy(labels)
    assert CLASSIFICATION.losses(*given).numpy() == pytest.approx(each)
    assert CLASSIFICATION.loss(*given).item() == pytest.approx(each.mean())
    smoothed = 0.7 * each - 0.3 * log_p.mean(axis=1)
    assert CLASSIFICATION.losses(*given, smoothing=0.3).numpy() == pytest.approx(smoothed)
    certain = nn.functional.one_hot(given[1], 3).double()
    assert CLASSIFICATION.loss(given[0], certain).item() == pytest.approx(each.mean())


def test_a_task_decides_what_is_kept_of_the_outputs(small_dataset):
    examples = to_device(small_dataset, small_dataset.is_test, CPU)
    plain, steep = (
        record(network(), examples, small_dataset, task).logits for task in (CLASSIFICATION, STEEP)
    )
    assert (plain[:, :2] == steep).all()
    assert plain.shape[1] == 4


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_metrics_that_decide_exist(task):
    named = {name for names in task.deciding.values() for name in names}
    assert named <= METRICS.keys()
    assert task.deciding.keys() == CLASSIFICATION.deciding.keys()


def test_a_method_that_does_not_apply_says_why_and_names_a_task_that_there_is():
    reasons = {(name, task) for name, method in METHODS.items() for task in method.not_for}
    assert {task for _, task in reasons} == {LANGUAGE_MODELLING.name}
    assert ("fisher", LANGUAGE_MODELLING.name) in reasons
    with pytest.raises(InputError, match=r"fisher does not apply to language modelling: it goes"):
        require_meant_for("fisher", LANGUAGE_MODELLING)
    for name in METHODS:
        require_meant_for(name, CLASSIFICATION)
    require_meant_for("rfa", LANGUAGE_MODELLING)
