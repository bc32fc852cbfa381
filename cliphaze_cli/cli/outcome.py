"""A batch's end: every file's result, the exit code, and the lines for people on stderr."""

from collections.abc import Iterable, Iterator

from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.signals import EXIT_INTERRUPTED
from cliphaze_cli.cli.tally import Tally, by_place
from cliphaze_cli.report.results import BatchReport, FileResult
from cliphaze_cli.system.atomic_file import shown


def before_work(plan: Plan) -> Iterator[FileResult]:
    """What is known before any work: what was skipped or refused, and folders that could not be listed."""
    for job in plan.skipped:
        yield FileResult(job.source, job.target, "skipped", reason="the output exists")
    for job, why in plan.refused:
        yield FileResult(job.source, job.target, "failed", reason=why)
    for folder, why in plan.unreadable:
        yield FileResult(folder, None, "failed", reason=f"cannot list this folder: {why}")


def all_results(plan: Plan, results: Iterable[FileResult]) -> list[FileResult]:
    """Every file by its path: what was processed, skipped or not reached, and folders that could not be listed."""
    results = list(results)
    reached = {result.source for result in results}
    pending = [
        FileResult(job.source, job.target, "pending", reason="not reached")
        for job in plan.jobs
        if job.source not in reached
    ]
    return sorted([*results, *pending, *before_work(plan)], key=by_place)


def exit_code(tally: Tally, interrupted: bool, ended: bool = False) -> int:
    """130 after an interruption, 1 if anything failed or the work had to end, else 0."""
    return EXIT_INTERRUPTED if interrupted else int(bool(tally.failed or ended))


def file_line(result: FileResult) -> str:
    """One finished file, for --verbose."""
    if result.status != "done":
        return f"{shown(result.source)}: {result.status}"
    size = f"{result.size[0]} x {result.size[1]}, " if result.size else ""
    target = shown(result.target) if result.target else ""
    return f"{shown(result.source)} -> {target} ({size}{result.seconds:.1f} s)"


def tell(
    console: Console,
    tally: Tally,
    *,
    done_word: str,
    planned: int,
    nothing: str,
    batch: BatchReport,
    seconds: float,
) -> None:
    """Print notices, then failures with their reasons, then one line that sums up; nothing: as in `Plan`."""
    for line in tally.notice_lines:
        console.notice(line)
    for result in sorted(tally.failed, key=by_place):
        tell_failure(console, result)
    done, failed, skipped = (tally.counts[status] for status in ("done", "failed", "skipped"))
    if batch.interrupted or batch.ended:
        why = "interrupted" if batch.interrupted else f"{batch.ended}. Ended"
        console.error(f"{why} with {done} of {planned} done; --skip-existing will continue from there")
        return
    if not planned and not failed:
        exist = "the output exists already" if skipped == 1 else f"all {skipped} outputs exist already"
        console.info(f"nothing to do: {nothing or (exist if skipped else 'the report tells of no failure')}")
        return
    console.info(summary(tally, done_word, seconds))


def summary(tally: Tally, done_word: str, seconds: float) -> str:
    """How many files were done, failed and were skipped, in one line."""
    done, failed, skipped = (tally.counts[status] for status in ("done", "failed", "skipped"))
    parts = [f"{done} {done_word}"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{skipped} skipped (outputs exist)"] if skipped else []
    return f"{', '.join(parts)} in {seconds:.1f} s"


def tell_failure(console: Console, result: FileResult) -> None:
    """Print what failed and why, and with --verbose where."""
    console.error(failure_line(result))
    if result.traceback:
        console.detail(result.traceback.rstrip())


def failure_line(result: FileResult) -> str:
    """What failed and why; the path is not repeated where the reason names it."""
    source, reason = shown(result.source), result.reason or "unknown reason"
    return reason if source in reason else f"{source}: {reason}"
