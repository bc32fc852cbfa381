"""A machine on which weights are downloaded from the local Hub by the real command line."""

import subprocess
import sys
from pathlib import Path

from tests.hub.server import COMMIT, FakeHub, Repo, Served, child_environment, clip_record, cliphaze, write_registry

FILE = "open_clip_model.safetensors"
CONTENT = bytes(range(256)) * 500


class Machine:
    """A machine with a cache of its own, whose registry knows one CLIP model of the local Hub."""

    def __init__(self, hub: FakeHub, folder: Path) -> None:
        self.hub, self.home = hub, folder / "home"
        self.served = Served(CONTENT)
        hub.repos["org/clip"] = Repo({FILE: self.served})
        self.registry = write_registry(folder / "registry.json", clip_record(self.served))

    def download(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        env = child_environment(self.home, env.pop("endpoint", self.hub.url), self.registry, **env)
        return cliphaze("download-weights", *arguments, env=env)

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Begin a download and go on."""
        env = child_environment(self.home, env.pop("endpoint", self.hub.url), self.registry, **env)
        command = [sys.executable, "-m", "cliphaze_cli", "download-weights", *arguments]
        return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def cached(self) -> list[Path]:
        """Every weights file in the cache: links, blobs and unfinished ones."""
        files = (each for each in self.home.rglob("*") if each.is_file() or each.is_symlink())
        return [each for each in files if each.parent.name in ("blobs", COMMIT) and each.suffix != ".json"]


def assert_one_line(stderr: str, expected: str) -> None:
    assert expected in stderr
    assert len(stderr.splitlines()) == 1, stderr
