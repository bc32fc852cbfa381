"""CLIP is fetched on first use: from a local Hub, in child processes, as the Hub's client reads its settings once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hub.server import FakeHub, Repo, Served, child_environment, clip_record, write_registry

CHILD = """
import contextlib, sys
from pathlib import Path
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.first_use import clip_file
from cliphaze_cli.system.errors import CliphazeError

folder, model, may_download = sys.argv[1:]
with contextlib.ExitStack() as stack:
    if folder:  # of the tiny model's configuration; importing open_clip takes seconds
        from tests.prior import tiny_clip
        stack.enter_context(tiny_clip.known_by_name(Path(folder)))
    try:
        file = clip_file(model, Console(), may_download=may_download == "yes")
    except CliphazeError as error:
        sys.exit(f"{type(error).__name__}: {error}")
print(file.path)
"""
NAME = "cliphaze-tiny-test"
FILE = "open_clip_model.safetensors"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from safetensors.torch import save_file

    from tests.prior import tiny_clip

    path = tmp_path_factory.mktemp("clip") / FILE
    save_file(tiny_clip.build(seed=3).state_dict(), path)
    return path.read_bytes()


@pytest.fixture
def hub(content: bytes) -> Iterator[FakeHub]:
    with FakeHub() as hub:
        hub.repos["org/clip"] = Repo({FILE: Served(content)})
        yield hub


@pytest.fixture
def use(hub: FakeHub, content: bytes, tmp_path: Path) -> Run:
    """Ask for CLIP in a child process."""
    record = clip_record(Served(content), name=f"{NAME}:random", open_clip_model=NAME, open_clip_pretrained="random")
    registry = write_registry(tmp_path / "registry.json", record)

    def run(
        model: str = NAME, may_download: str = "yes", *, endpoint: str = hub.url, known: bool = False, **env: str
    ) -> "subprocess.CompletedProcess[str]":
        environment = child_environment(tmp_path / "home", endpoint, registry, **env)
        command = [sys.executable, "-c", CHILD, str(tmp_path) if known else "", model, may_download]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_it_is_fetched_once_and_one_line_says_what_and_how_large(use: Run, hub: FakeHub, content: bytes) -> None:
    first = use(known=True)
    (line,) = first.stderr.splitlines()
    assert f"fetching CLIP {NAME}:random from org/clip: {len(content) / 1e6:.1f} MB, once" in line
    path = Path(first.stdout.strip())
    assert path.read_bytes() == content
    assert len(list(path.parent.glob("prompts-*.safetensors"))) == 1  # no worker will load the text tower
    hub.requests.clear()
    second = use()
    assert (second.stdout, second.stderr, hub.requests) == (first.stdout, "", [])


@pytest.mark.parametrize(
    ("may_download", "env"), [("no", {}), ("yes", {"HF_HUB_OFFLINE": "1"}), ("no", {"HF_HUB_OFFLINE": "1"})]
)
def test_where_it_may_not_no_request_is_made_and_it_says_what_to_do(
    use: Run, hub: FakeHub, may_download: str, env: dict[str, str]
) -> None:
    result = use(may_download=may_download, **env)
    assert result.returncode != 0 and hub.requests == []
    (line,) = result.stderr.splitlines()
    assert line.startswith("WeightsError") and f"cliphaze download-weights --clip {NAME}:random" in line


def test_without_a_network_it_says_what_to_do(use: Run) -> None:
    result = use(endpoint="http://127.0.0.1:9")
    (line,) = result.stderr.splitlines()
    assert line.startswith("WeightsError") and "cannot reach" in line and "check the connection" in line


def test_models_that_could_not_be_used_are_refused_before_the_download(use: Run, hub: FakeHub) -> None:
    result = use(model="ViT-B-16-SigLIP")
    assert "cannot be used here, since its tokenizer is" in result.stderr and len(result.stderr.splitlines()) == 1
    assert hub.requests == []


def test_a_wrong_file_is_deleted_and_named(use: Run, hub: FakeHub) -> None:
    hub.repos["org/clip"].files[FILE].body = bytes(len(hub.repos["org/clip"].files[FILE].content))
    result = use()
    assert "HubError" in result.stderr and "arrived wrong (sha256" in result.stderr
    assert use(may_download="no").stderr.startswith("WeightsError")


COMMAND = """
import sys
from pathlib import Path
from cliphaze_cli.batch import pool
from cliphaze_cli.cli.app import main
from tests.cli.in_process import InThisProcess
from tests.prior import tiny_clip

pool.Pool = InThisProcess  # worker processes do not know the tiny model
with tiny_clip.known_by_name(Path(sys.argv.pop(1))):
    main()
"""


def test_density_itself_fetches_and_maps(hub: FakeHub, content: bytes, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (48, 32), (200, 200, 200)).save(tmp_path / "a.png")
    record = clip_record(Served(content), name=f"{NAME}:random", open_clip_model=NAME, open_clip_pretrained="random")
    environment = child_environment(tmp_path / "home", hub.url, write_registry(tmp_path / "registry.json", record))

    def density(*options: str) -> "subprocess.CompletedProcess[str]":
        arguments = [str(tmp_path), "density", str(tmp_path / "a.png"), "--clip", NAME, *options]
        command = [sys.executable, "-c", COMMAND, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    refused = density("--no-download")
    assert refused.returncode == 2 and hub.requests == [] and "--source model" in refused.stderr
    result = density()
    assert result.returncode == 0, result.stderr
    first = result.stderr.splitlines()[0]
    assert first.startswith(f"fetching CLIP {NAME}:random") and "mean haze density" in result.stdout
    assert (tmp_path / "a.density.png").is_file()
