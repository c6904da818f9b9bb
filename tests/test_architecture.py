"""Imports point one way, heavy packages load late, pages only show, files have one subject."""

import ast
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUND = [
    "checks",
    "settings",
    "machine",
    "plugins",
    "config",
    "seeding",
    "records",
    "subspace",
    "tasks",
    "data",
    "metrics",
    "runs",
]
READING = ["views"]
COMPUTING = ["models", "training", "methods", "projection", "engine", "library", "papers"]
JOINING = ["cluster", "jobs", "cli", "__main__"]
LAYERS = [*GROUND, *READING, *COMPUTING, *JOINING]
COMPUTE_PACKAGES = {"torch", "numpy", "scipy", "sklearn", "umap", "peft", "torchvision"}
ARITHMETIC = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.MatMult)
REDUCTIONS = {"mean", "sum", "std", "var", "median", "quantile", "argmax", "softmax", "agg"}
LONG, VERY_LONG = 400, 800  # lines
HEAVY = ("torch", "umap", "streamlit", "peft", "sklearn")

CORE = sorted((ROOT / "unlearn_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py")) + [p for p in [ROOT / "app.py"] if p.exists()]


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_names(tree):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def imported_packages(tree):
    return {name.split(".")[0] for name in imported_names(tree)}


def runs_on_import(tree):
    """Yield the nodes that run when the module is imported, skipping function bodies."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def layer_of(dotted):
    parts = dotted.split(".")
    if parts[0] == "unlearn_core" and len(parts) > 1 and parts[1] in LAYERS:
        return LAYERS.index(parts[1])
    return None


def computes(node):
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return isinstance(node.op, ARITHMETIC)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id == "sum"
    return isinstance(node, ast.Attribute) and node.attr in REDUCTIONS


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_every_core_module_belongs_to_a_layer(path):
    top = path.relative_to(ROOT / "unlearn_core").parts[0].removesuffix(".py")
    assert top in [*LAYERS, "__init__"]


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_imports_only_its_own_and_earlier_layers(path):
    here = layer_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    imported = {name: layer_of(name) for name in imported_names(tree_of(path))}
    if here is None:  # the package's own __init__, which hands the library's names on
        here = layer_of("unlearn_core.library")
    later = {name for name, layer in imported.items() if layer is not None and layer > here}
    assert not later


def test_the_package_itself_loads_no_module_of_its_own():
    code = "import sys, unlearn_core; print(*(m for m in sys.modules if m.startswith('unlearn_')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["unlearn_core"]


def test_the_core_itself_never_goes_through_the_library():
    importers = [
        name_of(path)
        for path in CORE
        if any(name.startswith("unlearn_core.library") for name in imported_names(tree_of(path)))
    ]
    assert {path.split("/")[1] for path in importers} == {"library", "__init__.py"}


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_never_imports_streamlit(path):
    assert "streamlit" not in imported_packages(tree_of(path))


@pytest.mark.parametrize("path", [*CORE, *PAGES], ids=name_of)
def test_umap_is_imported_by_the_projection_module_alone(path):
    expected = {"umap"} if name_of(path) == "unlearn_core/projection.py" else set()
    assert imported_packages(tree_of(path)) & {"umap"} == expected


def test_umap_is_imported_only_when_a_map_is_made():
    eager = list(runs_on_import(tree_of(ROOT / "unlearn_core/projection.py")))
    modules = {alias.name for node in eager if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in eager if isinstance(node, ast.ImportFrom)}
    assert "dataclasses" in modules  # the walk sees the imports at the top
    assert not {name for name in modules if name.split(".")[0] in ("umap", "torch")}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_never_import_compute_packages(path):
    assert not imported_packages(tree_of(path)) & COMPUTE_PACKAGES


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_do_no_arithmetic(path):
    lines = sorted({node.lineno for node in ast.walk(tree_of(path)) if computes(node)})
    assert not lines, f"{path.name}: move to unlearn_core, lines {lines}"


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def light_modules():
    """Return the core's modules that pages import anywhere, and all that pages may import."""
    modules = {module_of(path) for path in CORE}
    wanted = {name for path in PAGES for name in imported_names(tree_of(path))} & modules
    read = {
        name for name in modules if name.startswith(("unlearn_core.runs", "unlearn_core.views"))
    }
    return sorted(wanted | read)


def test_nothing_that_pages_import_loads_a_heavy_package():
    modules = light_modules()
    assert {"unlearn_core.jobs", "unlearn_core.runs.store"} <= set(modules)  # the walk sees both
    code = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        f"    found = {set(HEAVY)} & set(sys.modules)\n"
        "    assert not found, f'{name} loads {found}'\n"
        "print(*(name for name in sys.modules if name.startswith('unlearn_core.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not {name.split(".")[1] for name in done.stdout.split()} & set(COMPUTING)


def test_the_command_line_needs_no_plotly():
    names = {name for path in CORE if "cli" in path.parts for name in imported_names(tree_of(path))}
    modules = sorted(names & {module_of(path) for path in CORE})
    views = [name for name in modules if name.startswith("unlearn_core.views.")]
    assert "unlearn_core.views.tables" in views
    code = f"import {', '.join(views)}, sys; assert 'plotly' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pages_keep_what_they_read_in_modules_of_reads():
    caching = {path.stem for path in PAGES if "st.cache_" in path.read_text(encoding="utf-8")}
    reads = {path.stem for path in PAGES if path.stem == "reads" or path.stem.endswith("_reads")}
    assert len(reads) == 5
    assert caching == {*reads, "queue"}


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_the_core_never_goes_through_its_command_line(path):
    lists = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.List | ast.Tuple)]
    for words in lists:
        strings = [word.value for word in words.elts if isinstance(word, ast.Constant)]
        assert strings[:2] != ["-m", "unlearn_core"]


@pytest.mark.parametrize("path", [*CORE, *PAGES], ids=name_of)
def test_a_file_holds_one_subject(path):
    """Warn of a long file, so that somebody looks whether it is two; refuse a very long one."""
    n_lines = len(path.read_text(encoding="utf-8").splitlines())
    if n_lines > LONG:
        warnings.warn(f"{name_of(path)} has {n_lines} lines: is it one subject?", stacklevel=1)
    assert n_lines <= VERY_LONG


EVERYWHERE = {  # what every package may import, and so is not drawn
    *("checks", "settings", "plugins", "machine", "config", "seeding", "records"),
    *("subspace", "tasks"),
}
PACKAGES_TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("\n## ")[1]


def packages_of(node):
    layers = [layer_of(name) for name in imported_names(node)]
    return {LAYERS[layer] for layer in layers if layer is not None}


def imports_between_packages():
    """Return by pair of packages whether one imports the other only inside functions."""
    is_late = {}
    for path in [*CORE, *PAGES]:
        parts, tree = path.relative_to(ROOT).parts, tree_of(path)
        here = parts[1].removesuffix(".py") if path in CORE else "pages"
        if here in EVERYWHERE or here.startswith("__"):
            continue
        first = {id(node) for node in runs_on_import(tree)}
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        for node in imports:
            for there in packages_of(node) - EVERYWHERE - {here}:
                is_late[here, there] = is_late.get((here, there), True) and id(node) not in first
    return is_late


def drawn_arrows():
    """Return by pair of packages whether the arrow of the diagram is dotted."""
    [diagram] = re.findall(r"```mermaid\n(.*?)```", PACKAGES_TEXT, re.DOTALL)
    arrows = re.findall(r"^ +(\w+) (-->|-\.->) (\w+)", diagram, re.MULTILINE)
    return {(start, end): kind == "-.->" for start, kind, end in arrows}


def listed_imports():
    """Return by pair of packages whether the table writes the import in italics."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*)\|$", PACKAGES_TEXT, re.MULTILINE)
    return {
        (here, there): bool(star)
        for here, imports in rows
        for star, there in re.findall(r"(\*?)\b(\w+)", imports)
    }


def reached(start, arrows):
    ends = {end for here, end in arrows if here == start}
    return ends.union(*(reached(end, arrows) for end in ends))


def test_the_table_of_packages_lists_their_imports():
    assert listed_imports() == imports_between_packages()


def test_every_arrow_is_an_import_and_every_import_follows_the_arrows():
    imports, arrows = imports_between_packages(), drawn_arrows()
    assert arrows.items() <= imports.items()
    assert {(a, b) for a, b in imports if b not in reached(a, arrows)} == set()
