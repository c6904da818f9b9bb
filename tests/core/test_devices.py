"""Every tensor is on the device that it belongs to, as a machine without a GPU can tell."""

from dataclasses import replace

import numpy as np
import peft  # noqa: F401 - before `torch.Generator` is another, which annotations name
import pytest
import torch
import torchvision  # noqa: F401

from tests import pretended_gpu
from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig, TrainingConfig
from unlearn_core.engine import pipeline
from unlearn_core.machine import has_fast_bf16
from unlearn_core.methods import METHODS
from unlearn_core.runs.store import Store

SHORT = {  # where the defaults take many steps
    "muda": {"iterations": 4, "batch_size": 20},
    "trick_head_finetune": {"epochs": 2},
    "rfa": {"mode": "teacher", "average_memory": 0.5, "forget_per_batch": 8},
}


@pytest.fixture
def device(monkeypatch):
    """Let the pipeline compute on a pretended GPU."""
    with pretended_gpu.PretendedGpu():
        monkeypatch.setattr(torch, "autocast", pretended_gpu.autocast)
        monkeypatch.setattr(torch, "Generator", pretended_gpu.generator)
        monkeypatch.setattr(pipeline, "choose_device", lambda _name: pretended_gpu.DEVICE)
        yield pretended_gpu.DEVICE


def test_the_pretended_gpu_refuses_what_a_gpu_refuses(device):
    there, here = torch.ones(2, 3, device=device), torch.ones(2, 3)
    assert (there * 2).sum().item() == 12
    assert there[:, torch.tensor([0])].cpu().tolist() == [[1.0], [1.0]]
    with pytest.raises(RuntimeError, match="on two devices"):
        there + here
    with pytest.raises(RuntimeError, match="a generator of the CPU"):
        torch.randperm(3, generator=torch.Generator(), device=device)
    with pytest.raises((RuntimeError, TypeError)):
        there.numpy()


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """Return a store with an original and a retrained model, made on the CPU."""
    store = Store(tmp_path_factory.mktemp("devices"))
    pipeline.execute(CONFIG.retrained(), store=store)
    return store


CONFIG = RunConfig(
    data=DataConfig(train_examples=60),
    model=ModelConfig(width=2, norm="batch"),
    training=TrainingConfig(epochs=1, batch_size=32, augment="shift"),
    forget=ForgetConfig(kind="class", values=(3,)),
    # torch's own convolutions of the pretended GPU crash in bf16 on processors that lack it
    precision="bf16" if has_fast_bf16("cpu") else "fp32",
)


@pytest.mark.filterwarnings("ignore:.*meta parameter.*no-op")  # torch's word on the real device
@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_run_keeps_each_tensor_on_its_device(method, started, device):
    config = replace(CONFIG, method=method, settings=SHORT.get(method, {}))
    made = pipeline.execute(config, store=started)
    assert np.isfinite(made.records().logits).all()
    assert made.records().logits.dtype == made.records().features.dtype == np.float32
    assert all(weight.device.type == "cpu" for weight in made.weights().values())
    assert made.metrics()["values"]["retain_accuracy"] is not None
