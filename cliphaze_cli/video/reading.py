"""An open film: its frames to dehaze, and the packets of all else to be copied."""

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cliphaze_cli.imaging.limits import megapixels
from cliphaze_cli.system.atomic_file import shown
from cliphaze_cli.system.errors import ImageError
from cliphaze_cli.video.decoding import Decoder, Picture
from cliphaze_cli.video.deinterlace import Deinterlacer
from cliphaze_cli.video.losses import Losses
from cliphaze_cli.video.window import Window

# No lists of other files (HLS, concat ...) and no addresses: a film opens nothing but itself.
_SAFE = {"format_whitelist": "mov,matroska,avi,mpegts,mpeg,asf,flv,mxf,ogg", "protocol_whitelist": "file"}
_LINGER = 10  # seconds beyond the end of what is kept, in which packets of its sound may lie
_TOLERANCE = 0.5  # seconds by which a film may be shorter than its container says


class Film:
    """A context manager.

    Attributes:
        container, stream: of PyAV, the latter that of the frames; others: its other streams. width, height: in pixels.
        time_base: of the frames' times. losses: complete when all items were read.
    """

    def __init__(
        self, path: Path, *, max_pixels: int, threads: int = 1, start: float | None = None, end: float | None = None
    ) -> None:
        """Open it and look at its streams. max_pixels: of a frame; start, end: seconds, what lies between is kept.

        Raises ImageError where it cannot be read.
        """
        self.path, self.losses = path, Losses()
        try:
            self.container = av.open(f"file:{path}", container_options=_SAFE, metadata_errors="replace")
        except av.error.FFmpegError as error:
            raise self._unreadable(_why(error)) from error
        try:
            self._choose_stream(max_pixels, threads)
        except BaseException:
            self.container.close()
            raise
        self.time_base = Fraction(self.stream.time_base)
        origin = (self.stream.start_time or 0) * self.time_base
        self.window = Window(origin, _exact(start or 0), None if end is None else _exact(end))

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self.container.close()

    @property
    def frames(self) -> int | None:
        """About how many frames are kept, as far as the file tells."""
        whole, rate = self._seconds, self.stream.average_rate
        if not whole:
            return None
        kept = max(Fraction(0), min(whole, self.window.end or whole) - self.window.start)
        count = self.stream.frames * kept / whole if self.stream.frames else kept * rate if rate else 0
        return round(count) or None

    def items(self) -> Generator[Any]:
        """Pictures, and packets to copy, both by times from the beginning of what is kept. Raises ImageError."""
        if self.window.start:
            beginning = self.window.origin + self.window.start
            self.container.seek(int(beginning * av.time_base), backward=True)
        deinterlacer = Deinterlacer(self.stream, self.time_base)
        shift = self.window.shift(self.time_base)
        for item in self._decoded():
            if not isinstance(item, Picture):
                yield item
                continue
            for picture in deinterlacer(item):
                yield Picture(picture.frame, picture.pts - shift, picture.duration)
        for picture in deinterlacer(None):
            yield Picture(picture.frame, picture.pts - shift, picture.duration)
        self.losses.deinterlaced = deinterlacer.used
        if not self.losses.good:
            raise self._unreadable("no frame of it can be decoded" + ("" if self.window.is_all else " in that time"))

    def _decoded(self) -> Iterator[Any]:
        decoder = Decoder(self.path, self.stream, self.window, self.losses)
        packets, latest = 0, Fraction(0)
        for packet in self._packets():
            time = packet.pts if packet.pts is not None else packet.dts
            base = Fraction(packet.time_base)
            if time is not None:
                latest = max(latest, self.window.since(time + (packet.duration or 0), base))
                if self.window.ended(time, base, _LINGER):
                    return
            if packet.stream is self.stream:
                packets += bool(packet.size)
                if not decoder.ended:
                    yield from decoder(packet)
            elif packet.size and (_is_picture(packet.stream) or self.window.admits(packet)):
                yield packet
        if self.window.end is None:
            self._see_whether_whole(packets, float(latest))
        if self.losses.too_many:
            raise ImageError(self.losses.why_too_many(self.path))

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self.container.demux()
        except av.error.InvalidDataError:  # what came before is there, and the rest is missed
            pass
        except av.error.FFmpegError as error:
            raise self._unreadable(_why(error)) from error

    def _see_whether_whole(self, packets: int, latest: float) -> None:
        """Notice a file that ends before it should."""
        whole, rate = float(self._seconds or 0), float(self.stream.average_rate or 25)
        if self.stream.frames and self.container.format.name.startswith("mov") and not self.window.start:
            missing = self.stream.frames - packets
        else:
            whole = max(whole, self.stream.frames / rate)  # AVI counts its frames, also where it cannot tell its time
            missing = round((whole - latest) * rate) if whole - latest > max(_TOLERANCE, 2 / rate) else 0
        if missing > 0:
            self.losses.missing, self.losses.short = missing, (max(0.0, whole - missing / rate), whole)

    def _choose_stream(self, max_pixels: int, threads: int) -> None:
        films = [stream for stream in self.container.streams.video if not _is_picture(stream)]
        if not films:
            raise self._unreadable("there is no film in it, only sound or pictures")
        self.stream = films[0]
        self.others = [stream for stream in self.container.streams if stream is not self.stream]
        context = self.stream.codec_context
        if context is None or not context.width or not context.height:
            raise self._unreadable("its film is of a kind that is not known here, or damaged")
        self.width, self.height = context.width, context.height
        if self.width * self.height > max_pixels:
            raise self._unreadable(
                f"its frames have {megapixels(self.width * self.height)} megapixels, and the limit is "
                f"{max_pixels / 1e6:g}; make it smaller first, or raise the limit (--max-megapixels)"
            )
        context.thread_type, context.thread_count = "AUTO", threads
        # A damaged JPEG would pass for a good one.
        explode = {"err_detect": "explode"} if context.name == "mjpeg" else {}
        context.options = {"max_pixels": str(max_pixels), **explode}

    @property
    def _seconds(self) -> Fraction | None:
        """That the file says it lasts."""
        if self.stream.duration:
            return Fraction(self.stream.duration * self.time_base)
        return Fraction(self.container.duration, av.time_base) if self.container.duration else None

    def _unreadable(self, why: str) -> ImageError:
        return ImageError(f"cannot read {shown(self.path)}: {why}")


def _exact(seconds: float) -> Fraction:
    """What was meant: 0.2 is a fifth, though no float is."""
    return Fraction(seconds).limit_denominator(10**6)


def _is_picture(stream: Any) -> bool:
    """Whether it is no film, but the picture of a cover."""
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def _why(error: "av.error.FFmpegError") -> str:
    if isinstance(error, av.error.InvalidDataError | av.error.ArgumentError):
        return "not a film of a kind that is known here, or damaged, or cut off before its index; copy it again"
    return f"{error.strerror or error} (damaged or incomplete? copy it again)"
