"""What goes with `--watch`, and what does not."""

from collections.abc import Sequence
from pathlib import Path

from cliphaze_cli.batch.watching import require_watching
from cliphaze_cli.cli.request import Request
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.lines import ENDING as LINES_ENDING
from cliphaze_cli.system.errors import UsageError


def refuse_with_watch(
    request: Request, *, retry: Place | None, overwrite: bool, compare_sheet: Path | None, dry_run: bool
) -> None:
    """Raise UsageError for what cannot be had with --watch."""
    if retry is not None:
        raise UsageError("--watch and --retry contradict each other: give one of them")
    if overwrite:
        raise UsageError("--watch leaves outputs that exist as they are: leave --overwrite out")
    if compare_sheet is not None:
        raise UsageError("--compare-sheet is of a run that ends by itself: give --compare with --watch")
    if dry_run:
        raise UsageError("--dry-run shows what is there already: leave --watch out")
    if request.cluster is not None:
        raise UsageError("--watch works on this machine: leave --cluster out")
    if request.report is not None and request.report.suffix.lower() == LINES_ENDING:
        raise UsageError(f"--watch keeps its report whole: give {request.report.stem}.json or .csv")
    require_watching()


def folders_to_watch(inputs: Sequence[Place], target: Place) -> tuple[list[Path], Path]:
    """The folders where photos come, and the one where they go. Raises UsageError where they are not such."""
    folders = [path for path in inputs if isinstance(path, Path) and path.is_dir()]
    other = next((path for path in inputs if path not in folders), None)
    if other is not None:
        raise UsageError(f"--watch waits in folders of this machine, and {other} is none: give folders")
    if not isinstance(target, Path):
        raise UsageError(f"--watch writes to a folder of this machine, and {target} is none: give a folder")
    return folders, target
