"""The header of a safetensors file, read before anything is allocated for what it declares.

The format: 8 bytes with the header's length, then the header, a JSON object of tensors by name and "__metadata__". The
safetensors library, which reads the tensors afterwards, checks them against the header.
"""

import json
import math
from dataclasses import dataclass
from typing import Any, BinaryIO

from cliphaze_cli.system.text import one_line

MAX_HEADER = 2**23  # bytes
WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}  # bytes of the types that weights are read in


class HeaderError(Exception):
    """Not a safetensors file, or not one of numbers of WIDTHS; the message says why, in a few words."""


@dataclass(frozen=True)
class Declared:
    """A tensor as the header declares it; nbytes is what shape and type come to."""

    shape: tuple[int, ...]
    nbytes: int


@dataclass(frozen=True)
class Header:
    """content: the bytes that were read. metadata: all strings."""

    content: bytes
    metadata: dict[str, str]
    tensors: dict[str, Declared]

    @property
    def size(self) -> int:
        """Bytes of all tensors, which follow the header."""
        return sum(tensor.nbytes for tensor in self.tensors.values())


def read_header(file: BinaryIO) -> Header:
    """Read the header of an open file, and no further. Raises HeaderError."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) == 8 and length > MAX_HEADER:
        if start[:4] == b"PK\3\4" or start[:1] == b"\x80":
            raise HeaderError("but a pickled one, which can run code: .pt and .pth files are never loaded")
        raise HeaderError(f"it declares a header of {length:,} bytes")
    content = file.read(length)
    if len(start) < 8 or len(content) < length:
        raise HeaderError("it ends within its header")
    try:
        header = json.loads(content)
        metadata = {key: str(value) for key, value in header.pop("__metadata__", {}).items()}
        return Header(start + content, metadata, {key: _declared(record) for key, record in header.items()})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise HeaderError(f"its header is damaged: {one_line(str(error))[:80]}") from error


def _declared(record: dict[str, Any]) -> Declared:
    shape = record["shape"]
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise ValueError(f"a tensor of shape {shape}")
    if record["dtype"] not in WIDTHS:
        raise ValueError(f"a tensor of type {record['dtype']}")
    return Declared(tuple(shape), math.prod(shape) * WIDTHS[record["dtype"]])
