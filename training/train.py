"""Train a CLIPHaze network on synthetic haze.

    python -m training.train PACK.npz RUN/ --variant tiny --steps 8000

RUN/weights.safetensors is the outcome. RUN/state.pt is written every `--save-every` steps, atomically; the same command
resumes from it, and sees the batches an unbroken run would have seen. RUN/log.jsonl has one line per report.
`training.export` turns any state into weights. With `--seeds 4` there are four such runs, in RUN/SEED/, one after the
other, and the outcome is the mean of their weights.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader

from cliphaze_cli.network import checkpoint
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.system.allocator import tune_allocator
from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.errors import CliphazeError
from cliphaze_cli.system.part_file import remove_leftovers
from training.arguments import Pack
from training.batches import Batch, HazeBatches, PhotoPack
from training.export import export
from training.losses import dehazing_loss, psnr
from training.processes import average_gradients, share
from training.recipe import Recipe

MAX_GRADIENT_NORM = 1.0
REPORT_EVERY = 100


def train(
    pack: Pack,
    run: Annotated[Path, typer.Argument(help="Folder of the run; resumed if it holds a state.")],
    variant: str = "tiny",
    steps: int = 8000,
    seed: int = 0,
    seeds: Annotated[
        int, typer.Option(min=1, help="Runs, with this seed and those after it, whose mean is taken.")
    ] = 1,
    learning_rate: float = 1.5e-3,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change the recipe, as in haze.dense=0.4; repeatable.")
    ] = None,
    start_from: Annotated[Path | None, typer.Option(help="Weights to start from, .safetensors.")] = None,
    threads: int = 1,
    processes: Annotated[
        int, typer.Option(min=1, help="Cores that share the batches of each step, as in batches_per_step=2.")
    ] = 1,
    save_every: int = 250,
    device: str = "cpu",
) -> None:
    """Train or resume."""
    try:
        recipe = Recipe(variant, steps, seed, learning_rate).override(settings or ())
        recipes = [replace(recipe, seed=recipe.seed + number) for number in range(seeds)]
        runs = [run] if seeds == 1 else [run / str(each.seed) for each in recipes]
        for each, folder in zip(recipes, runs, strict=True):
            run_recipe(
                each,
                pack,
                folder,
                start_from=start_from,
                threads=threads,
                processes=processes,
                save_every=save_every,
                device=device,
            )
        export([folder / "state.pt" for folder in runs], run / "weights.safetensors")
    except (ValueError, CliphazeError) as error:
        raise typer.BadParameter(str(error)) from error


def run_recipe(
    recipe: Recipe,
    pack: Path,
    run: Path,
    *,
    start_from: Path | None = None,
    threads: int = 1,
    processes: int = 1,
    save_every: int = 250,
    device: str = "cpu",
) -> None:
    """Train by a recipe, or go on where RUN/state.pt stands; with CLIP where the pack has its words.

    Raises:
        ValueError: the state is of another recipe; or the processes cannot share a step's batches evenly, or a GPU.
    """
    if processes > 1 and torch.device(device).type != "cpu":
        raise ValueError("several processes train on CPUs only: leave --processes out")
    if recipe.batches_per_step % processes:
        raise ValueError(f"{processes} processes share a step's batches evenly: --set batches_per_step={processes}")
    tune_allocator()
    torch.set_num_threads(threads)
    torch.manual_seed(recipe.seed)
    photos = PhotoPack(pack)
    recipe = recipe.taught_by(None if photos.clip is None else photos.clip.taught_by)
    trainer = Trainer(recipe, torch.device(device))
    run.mkdir(parents=True, exist_ok=True)
    remove_leftovers(run)
    state_path = run / "state.pt"
    if start_from:
        begun = checkpoint.load(start_from)
        trainer.start_from(begun.network.state_dict(), begun.training)
    if state_path.exists():
        trainer.load_state(torch.load(state_path, weights_only=True))
    share(lambda rank: _train(trainer, photos, run, rank, processes, save_every), processes)


def _train(trainer: "Trainer", photos: PhotoPack, run: Path, rank: int, processes: int, save_every: int) -> None:
    """Train to the recipe's end on every `processes`-th batch; the first process logs its own batches, and saves."""
    recipe = trainer.recipe
    batches = HazeBatches(photos, recipe, first=trainer.step)
    mine = range(rank, len(batches), processes)
    loader = iter(DataLoader(batches, batch_size=None, sampler=mine, num_workers=1, prefetch_factor=8))
    reports: list[dict[str, float]] = []
    with _progress_bar(shown=rank == 0) as bar:
        task = bar.add_task("training", total=recipe.steps, completed=trainer.step, said="")
        while trainer.step < recipe.steps:
            figures = trainer.train_step([next(loader) for _ in range(recipe.batches_per_step // processes)])
            if rank:
                continue
            reports.append(figures)
            said = f"loss {figures['loss']:.3f}, {figures['psnr'] - figures['psnr_in']:+.1f} dB"
            bar.update(task, completed=trainer.step, said=said)
            if trainer.step % REPORT_EVERY == 0:
                bar.console.print(_report(run / "log.jsonl", trainer, reports), highlight=False, soft_wrap=True)
                reports.clear()
            if trainer.step % save_every == 0 or trainer.step == recipe.steps:
                _save_atomically(trainer.state(), run / "state.pt")


class Trainer:
    """The network, its exponential moving average, the optimiser, and where they stand."""

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.network = CLIPHaze(recipe.network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(
            _parameter_groups(self.network, recipe.weight_decay), recipe.learning_rate, fused=True
        )
        self.ema = {name: value.clone() for name, value in self.network.state_dict().items()}
        self.step = 0
        self.seconds = 0.0
        self.started_from: dict[str, Any] | None = None  # how those weights were trained

    def train_step(self, batches: Sequence[Batch]) -> dict[str, float]:
        """One optimiser step by the mean gradient of some batches, and of those of other processes; what to log."""
        start = time.perf_counter()
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate_at(self.step)
        self.optimiser.zero_grad()
        figures = [self._add_gradient(batch.to(self.device), 1 / len(batches)) for batch in batches]
        average_gradients(self.network)
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT_NORM)
        if norm.isfinite():
            self.optimiser.step()
            self._update_ema()
        self.step += 1
        self.seconds += time.perf_counter() - start
        means = {name: sum(each[name] for each in figures) / len(figures) for name in figures[0]}
        return {**means, "gradient": float(norm)}

    def _add_gradient(self, batch: Batch, weight: float) -> dict[str, float]:
        hazy = batch.hazy.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            K, B = self.network(hazy, batch.density, batch.embedding)
        loss, estimate = dehazing_loss(K.float(), B.float(), batch, self.recipe.loss)
        (loss * weight).backward()
        return {
            "loss": float(loss.detach()),
            "psnr": psnr(estimate.detach(), batch.clear),
            "psnr_in": psnr(batch.hazy, batch.clear),
        }

    @torch.no_grad()
    def _update_ema(self) -> None:
        decay = min(self.recipe.ema_decay, (self.step + 1) / (self.step + 20))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.ema[name].lerp_(value, 1 - decay)
            else:
                self.ema[name].copy_(value)

    def state(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe.to_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "started_from": self.started_from,
            "network": self.network.state_dict(),
            "ema": self.ema,
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        if not Recipe.from_dict(state["recipe"]).may_go_on_as(self.recipe, state["step"]):
            raise ValueError(
                "the state is of another recipe: give the same options (only --steps may change, and only before the "
                "learning rate falls), or another folder"
            )
        if self.started_from not in (None, state.get("started_from", self.started_from)):
            raise ValueError("the state started from other weights: remove it, or give another folder")
        self.step, self.seconds, self.started_from = state["step"], state["seconds"], state.get("started_from")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.ema = {name: value.to(self.device) for name, value in state["ema"].items()}

    def start_from(self, weights: dict[str, Tensor], training: dict[str, Any] | None = None) -> None:
        """Begin from finished weights of the same network; training: how these were made."""
        self.network.load_state_dict(weights)
        self.started_from = training
        self.ema = {name: value.clone() for name, value in self.network.state_dict().items()}


def _parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels only, not for biases, norms, A or D."""
    named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    decayed: list[Tensor] = [p for name, p in named if p.dim() > 1 and "log_A" not in name]
    others: list[Tensor] = [p for name, p in named if p.dim() <= 1 or "log_A" in name]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


def _progress_bar(shown: bool) -> Progress:
    """Steps, what the last one said, and the time left, on standard error where that is a terminal."""
    columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(), TextColumn("{task.fields[said]}"))
    return Progress(
        *columns, TimeRemainingColumn(), TextColumn("left"), console=Console(stderr=True), disable=not shown
    )


def _report(path: Path, trainer: Trainer, reports: list[dict[str, float]]) -> str:
    """Append the means of some steps to the log; returns the line."""
    means = {key: round(sum(r[key] for r in reports) / len(reports), 5) for key in reports[0]}
    line = json.dumps({"step": trainer.step, "seconds": round(trainer.seconds), **means})
    with path.open("a") as log:
        log.write(line + "\n")
    return line


def _save_atomically(state: dict[str, Any], path: Path) -> None:
    with atomic_file(path) as sink:
        torch.save(state, cast(BinaryIO, sink))


if __name__ == "__main__":
    typer.run(train)
