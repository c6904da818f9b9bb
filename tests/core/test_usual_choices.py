"""What a comparison is made of where nobody says more: recipe, precision, order of memory."""

import gzip
import math
import struct
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from tests.core.test_content import write_images
from unlearn_core import machine
from unlearn_core.cli import inputs
from unlearn_core.cli.parser import build_parser
from unlearn_core.config import ForgetConfig, ModelConfig, TrainingConfig
from unlearn_core.data import get_dataset, recipes
from unlearn_core.data.batches import Batch, to_device
from unlearn_core.data.counting import count_training
from unlearn_core.engine.probes import record
from unlearn_core.models import build_model
from unlearn_core.runs import plan
from unlearn_core.tasks import CLASSIFICATION
from unlearn_core.training import make_optimizer, train

CLASS = ForgetConfig(kind="class", values=(0,))


def test_fewer_photographs_are_passed_over_more_often_but_seen_less_often():
    sizes = (1000, 3000, 5000, 10_000, 50_000)
    trainings = [recipes.photographs(n) for n in sizes]
    epochs = [training.epochs for training in trainings]
    assert epochs == sorted(epochs, reverse=True)
    seen = [n * training.epochs for n, training in zip(sizes, trainings, strict=True)]
    assert seen == sorted(seen)
    assert epochs[2] == 30
    assert (trainings[2].batch_size, trainings[2].learning_rate) == (128, 0.2)
    assert (trainings[4].batch_size, trainings[4].learning_rate) == (256, 0.4)
    assert trainings[4].small_share > trainings[2].small_share == 0


def test_a_part_of_the_training_set_has_the_recipe_of_its_size(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    whole = plan.comparison_config("cifar10", CLASS).training
    part = plan.comparison_config("cifar10", CLASS, train_examples=5000).training
    assert whole == recipes.photographs(50_000)
    assert part == recipes.photographs(5000)
    assert plan.comparison_config("cifar10", CLASS, epochs=3).training.epochs == 3


def test_a_transformer_gets_its_optimiser_and_the_digits_keep_their_recipe():
    training = plan.comparison_config("fashion_mnist", CLASS, model="tiny_vit").training
    assert (training.optimizer, training.nesterov, training.momentum) == ("adamw", False, 0)
    assert recipes.for_transformer(recipes.photographs(50_000)).small_share == 0
    digits = plan.comparison_config("digits", CLASS)
    assert digits.training.epochs == 15
    assert (digits.model.norm, digits.precision) == ("group", "fp32")


def test_training_examples_are_counted_without_reading_them(monkeypatch, tmp_path):
    monkeypatch.setenv("UNLEARN_DATA", str(tmp_path))
    assert count_training(get_dataset("cifar10")) == 50_000
    for i, n in enumerate((3, 4)):
        (tmp_path / "cifar10").mkdir(exist_ok=True)
        table = pd.DataFrame({"label": np.arange(n)})
        table.to_parquet(tmp_path / "cifar10" / f"train-{i}.parquet")
    assert count_training(get_dataset("cifar10")) == 7
    write_images(tmp_path / "folder", n=5)
    assert count_training(get_dataset("folder")) == 10
    (tmp_path / "fashion_mnist").mkdir()
    header = struct.pack(">IIII", 0x803, 123, 28, 28)
    packed = gzip.compress(header)
    (tmp_path / "fashion_mnist" / "train-images-idx3-ubyte.gz").write_bytes(packed)
    assert count_training(get_dataset("fashion_mnist")) == 123
    (tmp_path / "fashion_mnist" / "train-images-idx3-ubyte.gz").write_bytes(packed[:12])
    assert count_training(get_dataset("fashion_mnist")) == 60_000
    (tmp_path / "cifar10" / "train-9.parquet").write_bytes(b"no parquet")
    assert count_training(get_dataset("cifar10")) == 50_000


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx2 avx512f avx512_bf16 amx_tile", True),
        ("flags : fpu amx_bf16", True),
        ("Features : fp asimd i8mm bf16", True),
        ("flags : fpu avx2 avx512f", False),
    ],
)
def test_half_precision_is_used_where_the_processor_computes_it(
    monkeypatch, tmp_path, flags, expected
):
    facts = tmp_path / "cpuinfo"
    facts.write_text(flags)
    monkeypatch.setattr(machine, "CPU_FACTS", facts)
    monkeypatch.setattr(machine, "GPUS", (tmp_path / "none",))
    assert machine.has_fast_bf16() is expected
    usual = plan.comparison_config("cifar10", CLASS).precision
    assert usual == ("bf16" if expected else "fp32")
    assert plan.comparison_config("cifar10", CLASS, precision="fp32").precision == "fp32"
    assert plan.comparison_config("digits", CLASS).precision == "fp32"


@pytest.mark.parametrize(
    ("build", "visible", "on_cpu", "anywhere"),
    [
        ("2.11.0+cu130", None, "fp32", "bf16"),
        ("2.11.0", "0", "fp32", "bf16"),
        ("2.11.0", "", "fp32", "fp32"),
        ("2.11.0+cpu", None, "fp32", "fp32"),
    ],
)
def test_a_gpu_says_nothing_of_the_processor_beside_it(
    monkeypatch, tmp_path, build, visible, on_cpu, anywhere
):
    (tmp_path / "gpus").mkdir()
    (tmp_path / "cpuinfo").write_text("flags : fpu avx2")
    monkeypatch.setattr(machine, "GPUS", (tmp_path / "none", tmp_path / "gpus"))
    monkeypatch.setattr(machine, "CPU_FACTS", tmp_path / "cpuinfo")
    monkeypatch.setattr(machine.metadata, "version", lambda _package: build)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert plan.comparison_config("cifar10", CLASS, device="cpu").precision == on_cpu
    assert plan.comparison_config("cifar10", CLASS).precision == anywhere
    command = ["compare", "--dataset", "cifar10", "--forget-class", "3", "--device", "cpu"]
    assert inputs.comparison(build_parser().parse_args(command)).precision == on_cpu
    other = "bf16" if on_cpu == "fp32" else "fp32"
    chosen = build_parser().parse_args([*command, "--precision", other])
    assert inputs.comparison(chosen).precision == other


def test_smoothed_labels_cost_what_the_definition_says():
    logits, labels = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0])
    log_p = torch.log_softmax(logits, dim=1)[0]
    target = torch.tensor([0.8 + 0.2 / 3, 0.2 / 3, 0.2 / 3])
    loss = CLASSIFICATION.loss(logits, labels, smoothing=0.2)
    assert loss.item() == pytest.approx(-(target * log_p).sum().item(), abs=1e-6)


def test_nesterovs_momentum_looks_ahead():
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = make_optimizer("sgd", [weight], learning_rate=0.1, momentum=0.5, nesterov=True)
    for _ in range(2):
        weight.grad = torch.tensor([1.0])
        optimizer.step()
    # velocities 1 and 1.5; each step is the gradient plus half of the new velocity
    assert weight.item() == pytest.approx(1 - 0.1 * (1 + 0.5) - 0.1 * (1 + 0.75))


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValueError, match="nesterov needs the optimizer 'sgd' with momentum"):
        TrainingConfig(nesterov=True, momentum=0.0)
    with pytest.raises(ValueError, match="label_smoothing must be"):
        TrainingConfig(label_smoothing=1.5)


def test_training_uses_the_recipes_smoothing_and_momentum():
    def losses(**changes):
        torch.manual_seed(0)
        model = torch.nn.Linear(2, 3)
        inputs, labels = torch.randn(8, 2), torch.randint(0, 3, (8,))
        ids = torch.arange(8)
        batch = Batch(
            inputs=inputs, labels=labels, example_ids=ids, is_forget=torch.zeros(8, dtype=bool)
        )
        examples = SimpleNamespace(
            device=torch.device("cpu"),
            steps=lambda _size: 1,
            epochs=lambda epochs, *_, even: iter([batch] * epochs),
            __len__=lambda: 8,
        )

        class Set(SimpleNamespace):
            def __len__(self):
                return 8

        recipe = TrainingConfig(epochs=4, batch_size=8, warmup_fraction=0.0, **changes)
        steps = train(model, Set(**vars(examples)), recipe, torch.Generator())
        return [step.losses["objective"] for step in steps]

    plain, smooth, ahead = losses(), losses(label_smoothing=0.1), losses(nesterov=True)
    assert smooth[0] != plain[0]
    assert ahead[0] == plain[0]
    assert ahead[-1] < plain[-1]
    assert all(map(math.isfinite, plain + smooth + ahead))


def test_in_half_precision_logits_are_exact_functions_of_the_recorded_features(small_dataset):
    config = ModelConfig(width=4, norm="batch")
    model = build_model(config, 1, small_dataset.n_classes, torch.Generator().manual_seed(0))
    everything = small_dataset.is_train | small_dataset.is_test
    examples = to_device(small_dataset, everything, torch.device("cpu"))
    exact = record(model, examples, small_dataset)
    half = record(model, examples, small_dataset, precision="bf16")
    weight, bias = (tensor.detach().numpy() for tensor in (model.fc.weight, model.fc.bias))
    assert np.allclose(half.logits, half.features @ weight.T + bias, atol=1e-5)
    rounded = torch.from_numpy(half.logits).bfloat16().float().numpy()
    assert np.abs(rounded - half.logits).max() > 0  # they were not rounded to three digits
    assert 0 < np.abs(half.features - exact.features).max() < 0.05 * np.abs(exact.features).max()
    again = record(model, examples, small_dataset)
    assert np.array_equal(again.logits, exact.logits)  # nothing of it stays behind
