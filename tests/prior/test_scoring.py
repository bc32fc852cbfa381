import torch
from torch.nn import functional as F

from cliphaze_cli.prior.scoring import PromptEmbeddings, p_hazy


def _texts(count_hazy: int = 3, count_clear: int = 3) -> PromptEmbeddings:
    torch.manual_seed(0)
    return PromptEmbeddings(
        F.normalize(torch.randn(count_hazy, 16), dim=-1), F.normalize(torch.randn(count_clear, 16), dim=-1)
    )


def test_is_the_softmax_of_scaled_cosines():
    hazy, clear = torch.eye(4)[:1], torch.eye(4)[1:2]
    embedding = torch.tensor([0.61, 0.60, 0.3, 0.1]) * 7
    cosines = embedding / embedding.norm()
    expected = torch.exp(100 * cosines[0]) / (torch.exp(100 * cosines[0]) + torch.exp(100 * cosines[1]))
    torch.testing.assert_close(p_hazy(embedding, PromptEmbeddings(hazy, clear)), expected)


def test_swapping_the_sides_complements_the_probability():
    texts, embeddings = _texts(), torch.randn(2, 5, 16)
    p = p_hazy(embeddings, texts)
    assert p.shape == (2, 5)
    torch.testing.assert_close(p_hazy(embeddings, PromptEmbeddings(texts.clear, texts.hazy)), 1 - p)


def test_equal_sides_leave_it_undecided():
    texts = _texts()
    p = p_hazy(torch.randn(6, 16), PromptEmbeddings(texts.hazy, texts.hazy))
    torch.testing.assert_close(p, torch.full((6,), 0.5))


def test_differences_are_paired_only_where_ensembles_are():
    paired = _texts()
    torch.testing.assert_close(paired.differences(), paired.hazy - paired.clear)
    unpaired = _texts(3, 2)
    torch.testing.assert_close(unpaired.differences(), (unpaired.hazy.mean(0) - unpaired.clear.mean(0))[None])
