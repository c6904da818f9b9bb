"""What a language model answers: each next token, computed again in NumPy, text by text."""

from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from scipy.special import log_softmax, softmax

from tests.explanations import CATEGORIES, SHAPE, write_explanations
from unlearn_core.config import DataConfig, ModelConfig, TrainingConfig
from unlearn_core.data import load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.tokens import train_byte_pairs
from unlearn_core.engine.measure import answer_distances
from unlearn_core.engine.probes import record
from unlearn_core.methods import METHODS, UnlearnInputs, resolve_settings
from unlearn_core.methods.averages import average_label, class_frequencies
from unlearn_core.methods.contract import Forbidden
from unlearn_core.methods.losses import bad_teacher_loss, scrub_divergence
from unlearn_core.methods.neglora import target_layers
from unlearn_core.methods.partial_neggrad import trained_modules
from unlearn_core.methods.rfa_losses import task_loss
from unlearn_core.metrics.attacks import entropies
from unlearn_core.metrics.perplexity import perplexity
from unlearn_core.models import build_model, captured_features, head
from unlearn_core.records import Records, TokenRecords
from unlearn_core.tasks import LANGUAGE_MODELLING as TASK

CPU = torch.device("cpu")
MODEL = ModelConfig(name="distilgpt2", **SHAPE)
QUICK = {"epochs": 1, "iterations": 6, "batch_size": 16, "forget_batch_size": 16}
APPLICABLE = sorted(name for name, method in METHODS.items() if TASK.name not in method.not_for)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = write_explanations(tmp_path_factory.mktemp("data"), train=45, test=9)
        patch.setenv("UNLEARN_DATA", str(root))
        texts = load_dataset(DataConfig(name="eli5_category"))
    return texts.read_by(train_byte_pairs(texts.train_texts, MODEL.vocabulary), MODEL.length)


def network(seed=0):
    model = build_model(MODEL, 0, 3, torch.Generator().manual_seed(seed)).eval()
    for weight in model.parameters():  # larger than fresh ones, so that errors show
        if weight.dim() > 1:
            weight.data *= 10
    return model


def everything(data):
    forget = data.labels == 1
    return to_device(data, np.ones(len(data.labels), dtype=bool), CPU, forget=forget)


def text_by_text(model, data):
    """Each text alone, without a padded position anywhere: its logits and the tokens they mean."""
    for row in range(len(data.labels)):
        tokens = data.tokens.take(np.array([row])).flat
        with torch.no_grad():
            logits = model(torch.from_numpy(tokens)[None])[0]
        yield logits.double().numpy()[:-1], tokens[1:]


def losses_by_hand(model, data):
    return [
        -log_softmax(logits, axis=1)[np.arange(len(targets)), targets]
        for logits, targets in text_by_text(model, data)
    ]


def test_a_question_and_its_answer_are_one_text_and_the_class_is_the_category(data):
    assert data.class_names == tuple(CATEGORIES)
    question, answer = data.texts[1].split("\n")
    assert question.startswith("Why does the ")
    assert {"and", "why", "so"} == set(answer.split())
    told = {word for text in data.texts[1::3] for word in text.split("\n")[1].split()}
    assert told > set(CATEGORIES["Engineering"])
    assert data.labels[:4].tolist() == [0, 1, 2, 0]


def test_the_loss_of_each_token_is_that_of_its_text_alone(data):
    model = network()
    tokens = record(model, everything(data), data, TASK).tokens
    expected = losses_by_hand(model, data)
    assert tokens.n_tokens.tolist() == [len(each) for each in expected]
    assert tokens.losses == pytest.approx(np.concatenate(expected), abs=1e-4)
    assert tokens.text_losses == pytest.approx([each.mean() for each in expected], abs=1e-4)
    assert tokens.of(7) == pytest.approx(expected[7], abs=1e-4)
    assert tokens.losses.std() > 0.1


def test_perplexity_counts_every_token_once_however_long_its_text(data):
    expected = losses_by_hand(network(), data)
    by_token = np.exp(sum(each.sum() for each in expected) / sum(map(len, expected)))
    found = perplexity(record(network(), everything(data), data, TASK).tokens.losses)
    assert found == pytest.approx(by_token, rel=1e-5)
    by_text = np.mean([np.exp(each.mean()) for each in expected])
    assert abs(found - by_text) > 1e-3 * found


def test_an_attacker_sees_the_entropy_of_the_ten_likeliest_tokens(data):
    expected = []
    for logits, _ in text_by_text(network(), data):
        ten = softmax(np.sort(logits, axis=1)[:, -10:], axis=1)
        expected.append(-(ten * np.log(ten)).sum(axis=1).mean())
    found = entropies(record(network(), everything(data), data, TASK))
    assert found == pytest.approx(expected, abs=1e-4)
    assert found.max() < np.log(10)


def test_the_features_of_a_text_are_the_mean_of_its_own_positions(data):
    model, found = network(), record(network(), everything(data), data, TASK).features
    for row in (0, 5, 11):
        tokens = torch.from_numpy(data.tokens.take(np.array([row])).flat)[None]
        with torch.no_grad():
            hidden = model.transformer(tokens).last_hidden_state[0].numpy()
        assert found[row] == pytest.approx(hidden.mean(axis=0), abs=1e-5)


def test_the_same_texts_in_other_batches_give_the_same_records(data):
    model, examples = network(), everything(data)
    together = record(model, examples, data, TASK)
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(0))
    shuffled = record(model, examples.take(order), data, TASK)
    assert (shuffled.example_ids == together.example_ids[order.numpy()]).all()
    for row in order[:6].tolist():
        alone = record(model, examples.take(torch.tensor([row])), data, TASK)
        for other, at in ((together, row), (shuffled, order.tolist().index(row))):
            assert np.abs(alone.tokens.losses - other.tokens.of(at)).max() < 1e-5
            assert np.abs(alone.features[0] - other.features[at]).max() < 1e-5
            assert abs(alone.tokens.entropies[0] - other.tokens.entropies[at]) < 1e-5


def test_the_average_label_is_how_often_each_token_is_predicted_in_retained_texts(data):
    [batch] = everything(data).ordered(128)
    counts = Counter(
        int(token)
        for row, forgotten in enumerate(data.labels == 1)
        if not forgotten
        for token in data.tokens.take(np.array([row])).flat[1:]
    )
    expected = np.array([counts[token] for token in range(MODEL.vocabulary)]) / sum(counts.values())
    found = average_label(*TASK.targets(batch), MODEL.vocabulary)
    assert found.numpy() == pytest.approx(expected, abs=1e-7)
    retained = everything(data).take(torch.from_numpy(np.flatnonzero(data.labels != 1)))
    assert class_frequencies(retained, TASK, MODEL.vocabulary).numpy() == pytest.approx(expected)


def test_rfas_task_loss_is_the_tokens_own_on_retained_texts_and_the_average_on_the_others(data):
    model = network()
    [batch] = everything(data).ordered(128)
    retained, forgotten, targets = [], [], []
    for (logits, tokens), label in zip(text_by_text(model, data), data.labels, strict=True):
        if label == 1:
            forgotten.append(log_softmax(logits, axis=1))
        else:
            targets.append(tokens)
            retained.append(-log_softmax(logits, axis=1)[np.arange(len(tokens)), tokens])
    share = np.bincount(np.concatenate(targets), minlength=MODEL.vocabulary)
    share = share / share.sum()
    expected = 0.7 * np.concatenate(retained).mean()
    expected -= 1.3 * (np.concatenate(forgotten) @ share).mean()
    with torch.no_grad():
        found = task_loss(
            model(batch.inputs), batch, retain_weight=0.7, forget_weight=1.3, task=TASK
        )
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_bad_teachers_and_scrub_are_followed_token_by_token(data):
    nets = [network(seed) for seed in range(3)]
    [batch] = everything(data).ordered(128)
    with torch.no_grad():
        student, good, bad = (TASK.answers(net(batch.inputs), batch) for net in nets)
    each, plain = [], []
    for (own, _), (kept, _), (random, _), label in zip(
        *(text_by_text(net, data) for net in nets), data.labels, strict=True
    ):
        for teacher, found in ((random if label == 1 else kept, each), (kept, plain)):
            p, q = log_softmax(teacher, axis=1), log_softmax(own, axis=1)
            found.append((np.exp(p) * (p - q)).sum(axis=1))
    found = bad_teacher_loss(student.logits, good.logits, bad.logits, student.is_forget)
    assert found.item() == pytest.approx(np.concatenate(each).mean(), rel=1e-4)
    divergence = scrub_divergence(student.logits, good.logits, 1.0)
    assert divergence.item() == pytest.approx(np.concatenate(plain).mean(), rel=1e-4)


def test_the_distance_of_two_models_answers_is_the_mean_over_tokens(data):
    nets, expected = (network(), network(1)), {"l1": [], "l2": []}
    for (a, _), (b, _) in zip(*(text_by_text(net, data) for net in nets), strict=True):
        gap = softmax(a, axis=1) - softmax(b, axis=1)
        expected["l1"].append(np.abs(gap).sum(axis=1))
        expected["l2"].append(np.sqrt((gap**2).sum(axis=1)))
    found = answer_distances(*nets, everything(data), TASK)
    for name, parts in expected.items():
        assert found[name] == pytest.approx(np.concatenate(parts).mean(), rel=1e-4)
    assert answer_distances(nets[0], nets[0], everything(data), TASK) == {"l1": 0, "l2": 0}


def test_records_of_tokens_survive_their_arrays_and_are_taken_by_mask_and_by_row():
    tokens = TokenRecords(
        n_tokens=np.array([2, 1, 3]),
        losses=np.arange(6, dtype=np.float32),
        entropies=np.array([0.1, 0.2, 0.3], np.float32),
    )
    assert tokens.where(np.array([True, False, True])).losses.tolist() == [0, 1, 3, 4, 5]
    assert tokens.where(np.array([2, 0])).losses.tolist() == [3, 4, 5, 0, 1]
    assert tokens.text_losses.tolist() == [0.5, 2, 4]
    records = Records(
        example_ids=np.arange(3),
        labels=np.arange(3),
        is_train=np.ones(3, dtype=bool),
        logits=np.zeros((3, 0), np.float32),
        features=np.zeros((3, 2), np.float32),
        tokens=tokens,
    )
    again = Records.from_arrays(records.to_arrays())
    assert again.tokens.losses.tolist() == tokens.losses.tolist()
    assert again.losses.tolist() == [0.5, 2, 4]
    with pytest.raises(ValueError, match="one loss for each of `n_tokens`"):
        TokenRecords(n_tokens=np.array([2]), losses=np.zeros(3), entropies=np.zeros(1))


def test_what_reads_tokens_also_writes_them_and_is_stored_once(data):
    model = network()
    weights = model.state_dict()
    assert "lm_head.weight" not in weights
    again = build_model(MODEL, 0, 3, torch.Generator().manual_seed(5)).eval()
    again.load_state_dict(load(save(weights)))
    [batch] = everything(data).ordered(128)
    with torch.no_grad():
        before, after = model(batch.inputs), again(batch.inputs)
        assert torch.equal(before, after)
        again.transformer.wte.weight[7] *= 3  # read in one place, written in the other
        moved = again(batch.inputs) - before
    assert moved[..., 7].abs().max() > 1e-2
    assert head(model).out_features == MODEL.vocabulary


def test_a_tied_head_is_no_layer_of_its_own_to_train():
    model = network()
    assert len(trained_modules(model)) == 4
    assert sum(p.numel() for p in trained_modules(model)[-1].parameters()) == 0
    with pytest.raises(ValueError, match="has the targets auto, ffn_all, ffn_last, got 'headatt'"):
        target_layers(model, "headatt")


def start(data, model, name):
    forget = data.labels == 1
    train, method = data.is_train, METHODS[name]
    retain = to_device(data, ~forget & train, CPU, forget=forget)
    return UnlearnInputs(
        model=model,
        forget=to_device(data, forget & train, CPU, forget=forget),
        retain=retain if method.uses_retain else Forbidden(),
        generator=torch.Generator().manual_seed(1),
        task=TASK,
        recipe=TrainingConfig(epochs=1, batch_size=16, learning_rate=1e-3, optimizer="adamw"),
    )


def quick(name):
    known = METHODS[name].settings_class.__dataclass_fields__
    settings = {field: value for field, value in QUICK.items() if field in known}
    return resolve_settings(name, settings)


@pytest.mark.parametrize("name", APPLICABLE)
def test_a_method_that_applies_changes_a_language_model_and_leaves_it_finite(name, data):
    model = network()
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    steps = list(METHODS[name].run(start(data, model, name), quick(name)))
    after = model.state_dict()
    assert steps
    assert after.keys() == before.keys()
    assert all(torch.isfinite(weight).all() for weight in after.values())
    assert any(not torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize("name", ["rfa", "neglora"])
def test_adapters_leave_embeddings_and_norms_of_a_language_model_as_they_are(name, data):
    model = network()
    before = {key: weight.clone() for key, weight in model.state_dict().items()}
    list(METHODS[name].run(start(data, model, name), quick(name)))
    changed = {key for key, value in model.state_dict().items() if not value.equal(before[key])}
    parts = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")[2 * (name == "neglora") :]
    assert changed == {f"transformer.h.{block}.{part}.weight" for block in (0, 1) for part in parts}


def test_muda_aligns_the_pooled_features(data):
    model = network()
    [batch] = everything(data).ordered(128)
    with torch.no_grad(), captured_features(model) as features:
        model(batch.inputs)
    assert features[0].shape == (len(data.labels), MODEL.width)
