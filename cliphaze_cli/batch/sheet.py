"""The sheet of a run: small comparisons are kept on the disk until its end, and then written page by page."""

import os
import stat
import tempfile
from pathlib import Path

from cliphaze_cli.imaging.comparison_paths import PAIRS_PER_PAGE, sheet_paths
from cliphaze_cli.imaging.contact_sheet import save_page
from cliphaze_cli.places.remote import Place
from cliphaze_cli.report.results import FileResult
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.system.file_status import FileStatus


class Sheet:
    """Collects what photos looked like before and after."""

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        """path: of the first page. replace: whether files of the pages' names are replaced."""
        self._path, self._replace = path, replace
        self._kept = tempfile.TemporaryFile(prefix="cliphaze-")  # noqa: SIM115 - it lives as long as this
        self._places: list[tuple[Place, int, int]] = []
        self._permissions = 0o777
        self._failure: OSError | None = None

    def add(self, result: FileResult) -> None:
        """Keep the picture of a photo that was done; a failure is raised by `save`, not in the middle of a run."""
        if result.picture is None or result.status != "done" or self._failure is not None:
            return
        try:
            if isinstance(result.source, Path):
                self._permissions &= stat.S_IMODE(result.source.stat().st_mode)
            self._places.append((result.source, self._kept.seek(0, os.SEEK_END), len(result.picture)))
            self._kept.write(result.picture)
        except OSError as error:
            self._failure = error

    def save(self) -> list[Path]:
        """Write the pages in the order of the photos' paths, and return theirs; none where no photo was done.

        Whoever may not read all of the photos may not read the pages. Raises ImageError.
        """
        if self._failure is not None:
            reason = self._failure.strerror or self._failure
            raise ImageError(f"cannot write {shown(self._path)}: its pictures could not be kept meanwhile ({reason})")
        places = sorted(self._places, key=lambda place: str(place[0]))
        if not places:
            return []
        status = FileStatus(0, 0, self._permissions)
        paths = sheet_paths(self._path, len(places))
        for page, path in enumerate(paths):
            pairs = []
            for source, start, length in places[page * PAIRS_PER_PAGE : (page + 1) * PAIRS_PER_PAGE]:
                self._kept.seek(start)
                pairs.append((shown(source), self._kept.read(length)))
            save_page(path, pairs, replace=self._replace, source=status)
        return paths
