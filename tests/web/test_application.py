"""What the server answers: the command's own files, one line for what fails, and nothing across sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cliphaze_cli.batch import dehazing
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.batch.work import work
from cliphaze_cli.imaging import files
from cliphaze_cli.places.remote import on_disk
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.web import pictures, sessions
from tests.imaging.samples import exif_block, icc_profile, noise, photo, smooth
from tests.web.conftest import LIMITS, settings

if TYPE_CHECKING:
    from starlette.testclient import TestClient


def begin(client: "TestClient") -> str:
    return client.post("/sessions").json()["session"]


def upload(client: "TestClient", session: str, content: bytes, name: str) -> Any:
    return client.post(f"/sessions/{session}/photos", params={"name": name}, content=content)


def saved(client: "TestClient", address: str, strength: float) -> bytes:
    made = client.post(f"{address}/file", params={"strength": strength})
    assert made.status_code == 200, made.text
    answer = client.get(f"{address}/file", params={"strength": strength})
    assert made.json()["download"] in answer.headers["content-disposition"]
    return answer.content


def jpeg(folder: Path) -> bytes:
    """A photo that the network sees smaller than it is, with metadata."""
    path = folder / "sample.jpg"
    files.write(photo(smooth(220, 300), exif=exif_block(), icc=icc_profile()), path)
    return path.read_bytes()


@pytest.fixture(params=["jpg", "png", "tif"])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"photo.{request.param}"
    pixels = noise(120, 160, 3, dtype=np.uint16) if request.param == "tif" else smooth(120, 160)
    files.write(photo(pixels, exif=exif_block(), icc=icc_profile()), path)
    return path


@pytest.mark.parametrize("strength", [0.0, 0.37, 1.0])
def test_a_download_is_the_file_that_the_command_writes(
    client: "TestClient", sample: Path, tmp_path: Path, random_weights: Path, strength: float
) -> None:
    asked = settings(random_weights, strength=strength)
    command = WorkOptions(dehazing.load, asked, "cpu", LIMITS)
    expected = tmp_path / f"expected{sample.suffix}"
    result = work(Job(sample, expected), dehazing.load(command, lambda line: None), command)
    assert result.status == "done", result.reason

    session = begin(client)
    given = upload(client, session, sample.read_bytes(), sample.name).json()
    assert given["download"] == f"photo-dehazed{sample.suffix}"
    address = f"/sessions/{session}/photos/{given['photo']}"
    assert saved(client, address, strength) == expected.read_bytes()


def test_pictures_of_a_photo(client: "TestClient", tmp_path: Path) -> None:
    session = begin(client)
    given = upload(client, session, jpeg(tmp_path), "a.jpg").json()
    assert (given["width"], given["height"], given["shown"]) == (300, 220, [300, 220])
    assert 0 <= given["density_mean"] <= 1
    contents = {client.get(f"/sessions/{session}/photos/{given['photo']}/{name}").content for name in pictures.NAMES}
    assert len(contents) == 3
    assert all(content.startswith(b"\xff\xd8\xff") for content in contents)
    for name in ("photo.jpg", "maps.npz", "..%2fsample.jpg"):
        assert client.get(f"/sessions/{session}/photos/{given['photo']}/{name}").status_code == 404


def test_the_map_is_not_called_clips(client: "TestClient") -> None:
    assert client.post("/sessions").json()["density"] == "network estimate, not CLIP"


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("letter.jpg", b"no picture", "cannot read letter.jpg: not a JPEG"),
        ("/home/me/letter.jpg", b"no picture", "cannot read letter.jpg: not a JPEG"),
        ("film.mp4", b"", "film.mp4 is a video, which is not read"),
        ("empty.png", b"", "cannot read empty.png: the file is empty"),
        ("<b>.jpg", b"x", "cannot read <b>.jpg: not a JPEG"),
        ("", b"x", "cannot read photo: not a JPEG"),
    ],
)
def test_a_wrong_file_is_one_line(client: "TestClient", tmp_path: Path, name: str, content: bytes, line: str) -> None:
    answer = upload(client, begin(client), content, name)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith(line)
    assert "\n" not in answer.json()["error"]
    assert str(tmp_path) not in answer.text
    assert left(tmp_path) == []


def test_too_many_megapixels_are_one_line(client: "TestClient", tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    files.write(photo(smooth(400, 500)), path)
    answer = upload(client, begin(client), path.read_bytes(), path.name)
    assert answer.status_code == 422
    assert "500 x 400 is 0.2 megapixels, and the limit is 0.1; make it smaller first" in answer.json()["error"]


def test_a_body_without_end_is_refused(client: "TestClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliphaze_cli.web.upload.most_bytes", lambda limits: 1000)
    answer = upload(client, begin(client), bytes(1001), "a.png")
    assert answer.status_code == 413
    assert "a.png has more than" in answer.json()["error"]
    assert left(tmp_path) == []


def test_a_full_disk_is_one_line(client: "TestClient", monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cliphaze_cli.web.upload.receive", full)
    answer = upload(client, begin(client), b"x", "a.png")
    assert (answer.status_code, answer.json()) == (507, {"error": "the server's disk: No space left on device"})


def test_sessions_do_not_mix(client: "TestClient", tmp_path: Path) -> None:
    mine, yours = begin(client), begin(client)
    key = upload(client, mine, jpeg(tmp_path), "a.jpg").json()["photo"]
    assert client.get(f"/sessions/{mine}/photos/{key}/before.jpg").status_code == 200
    for method, what in (("GET", "/before.jpg"), ("POST", "/file"), ("GET", "/file"), ("DELETE", "")):
        answer = client.request(method, f"/sessions/{yours}/photos/{key}{what}")
        assert (answer.status_code, answer.json()["error"][:10]) == (404, "this photo")
    client.post(f"/sessions/{yours}/end")
    assert client.get(f"/sessions/{mine}/photos/{key}/before.jpg").status_code == 200


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "uploads").rglob("*") if path.is_file()]


def test_a_session_that_ended_leaves_nothing(client: "TestClient", tmp_path: Path) -> None:
    session = begin(client)
    key = upload(client, session, jpeg(tmp_path), "a.jpg").json()["photo"]
    saved(client, f"/sessions/{session}/photos/{key}", 0.5)
    assert len(left(tmp_path)) == 6  # the upload, three pictures, the maps, the download
    assert client.post(f"/sessions/{session}/end").status_code == 204
    assert list((tmp_path / "uploads").iterdir()) == []
    answer = client.post(f"/sessions/{session}")
    assert (answer.status_code, answer.json()["error"][:22]) == (404, "this session has ended")


def test_a_session_that_ends_in_the_middle_of_a_photo_leaves_nothing(
    client: "TestClient", desk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(client)
    known: list[sessions.Sessions] = []
    get, hand_in = sessions.Sessions.get, desk.hand_in

    def noted_get(self: sessions.Sessions, name: str) -> sessions.Session:
        known.append(self)
        return get(self, name)

    def close_the_page_first(job: Job) -> Any:
        known[0].end(session)
        future = hand_in(job)
        folder = on_disk(job.target).parent
        folder.mkdir(parents=True)  # as a process does that is writing at that moment
        (folder / "late.jpg").write_bytes(b"private")
        return future

    monkeypatch.setattr(sessions.Sessions, "get", noted_get)
    monkeypatch.setattr(desk, "hand_in", close_the_page_first)
    answer = upload(client, session, jpeg(tmp_path), "a.jpg")
    assert (answer.status_code, answer.json()["error"][:22]) == (404, "this session has ended")
    assert list((tmp_path / "uploads").iterdir()) == []


def test_a_session_that_fell_silent_is_ended(tmp_path: Path) -> None:
    rooms = sessions.Sessions(tmp_path, silence=-1.0)
    name, busy = rooms.open(), rooms.open()
    rooms.get(busy).busy = 1
    rooms.end_silent_ones()
    assert rooms.get(busy).folder.exists()
    with pytest.raises(sessions.GoneError):
        rooms.get(name)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_photo_that_is_removed_leaves_nothing(client: "TestClient", tmp_path: Path) -> None:
    session = begin(client)
    key = upload(client, session, jpeg(tmp_path), "a.jpg").json()["photo"]
    assert client.delete(f"/sessions/{session}/photos/{key}").status_code == 204
    assert left(tmp_path) == []


def test_a_photo_has_one_file_to_download_at_a_time(client: "TestClient", tmp_path: Path) -> None:
    session = begin(client)
    key = upload(client, session, jpeg(tmp_path), "a.jpg").json()["photo"]
    address = f"/sessions/{session}/photos/{key}"
    assert client.get(f"{address}/file?strength=1").status_code == 404
    saved(client, address, 0.2)
    saved(client, address, 0.3)
    assert client.get(f"{address}/file?strength=0.2").status_code == 404
    assert [name for name in left(tmp_path) if name.startswith("0.")] == ["0.3.jpg"]


@pytest.mark.parametrize("strength", ["2", "-0.1", "nan", "much", ""])
def test_a_strength_outside_its_range_is_refused(client: "TestClient", tmp_path: Path, strength: str) -> None:
    session = begin(client)
    key = upload(client, session, jpeg(tmp_path), "a.jpg").json()["photo"]
    answer = client.post(f"/sessions/{session}/photos/{key}/file?strength={strength}")
    assert (answer.status_code, answer.json()["error"][:25]) == (422, "strength must lie between")


def test_as_many_photos_and_sessions_as_there_may_be(
    client: "TestClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_PHOTOS", 1)
    monkeypatch.setattr(sessions, "MOST_SESSIONS", 1)
    session = begin(client)
    assert client.post("/sessions").status_code == 429
    assert upload(client, session, jpeg(tmp_path), "a.jpg").status_code == 200
    assert upload(client, session, jpeg(tmp_path), "b.jpg").status_code == 429


def test_another_site_may_not_use_it(client: "TestClient") -> None:
    for headers in (
        {"Host": "rebound.example:7860"},
        {"Origin": "http://rebound.example:7860"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert client.post("/sessions", headers=headers).status_code == 403
    assert client.get("/", headers={"Host": "rebound.example"}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "192.168.1.5:7860"])
def test_its_own_names_and_addresses_are_taken(client: "TestClient", host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/sessions", headers=headers).status_code == 200


def test_the_page_loads_nothing_from_elsewhere(client: "TestClient") -> None:
    for path in ("/", "/page.js", "/page.css", "/icon.svg"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_a_failure_while_saving_is_told(client: "TestClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = begin(client)
    key = upload(client, session, jpeg(tmp_path), "a.jpg").json()["photo"]

    def fail(photo: object, path: Path, **_: object) -> None:
        raise ImageError(f"cannot write {path}: no space left on the disk of {path.parent}; free some and run again")

    monkeypatch.setattr(files, "write", fail)
    answer = client.post(f"/sessions/{session}/photos/{key}/file?strength=1")
    assert answer.status_code == 422
    assert "no space left on the disk of the server's folder" in answer.json()["error"]
    assert str(tmp_path) not in answer.text


def test_a_space_may_be_shown_in_its_frame(desk: Any, tmp_path: Path) -> None:
    pytest.importorskip("starlette", reason="the extra `web` is not installed")
    from starlette.testclient import TestClient

    from cliphaze_cli.web.application import application

    app = application(desk, tmp_path, LIMITS, hosts=["me-haze.hf.space"], embedders=["https://huggingface.co"])
    client = TestClient(app, base_url="https://me-haze.hf.space")
    assert "frame-ancestors https://huggingface.co" in client.get("/").headers["content-security-policy"]
    assert client.post("/sessions", headers={"Origin": "https://me-haze.hf.space"}).status_code == 200
    assert client.post("/sessions", headers={"Origin": "https://you-haze.hf.space"}).status_code == 403
