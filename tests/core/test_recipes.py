"""The papers' recipes as data, checked against what docs/methods.md lists ("Training")."""

import pytest
import torch

from unlearn_core.models import build_model
from unlearn_core.papers.recipes import paper_recipe
from unlearn_core.training import rate_factor

CIFAR = 50_000


def values(config, *names):
    return tuple(getattr(config, name) for name in names)


@pytest.mark.parametrize(
    ("model", "epochs", "warmup", "total"),
    [("resnet18", 20, 500, 7820), ("vit_b_16", 10, 250, 3910)],
)
def test_rfa_goes_on_from_imagenet_weights_with_its_warmup_steps(model, epochs, warmup, total):
    network, recipe = paper_recipe("rfa", "cifar10", model, n_train=CIFAR)
    assert values(network, "name", "pretrained", "input_size", "stem") == (
        model,
        True,
        224,
        "imagenet",
    )
    assert values(recipe, "optimizer", "learning_rate", "batch_size", "epochs") == (
        "adamw",
        5e-5,
        128,
        epochs,
    )
    assert values(recipe, "schedule", "weight_decay", "augment") == ("linear", 0.01, "none")
    assert total == epochs * 391  # 391 batches of 128 in 50,000
    factor = rate_factor(recipe.schedule, total, recipe.warmup_fraction)
    assert factor(warmup - 2) < 1
    assert factor(warmup - 1) == factor(warmup) == 1
    assert factor(warmup + 1) == pytest.approx(1 - 1 / (total - warmup))


@pytest.mark.parametrize(("dataset", "batch"), [("cifar10", 50), ("tiny_imagenet", 100)])
def test_muda_trains_a_group_norm_network_from_scratch_with_exponential_decay(dataset, batch):
    network, recipe = paper_recipe("muda", dataset, "resnet18", n_train=CIFAR)
    assert values(network, "width", "norm", "stem", "pretrained") == (64, "group", "cifar", False)
    assert values(recipe, "optimizer", "learning_rate", "momentum", "weight_decay") == (
        "sgd",
        0.1,
        0.0,
        1e-3,
    )
    assert values(recipe, "schedule", "decay", "warmup_fraction") == ("exponential", 0.998, 0.0)
    assert values(recipe, "batch_size", "epochs", "augment") == (batch, 200, "crop_flip")


def test_neglora_trains_vit_s_on_cifar_as_the_notebooks_do():
    network, recipe = paper_recipe("neglora", "cifar100", "vit_s", n_train=CIFAR)
    assert values(network, "stem", "input_size", "pretrained") == ("cifar", None, False)
    assert values(recipe, "optimizer", "learning_rate", "batch_size", "weight_decay") == (
        "adamw",
        1e-3,
        128,
        0.1,
    )
    assert recipe.epochs == 90
    assert round(recipe.warmup_fraction * 90 * 391) == 10_000


@pytest.mark.parametrize("model", ["vit_s", "tiny_vit"])
def test_neglora_trains_transformers_on_imagenet100_as_the_text_says(model):
    network, recipe = paper_recipe("neglora", "imagenet100", model, n_train=126_689)
    assert values(network, "stem", "input_size", "pretrained") == ("imagenet", 224, False)
    assert values(recipe, "batch_size", "weight_decay", "epochs") == (256, 0.05, 90)
    assert recipe.warmup_fraction * recipe.epochs == pytest.approx(20)


def test_neglora_trains_resnet50_with_sgd_along_a_half_cosine():
    network, recipe = paper_recipe("neglora", "cifar10", "resnet50", n_train=CIFAR)
    assert values(network, "norm", "stem", "width") == ("batch", "cifar", 64)
    assert values(recipe, "optimizer", "learning_rate", "momentum", "weight_decay") == (
        "sgd",
        0.1,
        0.9,
        5e-4,
    )
    assert values(recipe, "schedule", "warmup_fraction", "batch_size") == ("cosine", 0.0, 128)
    assert recipe.epochs == 200
    assert build_model(network, 3, 10, torch.Generator()).maxpool._get_name() == "Identity"


def test_a_warmup_takes_half_of_a_short_training_at_most():
    _, recipe = paper_recipe("rfa", "digits", "resnet18", n_train=1000)
    assert recipe.warmup_fraction == 0.5  # 20 epochs of 8 batches: 160 steps, fewer than 500


@pytest.mark.parametrize(
    ("paper", "dataset", "model", "n_train", "message"),
    [
        ("muda", "cifar10", "vit_b_16", 10, r"recipes of rfa with resnet18,.*'vit_b_16'"),
        ("salun", "cifar10", "resnet18", 10, r"neglora with resnet50, got 'salun' with 'res"),
        ("rfa", "mnist", "resnet18", 10, r"Unknown data set 'mnist'"),
        ("rfa", "cifar10", "resnet18", 0, r"`n_train` must be above 0, got 0"),
    ],
)
def test_what_no_paper_trains_is_refused(paper, dataset, model, n_train, message):
    with pytest.raises(ValueError, match=message):
        paper_recipe(paper, dataset, model, n_train=n_train)
