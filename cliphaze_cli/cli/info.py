"""`cliphaze info`: what this machine has and what cliphaze would use of it, for people and for bug reports."""

import os
import platform
from typing import Annotated, Any

import typer

from cliphaze_cli.cli.columns import aligned
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.weights_state import weights_states, weights_table
from cliphaze_cli.hub.cache import cache_root
from cliphaze_cli.system.memory_limit import too_little_memory
from cliphaze_cli.system.text import one_line
from cliphaze_cli.system.versions import versions


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
) -> None:
    """Show versions, devices, the selective-scan backend and the weights on this machine."""
    console = Console(as_json=as_json)
    devices = _devices()
    document = {
        "versions": versions(),
        "platform": platform.platform(),
        "devices": devices,
        "scan": _scan(devices),
        "hub": _hub(),
        "weights": weights_states(),
    }
    console.result(document)
    if not as_json:
        for line in _lines(document):
            console.answer(line)


def _devices() -> dict[str, Any]:
    """CPU, CUDA and MPS as torch sees them; the reason when torch itself cannot be imported."""
    cores: dict[str, Any] = {"cores": os.cpu_count()}
    if (refused := too_little_memory()) is not None:  # it would crash
        return {"cpu": cores, "cuda": [], "mps": False, "error": f"torch is not imported: {refused}"}
    try:
        import torch
    except (
        ImportError,
        OSError,
        RuntimeError,
        MemoryError,
    ) as error:  # what `info` is asked about
        return {"cpu": cores, "cuda": [], "mps": False, "error": f"torch cannot be imported: {one_line(str(error))}"}
    cuda = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        capability = f"{properties.major}.{properties.minor}"
        cuda.append({"name": properties.name, "memory": properties.total_memory, "capability": capability})
    return {
        "cpu": {**cores, "threads": torch.get_num_threads()},
        "cuda": cuda,
        "cuda_build": torch.version.cuda,
        "mps": torch.backends.mps.is_available(),
    }


def _scan(devices: dict[str, Any]) -> dict[str, Any]:
    if "error" in devices:
        return {"device": None, "chosen": None, "backends": []}
    from cliphaze_cli.scan import dispatch

    device = "cuda" if devices["cuda"] else "mps" if devices["mps"] else "cpu"
    backends = [
        {"name": status.name, "available": status.available, "reason": status.reason}
        for status in dispatch.backends(device)
    ]
    return {"device": device, "chosen": dispatch.chosen(device), "backends": backends}


def _hub() -> dict[str, Any]:
    from huggingface_hub import constants, get_token

    try:
        token = get_token()
    except OSError:  # a home that this user may not read
        token = None

    return {
        "endpoint": one_line(constants.ENDPOINT),
        "cache": str(cache_root(None)),
        "offline": bool(constants.HF_HUB_OFFLINE),
        "token": token is not None,  # whether there is one; never the token itself
    }


def _lines(document: dict[str, Any]) -> list[str]:
    lines = ["Versions"]
    rows = [(f"  {name}", version or "not installed") for name, version in document["versions"].items()]
    lines += [*aligned([*rows, ("  platform", document["platform"])]), "", "Devices"]
    lines += [*_device_lines(document["devices"]), "", "Selective scan"]
    scan = document["scan"]
    for backend in scan["backends"]:
        use = f"runs on {scan['device']}" if backend["name"] == scan["chosen"] else backend["reason"]
        lines.append(f"  {backend['name']}: {use}")
    hub = document["hub"]
    lines += ["", "Hugging Face Hub"]
    lines += aligned(
        [
            ("  endpoint", hub["endpoint"]),
            ("  cache", hub["cache"]),
            ("  offline", "yes (HF_HUB_OFFLINE)" if hub["offline"] else "no"),
            ("  access token", "set" if hub["token"] else "none"),
        ]
    )
    return [*lines, "", "Weights", *(f"  {line}" for line in weights_table(document["weights"]))]


def _device_lines(devices: dict[str, Any]) -> list[str]:
    cpu = devices["cpu"]
    if "error" in devices:
        return [f"  cpu: {cpu['cores']} cores", f"  {devices['error']}"]
    lines = [f"  cpu: {cpu['cores']} cores, {cpu['threads']} threads used by torch"]
    for index, card in enumerate(devices["cuda"]):
        memory = card["memory"] / 2**30
        lines.append(f"  cuda:{index}: {card['name']}, {memory:.0f} GiB, compute capability {card['capability']}")
    if not devices["cuda"]:
        build = (
            f"this torch is built for CUDA {devices['cuda_build']}" if devices["cuda_build"] else "a torch without CUDA"
        )
        lines.append(f"  cuda: none ({build})")
    lines.append(f"  mps: {'available' if devices['mps'] else 'none'}")
    return lines
