"""Prompts are learned from what embeddings know, and are no worse than the written ones where they know nothing."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from cliphaze_cli.prior.builders import BUILDERS
from cliphaze_cli.prior.scoring import PromptEmbeddings, p_hazy
from tests.prior.tiny_clip import build, planted_prior
from tests.training.scenes import landscape

pytest.importorskip("skimage", reason="training needs the extra cliphaze[train]")

from training.hazed import hazed_photo
from training.prompts import HAZY, Labelled, labelled_photo, learn

SIZE = 32


def planted(photos: int, strength: float, seed: int = 0) -> tuple[list[Labelled], torch.Tensor]:
    """Photos whose hazy embeddings differ from their clear ones by a direction, and that direction. As CLIP's do, all
    embeddings share a component."""
    generator = torch.Generator().manual_seed(seed)
    direction, shared = normalize(torch.randn(2, SIZE, generator=torch.Generator().manual_seed(0)), dim=1)
    labelled = []
    for _ in range(photos):
        clear = shared + torch.randn(6, SIZE, generator=generator) / SIZE**0.5
        both = normalize(torch.cat([clear, clear + strength * direction]), dim=-1)
        labelled.append(Labelled(both, torch.arange(12) // 6 * 1.0))
    return labelled, direction


def written(seed: int = 3) -> PromptEmbeddings:
    generator = torch.Generator().manual_seed(seed)
    return PromptEmbeddings(*(normalize(torch.randn(3, SIZE, generator=generator)) for _ in range(2)))


def test_a_planted_direction_is_found():
    photos, direction = planted(40, strength=1.5)
    learnt, before, after = learn(photos, written(), steps=300)
    assert after > 0.95 > before
    difference = normalize((learnt.hazy - learnt.clear)[0], dim=0)
    assert (
        float(difference @ direction) > 0.4 > float((written().directions()[1] - written().directions()[0]) @ direction)
    )
    torch.testing.assert_close(learnt.hazy.norm(dim=1), torch.ones(1))
    fresh = Labelled.joined(planted(20, strength=1.5, seed=99)[0])
    assert ((p_hazy(fresh.embeddings, learnt) > 0.5) == (fresh.hazy > 0)).float().mean() > 0.95


def test_embeddings_that_say_nothing_leave_the_written_prompts_or_better():
    photos, _ = planted(40, strength=0)
    _, before, after = learn(photos, written(), steps=100)
    assert abs(after - before) < 0.15  # chance decides, nothing is invented


def test_too_few_photos_are_refused():
    with pytest.raises(ValueError, match="too few"):
        learn(planted(3, 1)[0], written(), steps=1)


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_photo_gives_hazy_and_clear_embeddings_of_the_kind_that_the_builder_scores(builder):
    prior = planted_prior(build(), kind=builder)
    clear = np.round(255 * landscape(96, 128, 1)).astype(np.uint8)
    seed = next(seed for seed in range(50) if hazed_photo(clear, seed).density.mean() > 2 * HAZY)
    labelled = labelled_photo(prior, clear, builder, seed)
    assert labelled.embeddings.shape[1] == 16
    torch.testing.assert_close(labelled.embeddings.norm(dim=1), torch.ones(len(labelled.hazy)))
    assert set(labelled.hazy.tolist()) == {0.0, 1.0}
    texts = prior.prompt_embeddings()
    scores = p_hazy(labelled.embeddings, texts)
    assert scores[labelled.hazy == 1].mean() > scores[labelled.hazy == 0].mean()  # the tower sees some of it


def test_a_hazed_photo_is_a_function_of_its_seed():
    clear = np.round(255 * landscape(64, 96, 1)).astype(np.uint8)
    first, again, other = (hazed_photo(clear, seed) for seed in (4, 4, 5))
    assert np.array_equal(first.hazy, again.hazy) and not np.array_equal(first.hazy, other.hazy)
    assert first.density.shape == (64, 96) and first.density.min() >= 0 and first.density.max() <= 1
