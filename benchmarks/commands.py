"""Is the command faster than that of another checkout, and does it take less memory? Both in turn, in pairs.

    git worktree add ../before HEAD~5
    python -m benchmarks.commands ../before
    python -m benchmarks.commands ../before --pairs 6 --many 4 --small 8

JPEG to JPEG with the default options, on made photos of 12 and 0.5 megapixels: a folder of each, one photo of each from
a cold start, `--help`, and the peak memory of all processes together.
"""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.made import make_photo
from benchmarks.processes import CLIPHAZE, run, seconds
from benchmarks.timing import machine

HERE = Path(__file__).resolve().parent.parent
PLACES = ("large", "small", "large/0.jpg", "small/0.jpg", "out", "out.jpg")


def commands(
    before: Annotated[Path, typer.Argument(help="Another checkout.")],
    pairs: int = 2,
    many: Annotated[int, typer.Option(help="Photos of 12 megapixels.")] = 50,
    small: Annotated[int, typer.Option(help="Photos of 0.5 megapixels.")] = 200,
) -> None:
    """Print medians of both checkouts, and the ratio of each pair."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, count, size in (("large", many, 12.0), ("small", small, 0.5)):
            first = make_photo(_made(folder / part) / "0.jpg", size)
            for number in range(1, count):
                shutil.copy(first, folder / part / f"{number}.jpg")
        work = {
            f"{small} photos of 0.5 megapixels, s": ("dehaze", "small", "out"),
            f"{many} photos of 12 megapixels, s": ("dehaze", "large", "out"),
            "one photo of 12 megapixels, cold start to exit, s": ("dehaze", "large/0.jpg", "out.jpg"),
            "one photo of 0.5 megapixels, likewise, s": ("dehaze", "small/0.jpg", "out.jpg"),
            "--help, s": ("--help",),
            f"{many} photos of 12 megapixels, peak memory, MB": ("dehaze", "large", "out"),
        }
        typer.echo(f"{machine()}\n\n| work | before | now | ratios |\n|---|---|---|---|")
        for what, arguments in work.items():
            found: dict[Path, list[float]] = {before.resolve(): [], HERE: []}
            for number in range(pairs):
                for checkout in list(found)[:: 1 if number % 2 else -1]:
                    found[checkout].append(_measure(checkout, folder, arguments, what.endswith("MB")))
            ratios = " ".join(f"{now / old:.2f}" for old, now in zip(*found.values(), strict=True))
            typer.echo(
                f"| {what} | {' | '.join(f'{statistics.median(each):.2f}' for each in found.values())} | {ratios} |"
            )


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _measure(checkout: Path, folder: Path, arguments: tuple[str, ...], memory: bool) -> float:
    """Seconds, or the peak memory in MB of all processes together."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out.jpg").unlink(missing_ok=True)
    command = (*CLIPHAZE, *(str(folder / one) if one in PLACES else one for one in arguments))
    environment = {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
    return run(command, environment).total_peak or 0.0 if memory else seconds(command, environment)


if __name__ == "__main__":
    typer.run(commands)
