"""Digests as the Hub names them, and what is remembered of them."""

from pathlib import Path

from cliphaze_cli.hub import verification


def test_digests_are_sha256_or_gits_blob_sha1(tmp_path: Path) -> None:
    path = tmp_path / "hello.txt"
    path.write_bytes(b"hello\n")
    assert verification.digest_of(path) == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    assert verification.digest_of(path, 40) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object


def test_problems_are_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    assert verification.problem_with(path, 6, verification.digest_of(path)) == ""
    assert verification.problem_with(path, 7, None) == "6 bytes instead of 7"
    assert verification.problem_with(path, None, "0" * 40) == "git sha1 ce013625030b... instead of 000000000000..."
    assert verification.problem_with(tmp_path / "none", 6, None).startswith("unreadable")


def test_a_mark_counts_until_the_file_changes(tmp_path: Path) -> None:
    path, mark = tmp_path / "file", tmp_path / "marks" / "file.json"
    path.write_bytes(b"one")
    assert verification.remembered(mark, path) is None
    verification.remember(mark, path, "d" * 64)
    assert verification.remembered(mark, path) == "d" * 64
    path.write_bytes(b"other")
    assert verification.remembered(mark, path) is None
    mark.write_text("[]")
    assert verification.remembered(mark, path) is None
