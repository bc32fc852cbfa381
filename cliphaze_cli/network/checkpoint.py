"""Checkpoints: safetensors, with the network's config in the metadata; never pickle, always strict.

Metadata, all strings: "format" = FORMAT; "config" the CLIPHazeConfig as JSON; "name"; "instructions" a JSON list of
those of "density" and "embedding" that the weights were trained with; "clip", where a CLIP taught them, which one
(`ClipTraining`, as JSON); "training" whatever tells how, as JSON.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from cliphaze_cli.network.clip_training import ClipTraining
from cliphaze_cli.network.cliphaze import CLIPHaze
from cliphaze_cli.network.config import CLIPHazeConfig
from cliphaze_cli.network.tensor_header import Declared, HeaderError, read_header
from cliphaze_cli.system.atomic_file import atomic_file
from cliphaze_cli.system.errors import WeightsError

FORMAT = "cliphaze-1"
# Far above any variant: a hostile or damaged config must not make the process allocate without bound.
LIMITS = {"width": 256, "stem": 8, "window": 16, "state_size": 32, "embedding_size": 4096, "ffn_expansion": 8}
MAX_BLOCKS, MAX_REDUCTION = 32, 16
MAX_PARAMETERS = 100_000_000
MAX_NAME = 100  # characters


@dataclass(frozen=True)
class Checkpoint:
    """A loaded network, what its file says of it, and the sha256 of the content that was loaded.

    clip: the CLIP that taught it, None where none did.
    """

    network: CLIPHaze
    name: str
    instructions: frozenset[str]
    training: dict[str, Any]
    sha256: str
    clip: ClipTraining | None = None


def save(
    network: CLIPHaze,
    path: Path,
    *,
    name: str,
    instructions: frozenset[str] = frozenset({"density"}),
    training: dict[str, Any] | None = None,
    clip: ClipTraining | None = None,
) -> None:
    """Write the network to `path`, atomically. Raises ImageError, one line, where the system refuses."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "name": name,
        "config": json.dumps(asdict(network.config)),
        "instructions": json.dumps(sorted(instructions)),
        "training": json.dumps(training or {}),
    }
    if clip is not None:
        metadata["clip"] = clip.to_json()
    with atomic_file(path) as sink:
        sink.write(safetensors.torch.save(tensors, metadata))


def load(path: Path, *, sha256: str | None = None) -> Checkpoint:
    """Read a checkpoint into a network in evaluation mode, on the CPU.

    The file is read once, and what is hashed is what is loaded. Nothing is allocated for a network that the file does
    not hold.

    Args:
        sha256: what the content must have, where that is known.

    Raises:
        WeightsError: no such file, not safetensors, not a cliphaze checkpoint, other content than `sha256`, keys and
            shapes that do not fit, or values that are not finite.
    """
    _refuse_what_is_no_file(path)
    try:
        with path.open("rb") as file:
            header = read_header(file)
            if header.metadata.get("format") != FORMAT:
                raise WeightsError(f"{path} is a safetensors file of something else, not a cliphaze checkpoint")
            network = _empty_network(_parse_config(header.metadata.get("config", ""), path), path)
            _check_fit(network, header.tensors, path)
            content = header.content + file.read(header.size + 1)  # one more, to notice what should not be there
        tensors = safetensors.torch.load(content)
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}: {error.strerror}; check the disk") from error
    except (HeaderError, SafetensorError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file ({error}): fetch it again") from error
    actual = hashlib.sha256(content).hexdigest()
    if sha256 is not None and actual != sha256:
        raise WeightsError(f"{path} is damaged (sha256 {actual[:12]}... instead of {sha256[:12]}...): fetch it again")
    # Weights may be published in half precision; what they are computed in is the runtime's choice.
    tensors = {key: value.to(torch.float32) for key, value in tensors.items()}
    if broken := next((key for key, value in tensors.items() if not value.isfinite().all()), None):
        raise WeightsError(f"{path} has values that are not finite, first in {broken}: fetch it again, or train anew")
    network.load_state_dict(tensors, strict=True, assign=True)
    network.eval().requires_grad_(False)
    instructions, training, clip = _parse_training(header.metadata, path)
    return Checkpoint(network, _parse_name(header.metadata, path), instructions, training, actual, clip)


def _refuse_what_is_no_file(path: Path) -> None:
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; give the .safetensors file in it")
    if not path.exists():
        raise WeightsError(f"no weights at {path}; check the path, or leave --weights out to use the embedded ones")
    if not path.is_file():
        raise WeightsError(f"{path} is not a regular file; give a .safetensors file")


def _empty_network(config: CLIPHazeConfig, path: Path) -> CLIPHaze:
    """A network without memory for its parameters: the file's replace them."""
    with torch.device("meta"):
        network = CLIPHaze(config)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if parameters > MAX_PARAMETERS:
        raise WeightsError(
            f"{path} has an impossible config: {parameters / 1e6:,.0f} million parameters, "
            f"where {MAX_PARAMETERS / 1e6:,.0f} are the most"
        )
    return network


def _parse_training(metadata: dict[str, str], path: Path) -> tuple[frozenset[str], dict[str, Any], ClipTraining | None]:
    try:
        instructions = frozenset(json.loads(metadata.get("instructions", "[]")))
        clip = ClipTraining.from_json(metadata["clip"]) if "clip" in metadata else None
        return instructions, dict(json.loads(metadata.get("training", "{}"))), clip
    except (ValueError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path} has metadata that cannot be read ({error}); fetch the file again") from error


def _parse_name(metadata: dict[str, str], path: Path) -> str:
    """The name in the metadata if it can stand in messages and reports, or else the file's."""
    name = metadata.get("name", "")
    return name if name.isprintable() and 0 < len(name) <= MAX_NAME else path.stem


def _parse_config(text: str, path: Path) -> CLIPHazeConfig:
    try:
        values = json.loads(text)
        values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        config = CLIPHazeConfig(**values)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
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


def _check_fit(network: CLIPHaze, found: dict[str, Declared], path: Path) -> None:
    """Name the first missing, unexpected and mis-shaped keys."""
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    problems = []
    if missing := sorted(expected.keys() - found.keys()):
        problems.append(f"missing {missing[0]} and {len(missing) - 1} more")
    if unexpected := sorted(found.keys() - expected.keys()):
        problems.append(f"unexpected {_shown(unexpected[0])} and {len(unexpected) - 1} more")
    if misshaped := sorted(key for key in expected.keys() & found.keys() if expected[key] != found[key].shape):
        key = misshaped[0]
        problems.append(f"{key} is {_shown(str(found[key].shape))} instead of {expected[key]}")
    if problems:
        raise WeightsError(f"{path} does not fit its network: {'; '.join(problems)}")


def _shown(text: str) -> str:
    """A file's text for a one-line message."""
    return text if text.isprintable() and len(text) <= MAX_NAME else ascii(text[:MAX_NAME])
