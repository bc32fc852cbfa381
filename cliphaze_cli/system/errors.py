"""The failures that users are expected to meet. Each message is one line and says what to do about it."""


class CliphazeError(Exception):
    """Base of all expected failures: shown without a traceback, and the process exits with `exit_code`."""

    exit_code = 1


class UsageError(CliphazeError):
    """The command cannot start as asked: contradictory options, colliding outputs, nothing to do."""

    exit_code = 2


class ImageError(CliphazeError):
    """An image file cannot be read or written."""


class NeedsMemoryError(ImageError):
    """An image needs more memory than it was granted."""


class OutputExistsError(ImageError):
    """An output appeared that was not there when the work was planned; it is kept."""


class WeightsError(CliphazeError):
    """Weights are missing, damaged, or of another network."""

    exit_code = 2


class HubError(CliphazeError):
    """A download from the Hugging Face Hub failed."""
