"""Any other dehazer beside cliphaze: the same photos, the same scores, the same clock.

    python -m benchmarks.compare DATA --tool "other=python other/run.py --input {input} --output {output}"
    python -m benchmarks.compare DATA --tool "other=other-tool {input} {output}" --folders

A tool is any command that dehazes the file {input} to the file {output}, or with --folders one folder to another.
Its start is part of its time, as it is of cliphaze's, unless it takes folders: then all share one start.
"""

import os
import shlex
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import processes
from benchmarks.timing import machine
from training.evaluate import score_set
from training.pairs import PairSet, find_sets, read_rgb

OURS = shlex.join([*processes.CLIPHAZE, "dehaze", "--quiet", "--overwrite", "--no-clip"]) + " {input} {output}"


def main(
    data: Annotated[Path, typer.Argument(help="Folder of sets with hazy/ and clear/, or of clear photos.")],
    tool: Annotated[list[str], typer.Option(help="NAME=COMMAND with {input} and {output}; repeatable.")],
    folders: Annotated[bool, typer.Option(help="The commands take folders: one start for a whole set.")] = False,
    threads: Annotated[int | None, typer.Option(help="OMP_NUM_THREADS of all commands.", show_default="all")] = None,
) -> None:
    """Print PSNR, SSIM, CIEDE2000 and seconds per photo of cliphaze and of each tool, set by set."""
    tools = {"cliphaze": OURS, **dict(_parsed(one) for one in tool)}
    environment = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    typer.echo(f"{machine()}; tools: {threads or os.cpu_count()} threads")
    typer.echo("| set | tool | PSNR in | PSNR out | SSIM | CIEDE2000 | worst gain | seconds per photo | ratio |")
    typer.echo("|---|---|---|---|---|---|---|---|---|")
    for pairs in find_sets(data):
        ours = None
        for name, command in tools.items():
            with tempfile.TemporaryDirectory() as folder:
                seconds = dehaze_set(pairs, command, Path(folder), environment, whole_folder=folders)
                score = score_set(pairs, lambda _, hazy, found=Path(folder, "out"): read_rgb(output_of(hazy, found)))  # type: ignore[misc]
            ours = ours or seconds
            before, worst = (
                "-" if value is None else form.format(value)
                for value, form in ((score.psnr_in, "{:.2f}"), (score.worst_gain, "{:+.2f}"))
            )
            typer.echo(
                f"| {pairs.name} | {name} | {before} | {score.psnr:.2f} | {score.ssim:.4f} | {score.ciede2000:.2f} "
                f"| {worst} | {seconds:.2f} | {seconds / ours:.2f} |"
            )


def dehaze_set(
    pairs: PairSet, command: str, folder: Path, environment: dict[str, str], *, whole_folder: bool = False
) -> float:
    """Run a command on the hazy photos of a set, into `folder`/out; returns its seconds per photo.

    Raises:
        RuntimeError: the command failed.
    """
    given, made = folder / "in", folder / "out"
    given.mkdir()
    made.mkdir()
    for hazy, _ in pairs.pairs:
        (given / hazy.name).symlink_to(hazy.resolve())
    start = time.perf_counter()
    if whole_folder:
        processes.seconds(filled(command, given, made), environment)
    else:
        for hazy, _ in pairs.pairs:
            processes.seconds(filled(command, given / hazy.name, made / f"{hazy.stem}.png"), environment)
    return (time.perf_counter() - start) / len(pairs.pairs)


def filled(command: str, input: Path, output: Path) -> list[str]:
    """A command's words with the places for paths filled in; the paths may hold spaces."""
    return [word.replace("{input}", str(input)).replace("{output}", str(output)) for word in shlex.split(command)]


def output_of(hazy: Path, folder: Path) -> Path:
    """What a tool made of a photo, in whatever format.

    Raises:
        RuntimeError: nothing, though it did not fail.
    """
    found = sorted(folder.glob(f"{hazy.stem}.*"))
    if not found:
        raise RuntimeError(f"the command ended well but made no output for {hazy.name}")
    return found[0]


def _parsed(tool: str) -> tuple[str, str]:
    name, _, command = tool.partition("=")
    if not all(place in command for place in ("{input}", "{output}")):
        raise typer.BadParameter(f"--tool is NAME=COMMAND with {{input}} and {{output}} in it, not {tool!r}")
    return name, command


if __name__ == "__main__":
    typer.run(main)
