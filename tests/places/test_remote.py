"""Places by their names."""

import pickle
from pathlib import Path, PurePosixPath

import pytest

from cliphaze_cli.places.remote import Remote, parse
from cliphaze_cli.system.errors import UsageError


@pytest.mark.parametrize("text", ["photos/a.jpg", "/a", "C:/a", "c://a", "a:b", "s3:/bucket", "x::s3://bucket", "-"])
def test_a_path_stays_a_path(text: str) -> None:
    assert parse(text) == Path(text)


@pytest.mark.parametrize(
    ("text", "protocol", "path"),
    [
        ("s3://bucket", "s3", "bucket"),
        ("S3://Bucket/a//b/", "s3", "Bucket/a//b"),
        ("s3a://bucket/a", "s3", "bucket/a"),
        ("gcs://bucket/a", "gs", "bucket/a"),
        ("sftp://me@host:22/photos/a b.jpg", "sftp", "me@host:22/photos/a b.jpg"),
        ("s3://bucket/what?.jpg", "s3", "bucket/what?.jpg"),
    ],
)
def test_a_url_is_a_place(text: str, protocol: str, path: str) -> None:
    place = parse(text)
    assert place == Remote(protocol, path)
    assert parse(str(place)) == place and pickle.loads(pickle.dumps(place)) == place


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sftp://me:hunter2hunter2@host/photos", "must not hold a password"),
        ("s3://:hunter2hunter2@bucket/a", "must not hold a password"),
        ("https://host/a.jpg?X-Amz-Signature=hunter2hunter2", "must not hold a query"),
        ("file:///photos", "lies on this machine"),
        ("s3://", "names no bucket"),
        ("s3:///", "names no bucket"),
    ],
)
def test_what_is_no_place_is_refused_without_its_secrets(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as error:
        parse(text)
    assert "hunter2" not in str(error.value)


def test_names_are_as_those_of_paths() -> None:
    photo = Remote("s3", "bucket/in/a.b.JPG")
    assert (photo.name, photo.stem, photo.suffix) == ("a.b.JPG", "a.b", ".JPG")
    assert photo.parent == Remote("s3", "bucket/in") and photo.root == Remote("s3", "bucket") == photo.root.parent
    assert photo.parent / PurePosixPath("x/y.png") == Remote("s3", "bucket/in/x/y.png")
    assert photo.parent / PurePosixPath() == photo.parent
    assert photo.with_name("c.png") == Remote("s3", "bucket/in/c.png")
    assert photo.is_in(photo.root) and not photo.is_in(Remote("s3", "bucket/i"))
