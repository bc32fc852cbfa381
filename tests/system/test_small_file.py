"""Only regular files of a bounded size are read."""

import os
from pathlib import Path

import pytest

from cliphaze_cli.system.small_file import read_small_file


def test_a_file_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    assert read_small_file(path, 4) == b"1234"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_small_file(path, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_devices_and_pipes_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="not a regular file"):
            read_small_file(path, 100)
