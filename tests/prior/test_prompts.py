import pytest

from cliphaze_cli.prior.prompts import Prompts, custom_prompts, default_prompts
from cliphaze_cli.system.errors import UsageError


def test_default_ensembles_are_large_varied_and_paired():
    prompts = default_prompts()
    assert len(prompts.hazy) == len(prompts.clear) >= 8
    assert len({*prompts.hazy, *prompts.clear}) == len(prompts.hazy) + len(prompts.clear)


def test_a_custom_side_replaces_only_that_side():
    prompts = custom_prompts(hazy=["volcanic ash in the air"])
    assert prompts.hazy == ("volcanic ash in the air",)
    assert prompts.clear == default_prompts().clear
    assert custom_prompts() == default_prompts()


def test_digest_tells_texts_sides_and_order_apart():
    first = Prompts(("fog", "mist"), ("sun",))
    assert first.digest == Prompts(("fog", "mist"), ("sun",)).digest
    others = [
        Prompts(("mist", "fog"), ("sun",)),
        Prompts(("fog",), ("mist", "sun")),
        Prompts(("sun",), ("fog", "mist")),
    ]
    assert len({first.digest, *(other.digest for other in others)}) == 4


@pytest.mark.parametrize(("hazy", "clear"), [((), ("sun",)), (("fog",), ()), (("fog", "  "), ("sun",))])
def test_missing_and_blank_texts_are_refused(hazy, clear):
    with pytest.raises(UsageError, match="prompt"):
        Prompts(hazy, clear)
