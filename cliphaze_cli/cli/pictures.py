"""What becomes of the small comparisons that results bring along: previews on the terminal, and the sheet of a run."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cliphaze_cli.batch.folders import make_folders
from cliphaze_cli.cli.console import Console
from cliphaze_cli.cli.preview import Preview, open_preview
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import shown

if TYPE_CHECKING:
    from rich.console import Console as Terminal

    from cliphaze_cli.batch.sheet import Sheet


@dataclass(frozen=True)
class Pictures:
    """Where pictures go; nowhere by default. folder: that of the sheet."""

    preview: Preview | None = None
    sheet: "Sheet | None" = None
    folder: Path | None = None

    @property
    def wanted(self) -> bool:
        """Whether results are to bring any along."""
        return self.preview is not None or self.sheet is not None

    @property
    def terminal(self) -> "Terminal | None":
        """Where previews are printed: a progress bar has to be on the same object."""
        return None if self.preview is None else self.preview.terminal

    def make_folder(self) -> None:
        """Make that of the sheet, before the work starts. Raises UsageError."""
        if self.folder is not None:
            make_folders([self.folder])

    def take(self, result: FileResult) -> FileResult:
        """Show and collect the picture of a result, and return the result without it: thousands would fill memory."""
        if self.preview is not None:
            self.preview.show(result)
        if self.sheet is not None:
            self.sheet.add(result)
        return replace(result, picture=None)

    def finish(self, console: Console) -> None:
        """Write the sheet of the photos that were done. Raises ImageError."""
        if self.sheet is not None:
            for path in self.sheet.save():
                console.detail(f"the comparisons are on {shown(path)}")


def open_pictures(console: Console, *, preview: bool, sheet: Path | None, overwrite: bool) -> Pictures:
    """Prepare what was asked for. Raises UsageError where a package is missing."""
    if sheet is None:
        return Pictures(preview=open_preview(console) if preview else None)
    from cliphaze_cli.batch.sheet import Sheet

    return Pictures(open_preview(console) if preview else None, Sheet(sheet, replace=overwrite), sheet.parent)
