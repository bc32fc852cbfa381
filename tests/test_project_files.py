"""Files for contributors say the same as the package: versions, checks, Pythons, folders."""

import functools
import re
from pathlib import Path
from typing import Any

import pytest
import tomllib
import yaml  # type: ignore[import-untyped]

import cliphaze_cli

ROOT = Path(__file__).parent.parent
CHECKS = re.compile(r"\.ci/checks\.py\b([a-z ]*)")
_WHERE = (
    "*.md",
    *(f"{folder}/**/*.md" for folder in ("docs", "benchmarks", "training", "weights", "examples", "tests")),
)
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for where in _WHERE for path in ROOT.glob(where))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def parsed(name: str) -> Any:
    return yaml.safe_load(text(name))


def checks() -> list[str]:
    return re.findall(r'^    "(\w+)": \("', text(".ci/checks.py"), re.MULTILINE)


def test_one_version() -> None:
    released = re.findall(r"^## \[(.+)] - \d{4}-\d\d-\d\d$", text("CHANGELOG.md"), re.MULTILINE)
    in_pyproject = re.search(r'^version = "(.+)"$', text("pyproject.toml"), re.MULTILINE)
    assert in_pyproject is not None
    found = {"pyproject.toml": in_pyproject[1], "CITATION.cff": parsed("CITATION.cff")["version"]}
    found["CHANGELOG.md"] = released[0]
    assert found == dict.fromkeys(found, cliphaze_cli.__version__)


def test_ci_run_runs_all_checks() -> None:
    assert checks() == ["lint", "format", "types", "tests", "services"]
    assert [names.split() for names in CHECKS.findall(text(".ci/run"))] == [[]]


def test_hooks_run_the_same_checks() -> None:
    hooks = [hook for repo in parsed(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert [hook["id"] for hook in hooks] == checks()
    for hook in hooks:
        assert hook["entry"] == f"python .ci/checks.py {hook['id']}"


def test_the_workflow_runs_the_same_checks_on_every_system_and_python() -> None:
    job = parsed(".github/workflows/ci.yml")["jobs"]["checks"]
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert " ".join(CHECKS.findall(commands)).split() == checks()
    matrix = job["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    oldest = re.search(r'^requires-python = ">=([\d.]+)"', text("pyproject.toml"), re.MULTILINE)
    assert oldest is not None
    assert matrix["python"][0] == oldest[1]


def test_a_release_is_checked_first_and_published_without_a_password() -> None:
    jobs = parsed(".github/workflows/release.yml")["jobs"]
    assert jobs["checks"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["build"]["needs"], jobs["publish"]["needs"]) == ("checks", "build")
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "with" not in jobs["publish"]["steps"][-1]


def test_the_map_names_every_folder() -> None:
    map_ = text("CONTRIBUTING.md").partition("## The map")[2].partition("\n## ")[0]
    package = {path.parent.name for path in (ROOT / "cliphaze_cli").glob("*/__init__.py")}
    around = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert package | around <= set(re.findall(r"(\w+)/", map_))


def test_issue_forms_are_whole() -> None:
    for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        if form.name != "config.yml":
            fields = [field for field in parsed(str(form))["body"] if field["type"] != "markdown"]
            names = [field["id"] for field in fields]
            assert len(names) == len(set(names))
            assert all(field["attributes"]["label"] for field in fields)


@functools.cache
def modules() -> tuple[str, ...]:
    folders = (".ci", "benchmarks", "cliphaze_cli", "tests", "training")
    return tuple(path.as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py"))


def table_cells(line: str) -> list[str]:
    return re.sub(r"`[^`]*`|\\\|", lambda found: found[0].replace("|", "/"), line).strip().strip("|").split("|")


def test_the_documents_are_found() -> None:
    assert {"README.md", "docs/README.md", "weights/tiny.md", "training/README.md"} <= {*DOCUMENTS}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_markdown_is_wrapped(name: str) -> None:
    # Rows of tables cannot be broken; what bounds them is the next test.
    assert not [line for line in text(name).splitlines() if len(line) > 100 and not line.lstrip().startswith("|")]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_table_cell_holds_a_dozen_words(name: str) -> None:
    rows = [line for line in text(name).splitlines() if line.lstrip().startswith("|")]
    cells = [cell for row in rows for cell in table_cells(row)]
    assert not [cell for cell in cells if sum(bool(re.search(r"\w", word)) for word in cell.split()) > 12]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text(name))
    files = [link for link in links if "://" not in link]
    assert not [link for link in files if not (ROOT / name).parent.joinpath(link).exists()]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_modules_that_are_named_are_there(name: str) -> None:
    named = set(re.findall(r"`([\w/.]+\.py)`", text(name)))
    missing = {module for module in named if not any(path.endswith(f"/{module}") for path in modules())}
    assert not {module for module in missing if "NAME" not in module}


def description() -> str:
    """What package indexes show: README.md after the substitutions of pyproject.toml."""
    hook = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    shown = "".join(text(fragment["path"]) for fragment in hook["fragments"])
    for substitution in hook["substitutions"]:
        shown = re.sub(substitution["pattern"], substitution["replacement"], shown)
    return shown


def test_a_package_index_shows_no_relative_links() -> None:
    shown = description()
    links = re.findall(r"\]\(([^)]*)\)|\]\[|(?:src|href)=|^\[[^]]*]:", shown, re.MULTILINE)
    assert not [link for link in links if not link.startswith(("https://", "#"))]
    # The rest is as it was: only the picture and addresses are gone.
    shown, readme = (re.sub(r"!\[[^]]*]\([^)]*\)|]\([^)]*\)|[\[\]\s]", "", one) for one in (shown, text("README.md")))
    assert shown == readme


def test_every_page_is_listed() -> None:
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", text("docs/README.md")))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


def test_the_package_is_typed() -> None:
    assert (Path(cliphaze_cli.__file__).parent / "py.typed").is_file()
