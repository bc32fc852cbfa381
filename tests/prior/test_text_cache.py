import pytest
import torch
from torch.nn.functional import normalize

from cliphaze_cli.prior.scoring import PromptEmbeddings
from cliphaze_cli.prior.text_cache import cache_path, load_embeddings, store_embeddings

EMBEDDINGS = PromptEmbeddings(normalize(torch.randn(3, 8)), normalize(torch.randn(2, 8)))


def test_what_is_stored_comes_back_and_nothing_else_is_left(tmp_path):
    path = cache_path(tmp_path, "ViT-B-32", "abc", "def")
    assert load_embeddings(path) is None
    assert store_embeddings(path, EMBEDDINGS)
    loaded = load_embeddings(path)
    assert loaded is not None
    assert torch.equal(loaded.hazy, EMBEDDINGS.hazy) and torch.equal(loaded.clear, EMBEDDINGS.clear)
    assert list(tmp_path.iterdir()) == [path]


def test_every_part_of_the_key_counts(tmp_path):
    keys = [("m", "c", "d"), ("n", "c", "d"), ("m", "x", "d"), ("m", "c", "x")]
    assert len({cache_path(tmp_path, *key) for key in keys}) == 4


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", None])
def test_damaged_files_count_as_absent(tmp_path, damage):
    path = tmp_path / "cache"
    store_embeddings(path, EMBEDDINGS)
    path.write_bytes(path.read_bytes()[:-5] if damage is None else damage)
    assert load_embeddings(path) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 7.0])
def test_embeddings_that_no_model_made_count_as_absent(tmp_path, value):
    path = tmp_path / "cache"
    hazy = EMBEDDINGS.hazy.clone()
    hazy[1, 2] = value
    store_embeddings(path, PromptEmbeddings(hazy, EMBEDDINGS.clear))
    assert load_embeddings(path) is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    assert not store_embeddings(blocked / "cache", EMBEDDINGS)


def test_a_failed_replacement_leaves_no_temporary_file(tmp_path):
    path = tmp_path / "cache"
    path.mkdir()  # a file cannot replace a folder
    assert not store_embeddings(path, EMBEDDINGS)
    assert list(tmp_path.iterdir()) == [path]
