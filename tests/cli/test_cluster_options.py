"""What is asked of a cluster, without one."""

import socket
import sys
from pathlib import Path

import pytest

from cliphaze_cli.cli.cluster_options import cluster_choice
from cliphaze_cli.cluster.choice import ClusterChoice
from tests.cli.dehazing import Dehaze, save


def test_a_share_of_a_gpu_is_asked_for_with_cuda_only() -> None:
    assert cluster_choice(None, 1, None, device="auto", jobs=None) is None
    assert cluster_choice("auto", 2, None, device="auto", jobs=3) == ClusterChoice("auto", 2, 0.0, 3)
    assert cluster_choice("auto", 1, None, device="cuda", jobs=None) == ClusterChoice("auto", 1, 0.25)
    assert cluster_choice("auto", 1, 0.5, device="auto", jobs=None) == ClusterChoice("auto", 1, 0.5)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--cores-each", "2"), "give them with --cluster"),
        (("--gpus-each", "0.5"), "give them with --cluster"),
        (("--cluster", "auto", "--device", "cuda:1"), "Ray chooses the GPU"),
        (("--cluster", "auto", "--device", "cpu", "--gpus-each", "1"), "contradict"),
        (("--cluster", "auto", "--device", "cuda", "--gpus-each", "0"), "above 0"),
        (("--cluster", "auto", "--gpus-each", "1.5"), "a part of one GPU"),
        (("--cluster", "auto", "--cores-each", "0"), "must lie between"),
        (("--cluster", ""), "--cluster takes"),
        (("--cluster", "--jobs"), "--cluster takes"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(dehaze: Dehaze, options: tuple[str, ...], complaint: str) -> None:
    result = dehaze("in", "out", *options)
    assert result.code == 2
    assert complaint in result.err and len(result.err.splitlines()) == 1


def test_without_ray_it_is_said_what_to_install(
    dehaze: Dehaze, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "in/a.png")
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_DEDUP_LOGS_SKIP_REGEX"):
        monkeypatch.setenv(name, "set again afterwards")
    monkeypatch.setitem(sys.modules, "ray", None)
    result = dehaze("in", "out", "--cluster", "auto")
    assert result.code == 2
    assert 'pip install "cliphaze[cluster]"' in result.err


def test_where_no_cluster_answers_it_is_said_at_once(dehaze: Dehaze, tmp_path: Path) -> None:
    save(tmp_path / "in/a.png")
    with socket.socket() as taken:  # by nobody who listens
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = dehaze("in", "out", "--cluster", address)
    assert result.code == 1
    assert f"no cluster answers at '{address}'" in result.err and len(result.err.splitlines()) == 1


def test_standard_streams_are_of_this_machine(dehaze: Dehaze) -> None:
    result = dehaze("-", "-", "--cluster", "auto")
    assert result.code == 2 and "leave --cluster out" in result.err
