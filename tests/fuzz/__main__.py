"""`python -m tests.fuzz --inputs 10000`: the long fuzz run. Exit code 0: every promise was kept."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.conftest import small_network
from tests.fuzz.campaign import Tally, run_batch

BATCH = 500  # inputs a process


def main() -> int:
    """Run the campaign that the command line asks for and write what became of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which campaign (default: %(default)s)")
    parser.add_argument("--start", type=int, default=0, help="number of the first input (default: %(default)s)")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where wrong ones go (%(default)s/)")
    asked = parser.parse_args()

    from cliphaze_cli.network import checkpoint

    tally = Tally()
    end = asked.start + asked.inputs
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "small.safetensors"
        checkpoint.save(small_network(), weights, name="small")
        for first in range(asked.start, end, BATCH):
            indices = range(first, min(first + BATCH, end))
            run_batch(Path(folder) / "batch", weights, asked.seed, indices, tally, asked.keep)
            sys.stderr.write(f"{tally.inputs} inputs, {len(tally.wrong)} wrong, {tally.seconds:.0f} s\n")
    lines = [
        f"{tally.inputs} inputs (seed {asked.seed}) in {tally.seconds:.0f} s, {tally.peak_megabytes:.0f} MB at most"
    ]
    lines += [f"{count:7} {outcome}" for outcome, count in tally.outcomes.most_common()]
    lines += [f"{count:7} crashes of decoders by {signal}" for signal, count in tally.crashes.most_common()]
    lines += [f"{len(tally.wrong):7} broken promises", *tally.wrong]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(tally.wrong))


if __name__ == "__main__":
    sys.exit(main())
