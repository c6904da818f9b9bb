"""Fixtures shared by all tests: a store, small configs, and one tiny comparison with maps."""

import os
import shutil
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

# One thread each, also in processes that tests start: arrays here are so small that threads
# mostly wait for each other. Read when these libraries load, so set before they do.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test waits for a network
os.environ.pop("UNLEARN_PLUGINS", None)  # tests ask about what ships

import pytest

from unlearn_core.config import DataConfig, ForgetConfig, ModelConfig, RunConfig, TrainingConfig
from unlearn_core.projection import ProjectionConfig
from unlearn_core.runs.store import Store

TINY = RunConfig(
    data=DataConfig(train_examples=200),
    model=ModelConfig(width=4),
    training=TrainingConfig(epochs=2, batch_size=64, learning_rate=0.05),
    forget=ForgetConfig(kind="class", values=(3,)),
)
ASKED = RunConfig(  # the smallest comparison on texts: of three questions an intent
    data=DataConfig(name="banking77", train_examples=231),
    model=ModelConfig(name="distilbert", width=16, heads=2, layers=1, length=24, vocabulary=300),
    training=TrainingConfig(
        epochs=2, batch_size=64, learning_rate=5e-3, optimizer="adamw", momentum=0.0
    ),
    forget=ForgetConfig(kind="class", values=(11,)),
)
PATIENCE = 60  # seconds in which a loaded machine answers; what hangs is ended then
QUICK_MAPS = ProjectionConfig(epochs=20)
COMPARED = {"neggrad": {"learning_rate": 1e-3, "epochs": 3}, "trick_head_finetune": {"epochs": 2}}


@pytest.fixture(autouse=True)
def _fresh_streamlit_caches(request):
    """Keep what one page test cached from the next, without importing Streamlit for others.

    What was read from the shipped runs stays true for the next test that only reads them.
    """
    keeps = "shipped_store" in request.fixturenames
    _forget_reads(keeps)
    yield
    _forget_reads(keeps)


def _forget_reads(keeps):
    streamlit = sys.modules.get("streamlit")
    if streamlit is not None and not keeps:
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()


@pytest.fixture(autouse=True)
def _decoded_elsewhere(tmp_path_factory, monkeypatch):
    """Keep decoded pictures out of the project's own cache."""
    place = tmp_path_factory.getbasetemp() / "decoded"
    monkeypatch.setattr("unlearn_core.data.decoded.default_root", lambda: place)


@pytest.fixture
def patience():
    """End what hangs, such as the reading of a pipe that nobody writes to."""

    def give_up(*_):
        pytest.fail(f"no answer in {PATIENCE} s")  # no OSError: the code under test catches those

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def tiny():
    """The config of the tiny original, with class 3 to forget."""
    return TINY


@pytest.fixture
def no_maps(monkeypatch):
    """Let the pipeline believe that umap-learn is not installed."""
    absent = SimpleNamespace(util=SimpleNamespace(find_spec=lambda _name: None))
    monkeypatch.setattr("unlearn_core.engine.maps.importlib", absent)


@pytest.fixture(scope="session")
def comparison(tmp_path_factory):
    """Execute original, retrain and two methods once, maps included; do not change the store.

    `runs` maps each method's name, and ``"base"``, to its finished run.
    """
    from unlearn_core.engine.pipeline import execute

    kept = Store(tmp_path_factory.mktemp("comparison"))
    configs = {
        "original": TINY,
        "retrain": TINY.retrained(),
        **{name: replace(TINY, method=name, settings=s) for name, s in COMPARED.items()},
    }
    runs = {
        name: execute(config, store=kept, device="cpu", projection=QUICK_MAPS)
        for name, config in configs.items()
    }
    runs["base"] = kept.load(TINY.base().key())
    return SimpleNamespace(store=kept, config=TINY, runs=runs, projection=QUICK_MAPS)


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """Execute a tiny comparison with a backdoor to class 0, maps included; do not change it."""
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import run_configs, with_request

    kept = Store(tmp_path_factory.mktemp("planted"))
    start = with_request(TINY, ForgetConfig(kind="backdoor", values=(0,)))
    methods = {"neggrad": COMPARED["neggrad"], "trick_forget_bias": {}}
    runs = {
        config.method: execute(config, store=kept, device="cpu", projection=QUICK_MAPS)
        for config in run_configs(start, methods)
    }
    return SimpleNamespace(store=kept, config=start, runs=runs, projection=QUICK_MAPS)


@pytest.fixture(scope="session")
def questions(tmp_path_factory):
    """Execute a tiny comparison on texts, maps included; do not change the store."""
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import run_configs

    kept = Store(tmp_path_factory.mktemp("questions"))
    methods = {"rfa": {"batch_size": 32, "forget_per_batch": 2}, "muda": {"iterations": 4}}
    runs = {
        config.method: execute(config, store=kept, device="cpu", projection=QUICK_MAPS)
        for config in run_configs(ASKED, methods)
    }
    runs["base"] = kept.load(ASKED.base().key())
    return SimpleNamespace(store=kept, config=ASKED, runs=runs, projection=QUICK_MAPS)


@pytest.fixture(scope="session")
def explained(tmp_path_factory):
    """Execute a tiny comparison of language models, maps included; do not change the store.

    Its data is in `data`, where `UNLEARN_DATA` has to point for whoever reads it again.
    """
    from tests.explanations import asked, write_explanations
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import run_configs

    with pytest.MonkeyPatch.context() as patch:
        data = write_explanations(tmp_path_factory.mktemp("data"))
        patch.setenv("UNLEARN_DATA", str(data))
        kept, config = Store(tmp_path_factory.mktemp("explained")), asked()
        methods = {"neggrad": {"epochs": 2}, "rfa": {"batch_size": 16, "learning_rate": 1e-2}}
        runs = {
            config.method: execute(config, store=kept, device="cpu", projection=QUICK_MAPS)
            for config in run_configs(config, methods)
        }
        runs["base"] = kept.load(config.base().key())
    return SimpleNamespace(store=kept, config=config, runs=runs, projection=QUICK_MAPS, data=data)


@pytest.fixture
def own(comparison, tmp_path, monkeypatch):
    """Copy the tiny comparison into a store of its own, that pages and commands read."""
    shutil.copytree(comparison.store.root, tmp_path / "cache")
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "cache"))
    return Store(tmp_path / "cache")


@pytest.fixture(scope="session")
def learned(comparison, tmp_path_factory):
    """Execute the tiny comparison's incremental run in a copy of its store; do not change it."""
    from unlearn_core.engine.pipeline import execute
    from unlearn_core.runs.plan import incremental_config

    kept = Store(tmp_path_factory.mktemp("learned"))
    shutil.copytree(comparison.store.runs, kept.runs)
    run = execute(incremental_config(TINY), store=kept, device="cpu", projection=QUICK_MAPS)
    return SimpleNamespace(store=kept, config=TINY, run=run, projection=QUICK_MAPS)


@pytest.fixture
def small_dataset():
    """Four classes of twelve 8x8 grey images whose brightness gives the class away."""
    from unlearn_core.methods.contract import example_dataset

    return example_dataset()
