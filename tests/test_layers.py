"""Which part of the package may import which: the arrows of the house all point one way."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import cliphaze_cli

PACKAGE = Path(cliphaze_cli.__file__).parent
ALLOWED = {
    "__main__": {"cli"},
    "cli": {"web", "cluster", "batch", "video", "dehazer", "prior", "network", "scan", "report", "imaging"}
    | {"places", "hub", "system"},
    "cluster": {"batch", "dehazer", "prior", "network", "report", "imaging", "places", "hub", "system"},
    "web": {"batch", "dehazer", "prior", "report", "imaging", "places", "system"},
    "batch": {"video", "dehazer", "prior", "network", "report", "imaging", "places", "hub", "system"},
    "video": {"dehazer", "restoration", "imaging", "system"},
    "__init__": {"dehazer", "system"},
    "dehazer": {"conversion", "prior", "network", "restoration", "hub", "system"},
    "conversion": {"system"},
    "prior": {"network", "restoration", "hub", "system"},
    "network": {"scan", "system"},
    "scan": {"system"},
    "restoration": {"system"},
    "report": {"imaging", "places", "system"},
    "imaging": {"system"},
    "places": {"system"},
    "hub": {"system"},
    "system": set(),
}


def imported(path: Path) -> set[str]:
    """The parts of the package that a module imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("cliphaze_cli.")}
    return found


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    assert imported(path) - {part(path)} <= ALLOWED[part(path)]


def test_the_arrows_make_no_circle() -> None:
    assert set(TopologicalSorter(ALLOWED).static_order()) == ALLOWED.keys()


def test_training_and_tests_are_not_imported() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert not {"training", "benchmarks", "tests"} & {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module
            for name in [node.module]
        }
