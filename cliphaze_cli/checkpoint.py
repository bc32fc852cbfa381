"""Checkpoints: safetensors, with the network's config in the metadata; never pickle, always strict.

Metadata, all strings: "format" = FORMAT; "config" the CLIPHazeConfig as JSON; "name"; "instructions" a JSON list of
those of "density" and "embedding" that the weights were trained with; "training" whatever tells how, as JSON.
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cliphaze_cli.errors import WeightsError
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import CLIPHazeConfig

FORMAT = "cliphaze-1"
# Far above any variant: a hostile or damaged config must not make the process allocate without bound.
LIMITS = {"width": 512, "stem": 8, "window": 64, "state_size": 64, "embedding_size": 8192, "ffn_expansion": 16}
MAX_BLOCKS, MAX_REDUCTION = 64, 16


@dataclass(frozen=True)
class Checkpoint:
    """A loaded network and what its file says of it."""

    network: CLIPHaze
    name: str
    instructions: frozenset[str]
    training: dict[str, Any]


def save(
    network: CLIPHaze,
    path: Path,
    *,
    name: str,
    instructions: frozenset[str] = frozenset({"density"}),
    training: dict[str, Any] | None = None,
) -> None:
    """Write the network to `path`, atomically."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "name": name,
        "config": json.dumps(asdict(network.config)),
        "instructions": json.dumps(sorted(instructions)),
        "training": json.dumps(training or {}),
    }
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint into a network in evaluation mode, on the CPU.

    Raises:
        WeightsError: no such file, not safetensors, not a cliphaze checkpoint, or keys and shapes that do not fit.
    """
    tensors, metadata = _read(path)
    config = _parse_config(metadata.get("config", ""), path)
    try:
        instructions = frozenset(json.loads(metadata.get("instructions", "[]")))
        training = dict(json.loads(metadata.get("training", "{}")))
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{path} has metadata that cannot be read ({error}); fetch the file again") from error
    with torch.device("meta"):  # no memory for parameters that the file replaces
        network = CLIPHaze(config)
    expected = network.state_dict()
    _check_fit(expected, tensors, path)
    # Weights may be published in half precision; what they are computed in is the runtime's choice.
    tensors = {key: value.to(expected[key].dtype) for key, value in tensors.items()}
    network.load_state_dict(tensors, strict=True, assign=True)
    network.eval().requires_grad_(False)
    return Checkpoint(network, metadata.get("name", path.stem), instructions, training)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    if not path.exists():
        raise WeightsError(f"no weights at {path}; check the path, or leave --weights out to use the embedded ones")
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; give the .safetensors file in it")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise WeightsError(f"{path} is a safetensors file of something else, not a cliphaze checkpoint")
            return {key: file.get_tensor(key) for key in file.keys()}, metadata  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error}); pickled .pt/.pth files are never loaded"
        ) from error


def _parse_config(text: str, path: Path) -> CLIPHazeConfig:
    try:
        values = json.loads(text)
        values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        config = CLIPHazeConfig(**values)
    except (ValueError, TypeError, AttributeError) as error:
        known = ", ".join(field.name for field in fields(CLIPHazeConfig))
        raise WeightsError(f"{path} has a config this version cannot read ({error}); it knows {known}") from error
    if not _is_possible(config):
        raise WeightsError(f"{path} has an impossible config: {config}")
    return config


def _is_possible(config: CLIPHazeConfig) -> bool:
    numbers = {key: getattr(config, key) for key in LIMITS}
    whole = [value for key, value in numbers.items() if key != "ffn_expansion"]
    for values, count in ((config.blocks, 5), (config.scan_reduction, 3)):
        if not isinstance(values, tuple) or len(values) != count:
            return False
        whole += values
    return (
        all(type(value) is int for value in whole)
        and type(config.ffn_expansion) in (int, float)
        and all(0 < numbers[key] <= limit for key, limit in LIMITS.items())
        and all(0 <= blocks <= MAX_BLOCKS for blocks in config.blocks)
        and all(0 < reduction <= MAX_REDUCTION for reduction in config.scan_reduction)
    )


def _check_fit(expected: dict[str, torch.Tensor], found: dict[str, torch.Tensor], path: Path) -> None:
    """Name the first missing, unexpected and mis-shaped keys."""
    problems = []
    if missing := sorted(expected.keys() - found.keys()):
        problems.append(f"missing {missing[0]} and {len(missing) - 1} more")
    if unexpected := sorted(found.keys() - expected.keys()):
        problems.append(f"unexpected {unexpected[0]} and {len(unexpected) - 1} more")
    if misshaped := sorted(k for k in expected.keys() & found.keys() if expected[k].shape != found[k].shape):
        key = misshaped[0]
        problems.append(f"{key} is {tuple(found[key].shape)} instead of {tuple(expected[key].shape)}")
    if problems:
        raise WeightsError(f"{path} does not fit its network: {'; '.join(problems)}")
