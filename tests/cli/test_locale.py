"""Whatever the locale, names keep their bytes, and people and programs can read them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cliphaze_cli.system.text import native, readable
from tests.cli.dehazing import save

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = ("Müller 東京.png".encode(), b"bad\xff\xfe.png")

needs_bytes = pytest.mark.skipif(sys.platform != "linux", reason="other systems have names of letters only")


def run(code: str, *arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        capture_output=True,
        check=True,
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    save(tmp_path / "in/a.png")
    for name in NAMES:
        os.link(tmp_path / "in/a.png", os.path.join(os.fsencode(tmp_path / "in"), name))  # noqa: PTH118 - bytes
    return tmp_path


COMMAND = "from cliphaze_cli.cli.app import main; main()"


@needs_bytes
@pytest.mark.parametrize("environment", [ASCII, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_names_come_out_readable(photos: Path, environment: dict[str, str]) -> None:
    arguments = ("dehaze", "in", "out", "--dry-run")
    told = run(COMMAND, *arguments, folder=photos, **environment).stdout.decode()
    assert "in/Müller 東京.png -> " in told or r"in/M\xfcller \u6771\u4eac.png -> " in told
    document = json.loads(run(COMMAND, *arguments, "--json", folder=photos, **environment).stdout)
    targets = {each["target"] for each in document["files"]}
    assert targets == {"out/Müller 東京.png", "out/bad\udcff\udcfe.png", "out/a.png"}


WRITE = """
import json, os
from pathlib import Path
from cliphaze_cli.batch.refusals import _keeps_apart
from cliphaze_cli.report import storage
from cliphaze_cli.system.atomic_file import atomic_file, shown
from cliphaze_cli.system.text import native
names = sorted(os.listdir("in"))
os.mkdir("out")
for name in names:
    with atomic_file(Path("out", name)) as file:
        file.write(b"whole")
for ending in ("json", "csv"):
    document = {"format": 1, "files": [{"source": name} for name in names]}
    storage.save(document, Path(f"r.{ending}"))
    assert [native(one["source"]) for one in storage.load(Path(f"r.{ending}"))["files"]] == names
assert _keeps_apart(Path("out"))
print(ascii([shown(Path(name)) for name in names]))
"""


@needs_bytes
def test_outputs_keep_their_bytes_and_reports_are_read_back(photos: Path) -> None:
    told = run(WRITE, folder=photos, **ASCII).stdout.decode()
    assert sorted(os.fsencode(path.name) for path in (photos / "out").iterdir()) == sorted([*NAMES, b"a.png"])
    assert ascii("Müller 東京.png") in told
    report = json.loads((photos / "r.json").read_text(encoding="utf-8"))
    assert "Müller 東京.png" in [one["source"] for one in report["files"]]


def test_letters_stay_what_they_are() -> None:
    for text in ("Müller 東京", "\udcff\udcfe", "\ud800", "plain"):
        assert readable(text) == native(text) == text
    assert readable("M\udcc3\udcbcller") == "Müller"
