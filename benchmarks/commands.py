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
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.made import make_folder
from benchmarks.processes import CLIPHAZE, run, seconds
from benchmarks.timing import machine

HERE = Path(__file__).resolve().parent.parent
Measure = Callable[[list[str], dict[str, str]], float]


def commands(
    before: Annotated[Path, typer.Argument(help="Another checkout.")],
    pairs: int = 2,
    many: Annotated[int, typer.Option(help="Photos of 12 megapixels.")] = 50,
    small: Annotated[int, typer.Option(help="Photos of 0.5 megapixels.")] = 200,
) -> None:
    """Print medians of both checkouts, and the ratio of each pair."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large_photos = make_folder(folder / "large", many, 12)
        small_photos = make_folder(folder / "small", small, 0.5)
        out, photo = folder / "out", folder / "out.jpg"
        work: dict[str, tuple[Measure, list[object]]] = {
            f"{small} photos of 0.5 megapixels, s": (seconds, ["dehaze", folder / "small", out]),
            f"{many} photos of 12 megapixels, s": (seconds, ["dehaze", folder / "large", out]),
            "the same, peak memory, MB": (_peak_megabytes, ["dehaze", folder / "large", out]),
            "one photo of 12 megapixels, cold start to exit, s": (seconds, ["dehaze", large_photos[0], photo]),
            "one photo of 0.5 megapixels, likewise, s": (seconds, ["dehaze", small_photos[0], photo]),
            "--help, s": (seconds, ["--help"]),
        }
        typer.echo(f"{machine()}\n\n| work | before | now | ratios |\n|---|---|---|---|")
        for what, (measure, arguments) in work.items():
            found: dict[Path, list[float]] = {before.resolve(): [], HERE: []}
            for number in range(pairs):
                for checkout in list(found)[:: 1 if number % 2 else -1]:
                    shutil.rmtree(out, ignore_errors=True)
                    photo.unlink(missing_ok=True)
                    environment = {"PYTHONPATH": str(checkout), "PYTHONSAFEPATH": "1"}
                    found[checkout].append(measure([*CLIPHAZE, *map(str, arguments)], environment))
            medians = " | ".join(f"{statistics.median(each):.2f}" for each in found.values())
            ratios = " ".join(f"{now / old:.2f}" for old, now in zip(*found.values(), strict=True))
            typer.echo(f"| {what} | {medians} | {ratios} |")


def _peak_megabytes(command: list[str], environment: dict[str, str]) -> float:
    """Of all processes together; not a number where the system does not tell."""
    return run(command, environment).total_peak or float("nan")


if __name__ == "__main__":
    typer.run(commands)
