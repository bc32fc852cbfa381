"""Seeded damage to whole files, as disks and attackers do it. Every input can be made again from its number."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

from tests.corpus.case import Case
from tests.corpus.chunks import SIGNATURE, chunk
from tests.corpus.hostile import hostile_cases
from tests.corpus.valid import valid_cases

_LARGEST_SEED = 6_000  # bytes: in small files a mutation more often hits what matters
_NUMBERS = (0, 1, 2, 127, 128, 255, 256, 32_767, 32_768, 60_000, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)


@cache
def seeds() -> tuple[Case, ...]:
    """The whole and the hostile files that are mutated."""
    return tuple(case for case in (*valid_cases(), *hostile_cases()) if 0 < len(case.data) <= _LARGEST_SEED)


def fuzzed(seed: int, index: int) -> tuple[str, bytes]:
    """(file name, content) of the input number `index` of the campaign `seed`."""
    random = Random(f"{seed}-{index}")
    case = random.choice(seeds())
    data = bytearray(case.data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        random.choice(_MUTATIONS)(random, data)
    if data.startswith(SIGNATURE) and random.random() < 0.7:
        data = _with_right_checksums(data)
    stem, _, extension = case.name.rpartition(".")
    if random.random() < 0.05:
        extension = random.choice(("jpg", "png", "tif", "webp", "bmp", "avif", "heic"))
    return f"{index:06}-{stem}.{extension}", bytes(data)


def _place(random: Random, data: bytearray) -> int:
    """A position, every other time one in the headers."""
    return random.randrange(min(len(data), 300) if random.random() < 0.5 else len(data)) if data else 0


def _flip(random: Random, data: bytearray) -> None:
    for _ in range(random.choice((1, 1, 4, 16))):
        if data:
            data[_place(random, data)] ^= 1 << random.randrange(8)


def _overwrite(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    noise = random.randbytes(random.choice((1, 2, 8, 64)))
    data[at : at + len(noise)] = noise[: len(data) - at]


def _number(random: Random, data: bytearray) -> None:
    """A number that sizes, counts and offsets go wrong with."""
    kind = random.choice((">H", "<H", ">I", "<I", "B"))
    size = struct.calcsize(kind)
    at = _place(random, data)
    if at + size <= len(data):
        struct.pack_into(kind, data, at, random.choice(_NUMBERS) % 256**size)


def _truncate(random: Random, data: bytearray) -> None:
    del data[_place(random, data) :]


def _cut_out(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    del data[at : at + random.choice((1, 4, 40, 400))]


def _repeat(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    part = bytes(data[at : at + random.choice((1, 4, 40, 400))])
    data[at:at] = part * random.choice((1, 2, 50))


def _insert(random: Random, data: bytearray) -> None:
    at = _place(random, data)
    data[at:at] = random.randbytes(random.choice((1, 4, 40)))


def _blank(random: Random, data: bytearray) -> None:
    """A block that a disk did not write."""
    at = _place(random, data)
    length = min(random.choice((16, 512)), len(data) - at)
    data[at : at + length] = random.choice((b"\0", b"\xff")) * length


def _splice(random: Random, data: bytearray) -> None:
    """The end of another file."""
    other = random.choice(seeds()).data
    del data[_place(random, data) :]
    data += other[random.randrange(len(other)) :]


_MUTATIONS: tuple[Callable[[Random, bytearray], None], ...] = (
    *[_flip] * 3,
    *[_number] * 3,
    *[_overwrite] * 2,
    *(_truncate, _cut_out, _repeat, _insert, _blank, _splice),
)


def _with_right_checksums(data: bytearray) -> bytearray:
    """A PNG file whose checksums are right again, so that the damage gets past them."""
    result, at = bytearray(SIGNATURE), len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        whole = chunk(bytes(data[at + 4 : at + 8]), bytes(data[at + 8 : at + 8 + length]))
        result += whole
        at += len(whole)
    return result + data[at:]


def checksum(seed: int, count: int) -> int:
    """Of the names and contents of a campaign's first inputs: equal means that the same inputs were made."""
    total = 0
    for index in range(count):
        name, data = fuzzed(seed, index)
        total = zlib.crc32(data, zlib.crc32(name.encode(), total))
    return total
