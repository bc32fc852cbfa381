"""Settings of an earlier run, and what is given anew."""

import pytest

from cliphaze_cli.report.settings import DensitySettings, Settings
from cliphaze_cli.system.errors import UsageError


def test_a_round_trip() -> None:
    settings = Settings(strength=0.5, quality=80, density=True, weights="w.safetensors", no_clip=True)
    assert Settings.from_record(settings.record) == settings
    assert Settings.from_record({}) == Settings()
    assert Settings.from_record({"strength": 1, "white": 2}) == Settings(strength=1, white=2)
    assert DensitySettings.from_record({"white": None}) == DensitySettings()


@pytest.mark.parametrize(
    "record",
    [
        3,
        [],
        {"strength": "1"},
        {"strength": True},
        {"quality": 1.5},
        {"no_clip": 1},
        {"white": True},
        {"pickle": "x"},
        {3: 4},
    ],
)
def test_impossible_records(record: object) -> None:
    with pytest.raises(UsageError, match=r"impossible setting|does not know"):
        Settings.from_record(record)


def test_what_is_given_wins_and_takes_its_opposite_along() -> None:
    old = Settings(strength=0.5, weights="w.safetensors", no_clip=True)
    new = Settings(model="base", clip="ViT-B-16")
    assert old.overridden(new, {"quality"}) == old
    assert old.overridden(new, {"model"}) == Settings(strength=0.5, model="base", no_clip=True)
    assert old.overridden(new, {"clip"}) == Settings(strength=0.5, weights="w.safetensors", clip="ViT-B-16")
    assert Settings(clip="ViT-B-16").overridden(Settings(no_clip=True), {"no_clip"}) == Settings(no_clip=True)
