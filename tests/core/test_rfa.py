"""RFA against the hand-computed network of docs/golden.md (G-R), through its own hooks.

Two linear layers with a ReLU between them, both the identity, and adapters of rank 1.
"""

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_core.data.batches import Batch, Examples
from unlearn_core.data.images import ImageInputs
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings, rfa
from unlearn_core.methods.averages import RetainedAverages
from unlearn_core.methods.losses import residual_alignment_loss
from unlearn_core.models import Parts, state_parts
from unlearn_core.models.lora import ADAPTER, attach, captured_branches

LAYERS = ("first", "second")
IMAGES = torch.tensor([[2.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
LABELS = torch.tensor([0, 1, 0])
FORGET = torch.tensor([False, False, True])
BATCH = Batch(inputs=IMAGES, labels=LABELS, example_ids=torch.arange(3), is_forget=FORGET)
A = {"first": [[1.0, 0.0]], "second": [[1.0, 1.0]]}
B = {"first": [[0.5], [0.0]], "second": [[0.0], [-0.5]]}

GOLDEN = [  # norm, mode, layer 1 (retain, forget), layer 2 (retain, forget), L_inter, L
    ("l2", "direct", (0.5, 3.5), (1.25, 4.069705), 9.319705, 3.974468),
    ("l2", "teacher", (0.5, 3.5), (1.401388, 4.451123), 9.852511, 4.107669),
    ("sq", "direct", (0.5, 12.25), (1.625, 16.5625), 30.9375, 9.378917),
    ("sq", "teacher", (0.5, 12.25), (2.125, 19.8125), 34.6875, 10.316417),
    ("mse", "direct", (0.25, 6.125), (0.8125, 8.28125), 15.46875, 5.511729),
    ("mse", "teacher", (0.25, 6.125), (1.0625, 9.90625), 17.34375, 5.980479),
]
AT_START = [("l2", 4, 1.626928), ("sq", 8, 2.626928), ("mse", 4, 1.626928)]


class TwoLayers(nn.Module):
    """With `framed`, a frozen stem and head (both the identity) surround the two layers."""

    def __init__(self, *, framed=False):
        super().__init__()
        self.stem = nn.Linear(2, 2, bias=False) if framed else nn.Identity()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.head = nn.Linear(2, 2, bias=False) if framed else nn.Identity()
        for weight in self.parameters():
            nn.init.eye_(weight)
        state_parts(self, Parts(head="head", stem=("stem",), adaptable=("first", "second")))

    def forward(self, x):
        hidden = torch.relu(self.first(self.stem(x.flatten(1))))
        return self.head(self.second(hidden))


def adapted(*, names=LAYERS, zero=()):
    """Attach adapters to the `names` and give them the golden weights; B stays 0 in `zero`."""
    made = attach(TwoLayers(), names, rank=1, alpha=1, dropout=0.0, generator=torch.Generator())
    for name, layer in made.layers.items():
        with torch.no_grad():
            layer.lora_A[ADAPTER].weight.copy_(torch.tensor(A[name]))
            if name not in zero:
                layer.lora_B[ADAPTER].weight.copy_(torch.tensor(B[name]))
    made.model.eval()
    return made


def measured(made, norm, mode, **weights):
    """Return L_inter of the golden batch, through the adapters' own hooks."""
    teacher = rfa.teacher_outputs(made, IMAGES) if mode == "teacher" else None
    with captured_branches(made) as branches:
        logits = made.model(IMAGES)
    loss = residual_alignment_loss(
        branches.residuals, branches.frozen, FORGET, norm=norm, teacher=teacher, **weights
    )
    return loss.item(), logits


def test_the_network_gives_the_golden_logits_and_task_losses():
    _, logits = measured(adapted(), "l2", "direct")
    assert logits.detach().numpy() == pytest.approx(
        np.array([[3, -1.5], [0, 1], [4.5, -1.75]]), abs=1e-6
    )
    losses = {
        (r, f): rfa.task_loss(logits, BATCH, retain_weight=r, forget_weight=f).item()
        for r, f in ((1, 0), (0, 1), (1, 1))
    }
    assert losses[1, 0] == pytest.approx(0.162155, abs=1e-6)
    assert losses[0, 1] == pytest.approx(3.126929, abs=1e-6)
    assert losses[1, 1] == pytest.approx(3.289083, abs=1e-6)


@pytest.mark.parametrize(("norm", "mode", "layer1", "layer2", "inter", "_total"), GOLDEN)
def test_the_alignment_loss_has_the_golden_values(norm, mode, layer1, layer2, inter, _total):
    retain, forget = (
        measured(adapted(), norm, mode, alpha=alpha, beta=beta)[0]
        for alpha, beta in ((1, 0), (0, 1))
    )
    assert retain == pytest.approx(layer1[0] + layer2[0], abs=2e-6)
    assert forget == pytest.approx(layer1[1] + layer2[1], abs=2e-6)
    assert measured(adapted(), norm, mode)[0] == pytest.approx(inter, abs=2e-6)


@pytest.mark.parametrize(("norm", "mode", "layer1", "layer2", "_inter", "_total"), GOLDEN)
def test_each_layer_has_the_golden_share(norm, mode, layer1, layer2, _inter, _total):
    made = adapted()
    teacher = rfa.teacher_outputs(made, IMAGES) if mode == "teacher" else None
    with captured_branches(made) as branches:
        made.model(IMAGES)
    for k, golden in enumerate((layer1, layer2)):
        for part, (alpha, beta) in zip(golden, ((1, 0), (0, 1)), strict=True):
            loss = residual_alignment_loss(
                branches.residuals[k : k + 1],
                branches.frozen[k : k + 1],
                FORGET,
                norm=norm,
                alpha=alpha,
                beta=beta,
                teacher=None if teacher is None else teacher[k : k + 1],
            )
            assert loss.item() == pytest.approx(part, abs=1e-6)


@pytest.mark.parametrize(("norm", "mode", "_layer1", "_layer2", "inter", "total"), GOLDEN)
def test_the_objective_has_the_golden_values(norm, mode, _layer1, _layer2, inter, total):
    made = adapted()
    settings = resolve_settings("rfa", {"norm": norm, "mode": mode, "gamma": 0.5})
    inputs = UnlearnInputs(model=made.model, forget=None, retain=None, generator=None)
    teacher = rfa.teacher_outputs(made, IMAGES) if mode == "teacher" else None
    with captured_branches(made) as branches:
        logits = made.model(IMAGES)
    losses = rfa._losses(inputs, settings, branches, RetainedAverages(), BATCH, logits, teacher)
    assert losses["objective"].item() == pytest.approx(total, abs=1e-6)
    assert losses["alignment_loss"].item() == pytest.approx(inter, abs=2e-6)
    assert losses["task_loss"].item() == pytest.approx(3.289083, abs=1e-6)


@pytest.mark.parametrize("mode", ["direct", "teacher"])
@pytest.mark.parametrize(("norm", "inter", "total"), AT_START)
def test_both_modes_agree_with_the_golden_values_before_the_first_step(norm, inter, total, mode):
    made = adapted(zero=LAYERS)
    value, logits = measured(made, norm, mode)
    assert value == pytest.approx(inter, abs=1e-6)
    for weights, expected in (((1, 0), 0.126928), ((0, 1), 1.126928)):
        task = rfa.task_loss(logits, BATCH, retain_weight=weights[0], forget_weight=weights[1])
        assert task.item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("mode", ["direct", "teacher"])
@pytest.mark.parametrize(("norm", "inter", "total"), AT_START)
def test_the_method_starts_at_the_golden_objective(norm, inter, total, mode):
    pixel = torch.tensor([1.0 / 255]).view(1, 1, 1)  # so that a byte is its own value
    everything = Examples.of(
        ImageInputs(
            images=IMAGES.to(torch.uint8)[:, :, None, None], mean=torch.zeros(1, 1, 1), std=pixel
        ),
        LABELS,
        2,
        is_forget=FORGET,
    )
    inputs = UnlearnInputs(
        model=TwoLayers(framed=True),
        forget=everything.take(torch.tensor([2])),
        retain=everything.take(torch.tensor([0, 1])),
        generator=torch.Generator().manual_seed(0),
    )
    settings = resolve_settings("rfa", {"norm": norm, "mode": mode, "rank": 1, "batch_size": 8})
    first = next(iter(METHODS["rfa"].run(inputs, settings)))
    assert first.losses["objective"] == pytest.approx(total, abs=1e-5)
    assert first.losses["alignment_loss"] == pytest.approx(inter, abs=1e-5)


@pytest.mark.parametrize("mode", ["direct", "teacher"])
@pytest.mark.parametrize(("norm", "inter"), [("l2", 5.828427), ("sq", 13), ("mse", 6.5)])
def test_both_modes_agree_while_the_first_adapter_adds_nothing(norm, inter, mode):
    made = adapted(zero=("first",))
    assert measured(made, norm, mode)[0] == pytest.approx(inter, abs=1e-6)


@pytest.mark.parametrize(("mode", "inter"), [("direct", 7.0), ("teacher", 8.0)])
def test_only_the_teacher_penalises_drift_behind_the_first_adapter(mode, inter):
    made = adapted(zero=("second",))
    assert measured(made, "l2", mode)[0] == pytest.approx(inter, abs=1e-6)


@pytest.mark.parametrize("norm", ["l2", "sq", "mse"])
def test_both_modes_agree_where_one_layer_is_adapted(norm):
    direct, teacher = (
        measured(adapted(names=("first",)), norm, mode)[0] for mode in ("direct", "teacher")
    )
    assert direct == pytest.approx(teacher, abs=1e-6)
    assert direct > 1


def test_the_teacher_is_the_network_without_adapters():
    outputs = rfa.teacher_outputs(adapted(), IMAGES)
    assert outputs[0].numpy() == pytest.approx(IMAGES.numpy())
    assert outputs[1].numpy() == pytest.approx(IMAGES.numpy())
    assert measured(adapted(), "l2", "direct")[1].detach()[2, 0] == pytest.approx(4.5)


@pytest.mark.parametrize("forget", [[False] * 3, [True] * 3])
def test_an_absent_part_leaves_no_nan_and_no_term(forget):
    made = adapted(zero=LAYERS)
    batch = Batch(
        inputs=IMAGES,
        labels=LABELS,
        example_ids=torch.arange(3),
        is_forget=torch.tensor(forget),
    )
    logits = made.model(IMAGES)
    task = rfa.task_loss(logits, batch, retain_weight=1.0, forget_weight=1.0)
    if all(forget):
        assert task.item() == 0
    else:
        expected = torch.nn.functional.cross_entropy(logits, LABELS)
        assert task.item() == pytest.approx(expected.item())
