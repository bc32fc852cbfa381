"""How many photos a batch works on at a time."""

from dataclasses import dataclass

# Photos scale better than threads within a photo, but each takes memory; more on request.
MOST_BY_DEFAULT = 8
STREAMS = 2  # photos at a time on a GPU: one is copied while the other is computed


@dataclass(frozen=True)
class Crew:
    """How many threads read, process and write.

    `cores_each` is for each thread to compute with; None leaves them as they are.
    """

    reading: int = 1
    processing: int = 1
    writing: int = 1
    cores_each: int | None = None


ONE_AT_A_TIME = Crew()


def crew_for(photos: int, *, device: str, cores: int, jobs: int | None = None) -> Crew:
    """Share a machine's cores out to the photos of a batch.

    Args:
        photos: how many there are.
        device: "cpu", "cuda" or "mps".
        cores: how many this process may use.
        jobs: photos at a time; None decides by the rest.
    """
    if device == "cpu":
        processing = max(1, min(jobs or min(cores, MOST_BY_DEFAULT), photos))
        # Reading a photo takes half as long as dehazing it; writing may take longer, as PNG does.
        return Crew((processing + 1) // 2, processing, processing, max(1, cores // processing))
    processing = max(1, min(jobs or (STREAMS if device == "cuda" else 1), photos))
    supplying = max(processing, min(cores, MOST_BY_DEFAULT, photos))
    return Crew(supplying, processing, supplying)
