"""`benchmarks.clip` tells a CLIP that sees haze from one that does not; with a tiny one, planted and blind."""

import numpy as np
import pytest
from PIL import Image

from cliphaze_cli.prior.clip_model import ClipPrior
from tests.prior import tiny_clip
from tests.training.scenes import hazy, landscape

pytest.importorskip("skimage", reason="training needs the extra cliphaze[train]")

from benchmarks import clip as benchmark


@pytest.fixture
def data(tmp_path):
    for folder in ("pairs/hazy", "pairs/clear", "clear"):
        (tmp_path / "data" / folder).mkdir(parents=True)
    for seed in range(4):
        clear = landscape(64, 96, seed)
        for folder, pixels in (("pairs/hazy", hazy(clear, 3.0)), ("pairs/clear", clear), ("clear", clear[:, ::-1])):
            path = tmp_path / "data" / folder / f"{seed}.png"
            Image.fromarray(np.round(255 * pixels).astype(np.uint8)).save(path)
    return tmp_path / "data"


def photos(data):
    return benchmark._photos(data, None, None)


def cells(lines) -> dict[str, list[str]]:
    """The table's rows by their first cell."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows[2:]}


def test_auc():
    assert benchmark.auc([3, 4], [1, 2]) == 1
    assert benchmark.auc([1, 1], [1, 1]) == 0.5
    assert benchmark.auc([1], [2, 0]) == 0.5


def test_a_clip_that_sees_haze_and_one_whose_prompts_are_swapped(data):
    sighted = tiny_clip.planted_prior(kind="windows")
    found = cells(benchmark.seen(sighted, photos(data), ["windows"]))["windows"]
    texts = sighted._texts._encode_texts
    swapped = ClipPrior(
        sighted.tower.module,
        tiny_clip.PlantedTexts(texts.clear, texts.hazy),  # type: ignore[attr-defined]
        name="swapped",
        mean=sighted.tower.mean.tolist(),
        std=sighted.tower.std.tolist(),
    )
    turned = cells(benchmark.seen(swapped, photos(data), ["windows"]))["windows"]
    assert float(found[0]) > 0.9 and float(turned[0]) < 0.1
    assert float(found[1]) + float(turned[1]) == pytest.approx(1, abs=0.01)


def test_the_whole_command_prints_four_tables(data, capsys, monkeypatch):
    prior = tiny_clip.planted_prior(kind="surgery")
    monkeypatch.setattr(benchmark, "clip_file", lambda *_, **__: None)
    monkeypatch.setattr(ClipPrior, "from_cache", lambda *_, **__: prior)
    benchmark.main(data, real=data / "clear", clip="tiny", limit=2, builder=["surgery"], weights=None)
    tables = capsys.readouterr().out.split("\n\n")
    assert tables[0].startswith("CLIP tiny-clip")
    ranked, gains, embedded = (cells(table.splitlines()) for table in tables[2:5])
    assert set(ranked) == {"surgery", "the network's own"}
    assert set(gains) == {"synthetic haze", "pairs"} and gains["pairs"][-1] == "-"
    assert float(embedded["degradation projected out"][0]) <= 1.001


def test_without_hazy_photos_it_says_so(tmp_path):
    import typer

    (tmp_path / "clear").mkdir()
    Image.new("RGB", (64, 64)).save(tmp_path / "clear" / "0.png")
    with pytest.raises(typer.BadParameter, match="both hazy and clear"):
        benchmark._photos(tmp_path, None, None)
