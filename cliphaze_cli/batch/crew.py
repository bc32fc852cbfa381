"""How many photos a batch works on at a time, and with what."""

from dataclasses import dataclass

# Of worker processes, unless more are asked for. They pay from two photos on, as they start side by side.
MOST_BY_DEFAULT = 8
MEMORY_EACH = 2**30

STREAMS = 2  # photos at a time on a GPU: one is copied while the other is computed
SUPPLIERS = 8  # threads that read for a GPU, and as many that write


@dataclass(frozen=True)
class Crew:
    """How many threads read, process and write in one process.

    `cores_each` is for each thread to compute with; None leaves them as they are.
    """

    reading: int = 1
    processing: int = 1
    writing: int = 1
    cores_each: int | None = None


ONE_AT_A_TIME = Crew()


def crew_for(device: str, *, cores: int, jobs: int | None = None) -> Crew:
    """Share out one process's cores.

    Args:
        device: "cpu", where one photo at a time gets them all, "cuda" or "mps", which all cores supply.
        cores: how many this process may use.
        jobs: photos at a time on a GPU; None decides by its kind.
    """
    if device == "cpu":
        return Crew(cores_each=cores)
    processing = jobs or (STREAMS if device == "cuda" else 1)
    supplying = max(processing, min(cores, SUPPLIERS))
    return Crew(supplying, processing, supplying)


def processes_for(photos: int, *, cores: int, memory: int | None, jobs: int | None = None) -> int:
    """How many processes shall dehaze on a CPU: one for each core, as far as there are photos and memory.

    memory: bytes that are available, None if unknown. jobs: so many, but not more than there are photos.
    """
    if jobs is not None:
        return min(jobs, photos)
    enough_for = MOST_BY_DEFAULT if memory is None else memory // MEMORY_EACH
    return max(1, min(cores, MOST_BY_DEFAULT, photos, enough_for))
