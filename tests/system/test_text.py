"""What may be shown of texts that hold credentials."""

import pytest

from cliphaze_cli.report.results import explain
from cliphaze_cli.system.text import first_line, one_line, without_credentials


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer hf_AbCdEf123456xyz", "Bearer hf_***"),
        ("http://me:secret@proxy:8080 refused", "http://proxy:8080 refused"),
        ("http://me:s@cret@host/a", "http://host/a"),
        ("https://cdn/blob?X-Amz-Signature=ab&x=1, then", "https://cdn/blob?*** then"),
        ("for url 'https://cdn/blob?sig=ab'", "for url 'https://cdn/blob?***'"),
        ("a photo.jpg? No: hf_short", "a photo.jpg? No: hf_short"),
        ("in/mail@home.jpg", "in/mail@home.jpg"),
    ],
)
def test_credentials_are_left_out_and_nothing_else(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


def test_the_tokens_of_the_environment_whatever_they_look_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "api_org_0123")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "x")  # too short to be one
    assert without_credentials("x: api_org_0123") == "x: ***"


def test_one_line_and_the_first_of_many() -> None:
    text = "\nproxy http://me:secret@proxy:8080\t refused\n Bearer hf_AbCdEf123456"
    assert one_line(text) == "proxy http://proxy:8080 refused Bearer hf_***"
    assert first_line(text) == "proxy http://proxy:8080 refused"
    assert first_line("") == one_line("\n") == ""


@pytest.mark.parametrize(
    "name",
    ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_CONNECTION_STRING",
     "AZURE_CLIENT_SECRET", "FSSPEC_SFTP_PASSWORD"],
)  # fmt: skip
def test_what_stores_are_opened_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "hunter2hunter2")
    assert without_credentials("signed with hunter2hunter2 today") == "signed with *** today"


def test_reasons_and_tracebacks_of_failed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "api_org_0123")
    try:
        raise ValueError("asked http://me:secret@host with api_org_0123")
    except ValueError as error:
        reason, trace = explain(error)
    assert reason == "ValueError: asked http://host with ***"
    assert trace and "secret" not in trace.splitlines()[-1] and "api_org_0123" not in trace.splitlines()[-1]
