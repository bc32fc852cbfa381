"""How many photos are worked on at a time, and what each may use of this machine."""

from dataclasses import dataclass

from cliphaze_cli.system.cpu import computes_on_cpu, memory_bytes, usable_cores

MOST_BY_DEFAULT = 8
REPLICAS = 4  # of the network on a GPU: while one computes, others read and write
MEMORY_EACH = 2**30  # of a process that works on photos of common sizes
_MORE_AT_NATIVE_SIZE = 16  # times the memory for each pixel: 260 bytes were measured with `tiny`
_MEMORY_OF_LIBRARIES = 400 * 2**20  # of that, without any photo


@dataclass(frozen=True)
class Shares:
    """processes: each works on one photo at a time. cores_each: to compute with. memory_each: bytes that a photo may
    take while others are worked on; None: as many as there are."""

    processes: int
    cores_each: int
    memory_each: int | None


def share_out(photos: int, device: str, jobs: int | None = None, *, native_size: bool = False) -> Shares:
    """Share out this machine's cores and memory.

    Args:
        device: as people give it. jobs: so many photos at a time, but not more than there are; None: one for each core
            or, on a GPU, a few, as far as there is memory.
        native_size: the network looks at every pixel, so that a photo takes more.
    """
    cores, memory = usable_cores(), memory_bytes()
    enough_for = MOST_BY_DEFAULT if memory is None else memory // MEMORY_EACH
    by_default = min(cores, MOST_BY_DEFAULT) if computes_on_cpu(device) else REPLICAS
    count = max(1, min(photos, min(by_default, enough_for) if jobs is None else jobs))
    return Shares(count, max(1, cores // count), memory_of_each(memory, count, native_size=native_size))


def memory_of_each(memory: int | None, count: int, *, native_size: bool = False) -> int | None:
    """Bytes that a photo may take, of a machine's where `count` are worked on at a time; None: as many as there are."""
    if count == 1 or memory is None:
        return None
    each = max(0, memory // count - _MEMORY_OF_LIBRARIES)
    return each // _MORE_AT_NATIVE_SIZE if native_size else each
