"""A store for all tests of this folder, and the commands as in tests/cli."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import dehaze, doubling_weights, in_this_process, real_dehaze
from tests.cli.test_density import density, network
from tests.cloud.store import KEY, SECRET, Store

__all__ = ["dehaze", "density", "doubling_weights", "in_this_process", "network", "real_dehaze"]


@pytest.fixture(scope="session")
def server() -> Iterator[Store]:
    store = Store()
    yield store
    store.stop()


@pytest.fixture(autouse=True)
def store(server: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Two empty buckets, photos and clear, and an environment that leads there. Nothing may stay in the temporary
    folder."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    server.reset()
    yield server
    assert not list(folder.glob("cliphaze-*"))
