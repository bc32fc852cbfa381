"""The page of `cliphaze web` on Hugging Face Spaces, which show it in a frame of their own site."""

import os

from cliphaze_cli.batch.options import WorkOptions
from cliphaze_cli.imaging.limits import Limits
from cliphaze_cli.report.settings import Settings
from cliphaze_cli.web import jobs
from cliphaze_cli.web.server import serve

PORT = 7860
MEGAPIXELS = 50

if __name__ == "__main__":
    serve(
        WorkOptions(jobs.load, Settings(), "auto", Limits(max_pixels=MEGAPIXELS * 1_000_000), overwrite=True),
        "0.0.0.0",
        PORT,
        lambda address, label: print(f"{address} {label}", flush=True),  # noqa: T201 - the Space's log
        hosts=[host for host in [os.environ.get("SPACE_HOST")] if host],
        embedders=["https://huggingface.co"],
    )
