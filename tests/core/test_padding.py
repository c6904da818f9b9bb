"""Padding never changes a number: of records, of distances between layers, of losses."""

import numpy as np
import pytest
import torch

from unlearn_core.config import ModelConfig
from unlearn_core.data.batches import to_device
from unlearn_core.data.texts import text_dataset
from unlearn_core.data.tokens import train_wordpiece
from unlearn_core.engine.probes import compare_layers, outputs_of
from unlearn_core.methods.averages import average_feature
from unlearn_core.methods.importance import squared_gradients
from unlearn_core.methods.rfa_losses import NORMS, residual_alignment_loss
from unlearn_core.models import build_model
from unlearn_core.models.lora import ADAPTER, adaptable_layers, attach, captured_branches
from unlearn_core.models.parts import real_positions
from unlearn_core.tasks import CLASSIFICATION

CPU = torch.device("cpu")
WORDS = ("card", "lost", "money", "top", "up", "fee", "why", "transfer")
SHAPE = ModelConfig(name="distilbert", width=16, heads=2, layers=2, length=32, vocabulary=120)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, n)) for n in rng.integers(1, 25, 24)]
    made = text_dataset(texts[:20], texts[20:], np.arange(24) % 3, tuple("abc"), "a test")
    return made.read_by(train_wordpiece(texts, 120), 32)


def network(seed=0):
    model = build_model(SHAPE, 0, 3, seeded(seed)).eval()
    for name, weight in model.named_parameters():  # larger than fresh ones, so that errors show
        if "embeddings" in name:
            weight.data *= 20
    return model


def everything(data):
    return to_device(data, np.ones(24, dtype=bool), CPU)


def test_the_same_examples_in_other_batches_give_the_same_records(data):
    model, examples = network(), everything(data)
    together = outputs_of(model, examples)
    alone = [outputs_of(model, examples.take(torch.tensor([i]))) for i in range(len(examples))]
    for part in (0, 1):
        one_by_one = np.concatenate([outputs[part] for outputs in alone])
        assert np.abs(one_by_one).max() > 0.1
        assert np.abs(together[part] - one_by_one).max() < 1e-5
    shuffled = torch.randperm(24, generator=seeded())
    others = outputs_of(model, examples.take(shuffled))
    assert np.abs(others[0] - together[0][shuffled.numpy()]).max() < 1e-5


def test_squared_gradients_of_a_text_are_those_that_it_has_alone(data):
    """Fisher and SSD compute them for many texts at once, padded to the longest."""
    model, examples = network(), everything(data)
    [batch] = examples.take(torch.arange(4)).ordered()
    together = squared_gradients(model, batch, batch.labels, CLASSIFICATION)
    for i in range(4):
        [alone] = examples.take(torch.tensor([i])).ordered()
        model.zero_grad()
        CLASSIFICATION.loss(model(alone.inputs), alone.labels).backward()
        for name, weight in model.named_parameters():
            expected = torch.zeros_like(weight) if weight.grad is None else weight.grad.square()
            assert torch.allclose(together[name][i], expected, rtol=1e-3, atol=1e-7), name


def test_distances_between_layers_do_not_change_with_a_longer_text_in_the_batch(data):
    """The layers' mean over examples of equal length is what it is beside a longer one."""
    models = network(), network(1)
    lengths = data.tokens.lengths
    order = np.argsort(lengths)
    short, longest = order[:3], order[-1:]
    examples = everything(data)

    def distances(ids):
        parts = {"forget": examples.take(torch.from_numpy(np.asarray(ids)))}
        return compare_layers(models[0], {"other": models[1]}, parts)

    apart, longer, both = distances(short), distances(longest), distances([*short, *longest])
    n_short, n_long = int(lengths[short].sum()), int(lengths[longest].sum())
    assert len(both) == len(adaptable_layers(models[0]))
    for a, b, joined in zip(apart, longer, both, strict=True):
        mean = (n_short * a["distance"] + n_long * b["distance"]) / (n_short + n_long)
        assert joined["distance"] == pytest.approx(mean, rel=1e-5)
        assert 0 < joined["cka"] < 1


def test_the_average_feature_is_that_of_all_real_positions_of_retained_texts():
    features = torch.randn(3, 4, 5, generator=seeded())
    is_forget = torch.tensor([False, True, False])
    is_real = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]]).bool()
    expected = np.concatenate([features[0, :2].numpy(), features[2, :3].numpy()]).mean(axis=0)
    assert average_feature(features, is_forget, is_real).numpy() == pytest.approx(
        expected, abs=1e-6
    )


def by_hand(value, frozen, is_forget, is_real, norm):
    """The loss in NumPy, text by text, without a padded position anywhere."""
    kept = [x[r] for x, r, f in zip(frozen, is_real, is_forget, strict=True) if not f]
    average = np.concatenate(kept).mean(axis=0)
    sizes = []
    for delta, x, real, forgotten in zip(value, frozen, is_real, is_forget, strict=True):
        off = delta[real] - (average - x[real] if forgotten else 0)
        square = (off**2).sum()
        sizes.append({"mse": square / off.size, "sq": square, "l2": np.sqrt(square)}[norm])
    sizes = np.array(sizes)
    return sizes[~is_forget].mean() + sizes[is_forget].mean()


@pytest.mark.parametrize("norm", NORMS)
def test_rfas_alignment_loss_is_what_it_is_without_padding(norm):
    rng = np.random.default_rng(1)
    value, frozen = rng.normal(size=(2, 4, 6, 3))
    is_forget = np.array([True, False, False, True])
    is_real = np.arange(6) < np.array([[2], [6], [4], [5]])
    tensors = [torch.from_numpy(array) for array in (value, frozen, is_forget, is_real)]
    found = residual_alignment_loss(
        [tensors[0]], [tensors[1]], tensors[2], norm=norm, is_real=tensors[3]
    )
    assert found.item() == pytest.approx(by_hand(value, frozen, is_forget, is_real, norm))


@pytest.mark.parametrize("norm", NORMS)
def test_rfas_loss_and_gradient_do_not_change_with_more_padding(data, norm):
    """In direct mode, where the sizes of residuals are taken in the adapters' factors."""
    batch = everything(data).inputs.batch(torch.arange(6))
    wider = torch.cat([batch, torch.zeros(6, 7, dtype=batch.dtype)], dim=1)
    is_forget = torch.tensor([True, False, True, False, False, False])
    found = []
    for tokens in (batch, wider):
        adapted = attach(network(), adaptable_layers(network()), rank=2, alpha=2, dropout=0.0,
                         generator=seeded())  # fmt: skip
        for k, layer in enumerate(adapted.layers.values()):
            layer.lora_B[ADAPTER].weight.data.normal_(0, 0.1, generator=seeded(k))
        with captured_branches(adapted) as branches:
            adapted.model(tokens)
            is_real = real_positions(adapted.model, tokens)
            loss = residual_alignment_loss(
                branches.residuals, branches.frozen, is_forget, norm=norm, is_real=is_real
            )
        loss.backward()
        gradients = [p.grad for p in adapted.model.parameters() if p.grad is not None]
        found.append((loss.item(), torch.cat([g.flatten() for g in gradients])))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-3, atol=1e-5)
    assert found[0][1].abs().max() > 1e-3
