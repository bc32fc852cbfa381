"""The checks of the project, in the Python environment that runs this file.

    python .ci/checks.py                # all but the services, up to the first that fails
    python .ci/checks.py lint types     # these
    python .ci/checks.py services       # tests that start servers, clusters and browsers

`.ci/run`, the hooks of pre-commit and the hosted workflow call this file, so that all of them check the same.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {
    "lint": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "types": ("mypy",),
    "tests": ("pytest",),
    "services": ("pytest", "-m", "cloud or cluster or video or web"),
}


def main(names: list[str]) -> int:
    """Run the checks called `names`, or all but the services. Returns the exit code of the first that fails, else 0."""
    if unknown := [name for name in names if name not in CHECKS]:
        sys.stderr.write(f"no check is called {', '.join(unknown)}: choose from {', '.join(CHECKS)}\n")
        return 2
    for name in names or [name for name in CHECKS if name != "services"]:
        if code := subprocess.run([sys.executable, "-m", *CHECKS[name]], cwd=ROOT, check=False).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
