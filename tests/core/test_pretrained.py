"""Starting from ImageNet weights: whatever is published arrives, but for the classifier."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from torchvision.models import resnet18, resnet50

from tests.lanes import fast_lane
from unlearn_core.cli.main import main
from unlearn_core.config import PRETRAINED, ForgetConfig, ModelConfig, RunConfig
from unlearn_core.data import get_dataset, load_dataset
from unlearn_core.data.batches import to_device
from unlearn_core.data.tokens import train_wordpiece
from unlearn_core.engine.pipeline import execute
from unlearn_core.engine.readable import readable
from unlearn_core.methods import UnlearnInputs, get_method, resolve_settings
from unlearn_core.models import MODELS, build_model, head, initialise, pretrained, restart
from unlearn_core.models.pretrained import SOURCES, WeightsNotFoundError
from unlearn_core.runs.plan import comparison_config
from unlearn_core.runs.pretrained import pretrained_model

FILES = {
    "resnet18": ("resnet18-f37072fd.pth", resnet18),
    "resnet50": ("resnet50-0676ba61.pth", resnet50),
}
TINY_VIT = "models--timm--tiny_vit_21m_224.dist_in22k_ft_in1k"


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch, and no network."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def no_network(*_args, **_kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def hugging_face(tmp_path, monkeypatch):
    """An empty cache of the Hugging Face hub, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "face"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "face"


def publish(hub, name):
    """Put random weights, statistics included, where torch would have kept the real ones."""
    file, make = FILES[name]
    weights = make().state_dict()
    for number, weight in enumerate(weights.values()):
        if weight.is_floating_point():
            weight.uniform_(0.01, 0.05, generator=seeded(number))
    torch.save(weights, hub / file)
    return weights


def config_of(name):
    return ModelConfig(name=name, pretrained=True, **PRETRAINED[name])


def body(weights, classifier="fc"):
    return {name: w for name, w in weights.items() if not name.startswith(f"{classifier}.")}


@pytest.mark.parametrize("name", fast_lane(FILES, ("resnet18",)))
def test_every_weight_but_the_classifiers_is_the_published_one(hub, name):
    published = publish(hub, name)
    model = build_model(config_of(name), 3, 7, seeded())
    got = model.state_dict()
    assert body(got).keys() == body(published).keys()
    assert all(torch.equal(got[own], weight) for own, weight in body(published).items())
    plain = build_model(replace(config_of(name), pretrained=False), 3, 7, seeded())
    assert torch.equal(head(model).weight, head(plain).weight)
    assert head(model).weight.shape[0] == 7


def test_grey_images_get_what_the_published_network_says_of_grey_in_three_channels(hub):
    publish(hub, "resnet18")
    grey, coloured = (
        build_model(config_of("resnet18"), channels, 4, seeded()).eval() for channels in (1, 3)
    )
    head(grey).load_state_dict(head(coloured).state_dict())
    images = torch.randn(2, 1, 32, 32, generator=seeded(1))
    with torch.no_grad():
        assert torch.allclose(grey(images), coloured(images.expand(-1, 3, -1, -1)), atol=1e-5)


def test_other_channels_than_one_or_three_are_refused(hub):
    publish(hub, "resnet18")
    with pytest.raises(
        ValueError, match=r"must fit the network, but conv1\.weight is \(64, 3, 7, 7\) in them"
    ):
        build_model(config_of("resnet18"), 2, 4, seeded())


def test_without_a_network_one_line_tells_what_is_missing_and_where_it_would_lie(hub):
    with pytest.raises(WeightsNotFoundError) as caught:
        build_model(config_of("resnet18"), 3, 4, seeded())
    message = str(caught.value)
    assert "ResNet18_Weights.IMAGENET1K_V1" in message
    assert str(hub / "resnet18-f37072fd.pth") in message
    assert "Name or service not known" in message
    assert "\n" not in message


def test_without_a_network_a_transformers_place_is_told_too(hugging_face):
    with pytest.raises(WeightsNotFoundError) as caught:
        build_model(config_of("tiny_vit"), 3, 4, seeded())
    message = str(caught.value)
    assert "timm/tiny_vit_21m_224.dist_in22k_ft_in1k" in message
    assert str(hugging_face / TINY_VIT / "snapshots") in message
    assert "\n" not in message


def test_tiny_vit_reads_the_file_that_the_hub_would_have_kept(hugging_face):
    published = MODELS["tiny_vit"].build(ModelConfig(name="tiny_vit"), 3, 1000)
    initialise(published, seeded(5))
    place = hugging_face / TINY_VIT
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    (place / "snapshots" / "abc").mkdir(parents=True)
    save_file(published.state_dict(), place / "snapshots" / "abc" / "model.safetensors")
    got = build_model(config_of("tiny_vit"), 3, 7, seeded()).state_dict()
    wanted = body(published.state_dict(), "head.fc")
    assert body(got, "head.fc").keys() == wanted.keys()
    assert all(torch.equal(got[name], weight) for name, weight in wanted.items())


DISTILBERT = "models--distilbert--distilbert-base-uncased"


@pytest.fixture
def small_distilbert(hugging_face, monkeypatch):
    """A published DistilBERT of 16 dimensions, with a language model's own outputs."""
    monkeypatch.setitem(
        PRETRAINED, "distilbert", {"width": 16, "layers": 1, "heads": 2, "vocabulary": 60}
    )
    shape = replace(config_of("distilbert"), pretrained=False, length=40)
    published = build_model(shape, 0, 2, seeded(5)).state_dict()
    weights = {name: w for name, w in published.items() if name.startswith("distilbert.")}
    place = hugging_face / DISTILBERT
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc")
    (place / "snapshots" / "abc").mkdir(parents=True)
    save_file({**weights, "vocab_projector.bias": torch.zeros(60)},
              place / "snapshots" / "abc" / "model.safetensors")  # fmt: skip
    tokenizer = train_wordpiece(["lost card", "my money"], 60)
    (place / "snapshots" / "abc" / "tokenizer.json").write_text(tokenizer)
    return weights, tokenizer


def test_distilbert_reads_weights_and_tokenizer_that_the_hub_would_have_kept(
    small_distilbert, store
):
    weights, tokenizer = small_distilbert
    config = comparison_config("banking77", tiny_request(), pretrained=True)
    assert (config.model.width, config.model.length, config.model.input_size) == (16, 64, None)
    assert (config.training.batch_size, config.training.learning_rate) == (32, 5e-5)
    config = replace(config, model=replace(config.model, length=8))
    got = build_model(config.model, 0, 77, seeded()).state_dict()
    for name, weight in weights.items():
        assert torch.equal(got[name], weight[:8] if "position" in name else weight), name
    fresh = build_model(replace(config.model, pretrained=False), 0, 77, seeded()).state_dict()
    assert torch.equal(got["pre_classifier.weight"], fresh["pre_classifier.weight"])
    data, read = readable(load_dataset(config.data), config, store)
    assert read == tokenizer
    assert data.tokens.lengths.max() == 8


def test_without_a_network_both_files_of_distilbert_are_named(hugging_face, store):
    config = comparison_config("banking77", tiny_request(), pretrained=True)
    for ask, file in (
        (lambda: build_model(config.model, 0, 77, seeded()), "model.safetensors"),
        (lambda: readable(load_dataset(config.data), config, store), "tokenizer.json"),
    ):
        with pytest.raises(WeightsNotFoundError, match=file) as caught:
            ask()
        assert str(hugging_face / DISTILBERT / "snapshots") in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_vit_b_16_has_the_names_and_shapes_of_timms_own(monkeypatch):
    from timm.models import create_model

    asked = []

    def random_instead(tag, **_changes):
        asked.append(tag)
        return create_model(tag, pretrained=False)

    monkeypatch.setattr(pretrained, "_from_hugging_face", lambda repository: repository)
    monkeypatch.setattr("timm.models.create_model", random_instead)
    model = build_model(config_of("vit_b_16"), 3, 7, seeded())
    assert asked == ["vit_base_patch16_224.augreg2_in21k_ft_in1k"]
    assert model.pos_embed.shape == (1, 197, 768)
    assert model.pos_embed.std() != 0


def test_each_network_that_may_be_pretrained_has_a_source():
    assert SOURCES.keys() == PRETRAINED.keys() <= MODELS.keys()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 16}, r"ModelConfig\.width of a pretrained resnet18 must be 64, got 16"),
        ({"norm": "group"}, r"ModelConfig\.norm of a pretrained.* must be 'batch', got 'group'"),
        ({"stem": "cifar"}, r"ModelConfig\.stem of a pretrained.* must be 'imagenet', got 'cifar'"),
        ({"name": "vit_s"}, r"Only resnet18, .*distilgpt2 have published weights, got vit_s"),
        ({"input_size": 0}, r"ModelConfig\.input_size must be above 0, got 0"),
    ],
)
def test_a_shape_without_published_weights_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(config_of("resnet18"), **changes)


def test_a_pretrained_config_survives_json_and_has_a_key_of_its_own():
    config = RunConfig(model=replace(config_of("resnet18"), input_size=64))
    assert RunConfig.from_dict(config.to_dict()) == config
    plain = replace(config.model, pretrained=False)
    resized = replace(config.model, input_size=None)
    others = [replace(config, model=model) for model in (plain, resized)]
    assert len({each.key() for each in (config, *others)}) == 3
    with pytest.raises(ValueError, match=r"model\.pretrained must be of type bool, got 1"):
        RunConfig.from_dict({"model": {"pretrained": 1}})


def test_a_retrained_model_starts_from_the_same_weights_and_a_fresh_classifier(hub, small_dataset):
    published = publish(hub, "resnet18")
    config = config_of("resnet18")
    model = build_model(config, 1, 4, seeded())
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    forget = small_dataset.is_train & (small_dataset.labels == 1)
    device = torch.device("cpu")
    starts = []

    def and_note(model, generator):
        restart(model, generator, config)
        starts.append({name: w.clone() for name, w in model.state_dict().items()})

    inputs = UnlearnInputs(
        model=model,
        forget=to_device(small_dataset, forget, device),
        retain=to_device(small_dataset, small_dataset.is_train & ~forget, device),
        generator=seeded(3),
        restart=and_note,
    )
    next(get_method("retrain").run(inputs, resolve_settings("retrain")))
    (start,) = starts
    assert torch.equal(start["layer4.1.conv2.weight"], published["layer4.1.conv2.weight"])
    assert torch.equal(start["bn1.running_var"], published["bn1.running_var"])
    assert start["fc.weight"].abs().max() <= 1 / 512**0.5


def test_the_pipeline_needs_imagenet_weights_for_original_and_retrained_only(
    hub, store, tiny, no_maps
):
    published = publish(hub, "resnet18")
    kept = "layer4.1.conv2.weight"
    config = replace(
        tiny,
        data=replace(tiny.data, train_examples=40),
        model=config_of("resnet18"),
        training=replace(tiny.training, epochs=1, optimizer="sgd", learning_rate=1e-9),
    )
    run = partial(execute, store=store, device="cpu")
    retrained = run(config.retrained()).weights()
    trained = store.load(config.base().key()).weights()
    for weights in (retrained, trained):
        assert torch.allclose(weights[kept], published[kept], atol=1e-5)
    assert not torch.equal(retrained["fc.weight"], trained["fc.weight"])
    (hub / FILES["resnet18"][0]).unlink()
    method = replace(config, method="trick_forget_bias")
    assert run(method).weights().keys() == trained.keys()


def test_a_pretrained_comparison_has_the_shape_size_and_rate_that_the_weights_need():
    config = comparison_config("digits", tiny_request(), pretrained=True)
    assert config.model == pretrained_model("resnet18", get_dataset("digits"))
    assert (config.model.width, config.model.input_size) == (64, 224)
    assert (config.training.optimizer, config.training.learning_rate) == ("adamw", 5e-5)
    assert config.training.epochs == get_dataset("digits").recipe(1437).epochs
    with pytest.raises(ValueError, match=r"width of .* must be 64, got 8"):
        comparison_config("digits", tiny_request(), pretrained=True, width=8)


def tiny_request():
    return ForgetConfig(kind="class", values=(3,))


def test_the_command_line_ends_with_the_same_line(hub, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    command = ["compare", "--forget-class", "3", "--methods", "neggrad", "--quiet"]
    assert main([*command, "--pretrained"]) == 2
    assert "resnet18-f37072fd.pth" in capsys.readouterr().err
    assert main([*command, "--pretrained", "--model", "vit_s"]) == 2
    assert "Only resnet18" in capsys.readouterr().err
