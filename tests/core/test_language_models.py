"""Networks for text: their parts, fresh weights, and adapters; built small, nothing downloaded."""

import pytest
import torch
from torch import nn
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
)

from unlearn_core.methods.neglora import target_layers
from unlearn_core.methods.partial_neggrad import trained_modules
from unlearn_core.models import head, initialise, state_parts
from unlearn_core.models.language import distilbert_parts, gpt2_parts
from unlearn_core.models.lora import ADAPTER, adaptable_layers, attach
from unlearn_core.models.parts import last_stage
from unlearn_core.models.pruning import prunable_weights


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def distilbert():
    config = DistilBertConfig(
        vocab_size=20, max_position_embeddings=8, n_layers=2, n_heads=2, dim=8, hidden_dim=16
    )
    model = DistilBertForSequenceClassification(config)
    return state_parts(model, distilbert_parts(model)).eval()


def gpt2():
    model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=8, n_embd=8, n_layer=2, n_head=2))
    return state_parts(model, gpt2_parts(model)).eval()


NETS = {"distilbert": distilbert, "gpt2": gpt2}
both_nets = pytest.mark.parametrize("net", NETS)
TOKENS = torch.tensor([[3, 1, 4, 1], [5, 9, 2, 6]])


def test_every_linear_layer_in_the_blocks_of_distilbert_is_adapted_and_no_other():
    model = distilbert()
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    expected = [name for name in linear if name not in ("pre_classifier", "classifier")]
    assert adaptable_layers(model) == expected
    assert len(expected) == 12
    assert expected[0] == "distilbert.transformer.layer.0.attention.q_lin"


def test_every_layer_in_the_blocks_of_gpt2_is_adapted_and_no_other():
    expected = [
        f"transformer.h.{block}.{part}"
        for block in (0, 1)
        for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    ]
    assert adaptable_layers(gpt2()) == expected


def test_heads_and_last_stages_are_the_ends_of_the_networks():
    for model, expected in (
        (distilbert(), ["distilbert.transformer.layer.1", "pre_classifier", "classifier"]),
        (gpt2(), ["transformer.h.1", "transformer.ln_f", "lm_head"]),
    ):
        names = {id(module): name for name, module in model.named_modules()}
        assert [names[id(part)] for part in last_stage(model)] == expected
        assert names[id(head(model))] == expected[-1]
        assert len(trained_modules(model)) == 4


@both_nets
def test_fresh_weights_are_drawn_for_every_layer_and_from_the_generator_alone(net):
    models = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        models.append(NETS[net]())
        initialise(models[-1], seeded())
    first, second = (dict(model.named_parameters()) for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)
    embedding = models[0].get_input_embeddings()
    drawn = embedding.weight[1:]  # row 0 may be the padding's
    assert drawn.std().item() == pytest.approx(0.02, rel=0.3)
    if net == "gpt2":
        assert models[0].lm_head.weight is embedding.weight  # tied, and drawn as an embedding
    else:
        assert not embedding.weight[embedding.padding_idx].any()


@both_nets
@pytest.mark.parametrize("targets", ["ffn_all", "headatt"])
def test_adapters_act_on_a_network_for_text_and_merge(net, targets):
    model = NETS[net]().double()
    layers = adaptable_layers(model) if targets == "ffn_all" else target_layers(model, targets)[:1]
    with torch.no_grad():
        before = model(TOKENS).logits
    made = attach(model, layers, rank=2, alpha=2, dropout=0.0, generator=seeded())
    made.model.double()
    with torch.no_grad():
        assert torch.equal(made.model(TOKENS).logits, before)
        for layer in made.layers.values():
            layer.lora_B[ADAPTER].weight.normal_(generator=seeded(1))
        adapted = made.model(TOKENS).logits
        merged = made.merge()(TOKENS).logits
    assert (adapted - before).abs().max() > 1e-6
    assert torch.allclose(merged, adapted, atol=1e-12, rtol=0)


def test_gpt2_is_refused_where_its_transposed_weights_would_be_pruned():
    with pytest.raises(ValueError, match=r"cannot be pruned: transformer\.h\.0.* is a Conv1D"):
        prunable_weights(gpt2())
    assert len(prunable_weights(distilbert())) == 13  # with the layer before the classifier
