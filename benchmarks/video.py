"""Films: do they flicker, how fast are they, and does their memory stay flat?

    python -m benchmarks.video quality [PHOTOS...]   # clear photos, one a scene; default: the examples, which are hazy
    python -m benchmarks.video roam [PHOTOS...]      # each panned, zoomed in and zoomed out
    python -m benchmarks.video speed                 # 1080p, with decoding and encoding alone beside it
    python -m benchmarks.video memory                # 20 and 120 seconds

Temporal error: mean absolute difference, of 255, between a frame and the one before as the camera would have seen it
from there, whose motion is known; and the same of means of 8 x 8 pixels, in which noise averages out and flicker stays.
The ratios are to the truth's. Noise and rounding grow where haze is taken away, so the true maps are shown beside it.
"""

# ruff: noqa: T201

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.films import AIRLIGHT, NOISE, SIZE, Moment, Scene, moved
from benchmarks.timing import machine
from cliphaze_cli.dehazer import Dehazer
from cliphaze_cli.video.frames import FilmDehazer

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.webp"))
MOST_RATIO, LEAST_DB = 1.15, -0.1  # what is aimed at
_BLOCK = 8
_FULL_HD = (1920, 1080)


def scenes(photos: Sequence[Path], size: tuple[int, int]) -> dict[str, Scene]:
    """A still one with a sensor's noise, and three in which the camera moves."""
    one = [photos[number % len(photos)] for number in range(4)]
    return {
        "still, noise": Scene(one[0], noise=NOISE, size=size),
        "pan": Scene(one[1], speed=(4.3, 0.7), size=size),
        "fast pan": Scene(one[2], speed=(-8.6, 0.4), size=size),
        "zoom": Scene(one[3], speed=(1.5, 0.5), zoom=0.99, size=size),
    }


def roam(photos: Sequence[Path], frames: int, size: tuple[int, int]) -> None:
    """Print the ratio of temporal errors, and PSNR against frame by frame, of a pan and two zooms over each photo."""
    dehazer = Dehazer.from_pretrained("tiny")
    found = []
    print(f"{machine()}; {frames} frames of {size[0]}x{size[1]} a scene\n")
    print("| photo | scene | ratio | dB |\n|---|---|---|---|")
    for photo in photos:
        for name, speed, zoom in (("pan", (4.3, 0.7), 1), ("in", (1.5, 0.5), 0.99), ("out", (1.5, 0.5), 1 / 0.99)):
            moments = list(Scene(photo, speed=speed, zoom=zoom, size=size).moments(frames))
            film = FilmDehazer(dehazer)
            made = [film(moment.hazy) for moment in moments]
            truth, _ = temporal_errors([_rounded(moment.truth) for moment in moments], moments)
            one_by_one = psnr([dehazer.dehaze(moment.hazy).image for moment in moments], moments)
            found.append((temporal_errors(made, moments)[0] / truth, psnr(made, moments) - one_by_one))
            print(f"| {photo.stem} | {name} | {found[-1][0]:.2f} | {found[-1][1]:+.2f} |", flush=True)
    for name, values, worst, good in (
        ("ratio", [each[0] for each in found], max, sum(each[0] <= MOST_RATIO for each in found)),
        ("dB", [each[1] for each in found], min, sum(each[1] >= LEAST_DB for each in found)),
    ):
        print(f"{name}: mean {np.mean(values):.2f}, worst {worst(values):.2f}, {good} of {len(found)} as aimed at")


def quality(photos: Sequence[Path], frames: int, size: tuple[int, int]) -> None:
    """Print PSNR and temporal errors of each scene, and what is seen of a cut."""
    dehazer = Dehazer.from_pretrained("tiny")
    print(f"{machine()}; {frames} frames of {size[0]}x{size[1]} a scene\n")
    print("| scene | frames | PSNR | temporal error | ratio | of means | ratio | network |")
    print("|---|---|---|---|---|---|---|---|")
    for name, scene in scenes(photos, size).items():
        moments = list(scene.moments(frames))
        film, plain_film = FilmDehazer(dehazer), FilmDehazer(dehazer, denoise=False)
        made: dict[str, list[NDArray[Any]]] = {
            "hazy": [moment.hazy for moment in moments],
            "the truth": [_rounded(moment.noisy) for moment in moments],
            "by true maps": [_by_true_maps(moment) for moment in moments],
            "one by one": [dehazer.dehaze(moment.hazy).image for moment in moments],
            "with --no-denoise": [plain_film(moment.hazy) for moment in moments],
            "as a film": [film(moment.hazy) for moment in moments],
        }
        measure = temporal_errors(made["the truth"], moments)
        for label, pictures in made.items():
            plain, means = temporal_errors(pictures, moments)
            asked = {"as a film": film.over_time.estimates, "one by one": frames}.get(label, "")
            print(
                f"| {name} | {label} | {psnr(pictures, moments):.2f} | {plain:.3f} | {plain / measure[0]:.2f} | "
                f"{means:.3f} | {means / measure[1]:.2f} | {asked} |",
                flush=True,
            )
    print("\n" + cut(dehazer, photos))


def cut(dehazer: Dehazer, photos: Sequence[Path]) -> str:
    """How far the frames after a cut are from what they would be in a film that begins there."""
    before, after = (list(Scene(photo, speed=(3.3, 0)).moments(4)) for photo in (photos[0], photos[-1]))
    film, fresh = FilmDehazer(dehazer), FilmDehazer(dehazer)
    for moment in before:
        film(moment.hazy)
    apart = [np.abs(film(moment.hazy).astype(float) - fresh(moment.hazy)).mean() for moment in after]
    return "After a cut, difference from a film that begins there, frame by frame: " + ", ".join(
        f"{each:.3f}" for each in apart
    )


def psnr(pictures: Sequence[NDArray[Any]], moments: Sequence[Moment]) -> float:
    """Mean over frames, in dB, against the truth without noise."""
    errors = [
        np.mean((picture - moment.truth.astype(float)) ** 2) for picture, moment in zip(pictures, moments, strict=True)
    ]
    return float(np.mean([10 * np.log10(255**2 / max(error, 1e-9)) for error in errors]))


def temporal_errors(pictures: Sequence[NDArray[Any]], moments: Sequence[Moment]) -> tuple[float, float]:
    """Of pixels, and of means of blocks."""
    of_pixels, of_means = [], []
    for first, second, was, now in zip(pictures, pictures[1:], moments, moments[1:], strict=False):
        difference = second.astype(np.float32) - moved(first.astype(np.float32), was.view, now.view)
        seen = np.isfinite(difference)
        of_pixels.append(np.abs(difference[seen]).mean())
        whole = _means(seen.astype(np.float32)) > 0.999
        of_means.append(np.abs(_means(np.where(seen, difference, np.float32(0)))[whole]).mean())
    return float(np.mean(of_pixels)), float(np.mean(of_means))


def _means(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    size = (plane.shape[1] // _BLOCK, plane.shape[0] // _BLOCK)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _by_true_maps(moment: Moment) -> NDArray[np.uint8]:
    airlight = 255 * AIRLIGHT
    return _rounded((moment.hazy - airlight) / moment.transmission + airlight)


def _rounded(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(pixels.round(), 0, 255), np.uint8)


def make_film(path: Path, seconds: float, size: tuple[int, int], rate: int = 25) -> Path:
    """A camera that sways over an example photo, with a sensor's noise, as H.264."""
    import av
    from PIL import Image

    with Image.open(Path(__file__).parents[1] / "examples" / "fog.jpg") as image:
        pixels = np.asarray(image.convert("RGB"))
    pixels = cv2.resize(pixels, (size[0] * 5 // 4, size[1] * 5 // 4), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, NOISE, (4, size[1], size[0], 3)).astype(np.float32)
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=rate, width=size[0], height=size[1], options={"preset": "superfast"})
        for number in range(round(seconds * rate)):
            left = round((np.sin(number / 40) + 1) * size[0] / 8)
            top = round((np.cos(number / 60) + 1) * size[1] / 8)
            view = pixels[top : top + size[1], left : left + size[0]] + noise[number % 4]
            film.mux(stream.encode(av.VideoFrame.from_ndarray(_rounded(view), format="rgb24")))
        film.mux(stream.encode(None))
    return path


def speed(seconds: float) -> None:
    """Print seconds and core-seconds of a film, in processes of their own, less those of starting."""
    with tempfile.TemporaryDirectory() as folder:
        source = make_film(Path(folder, "film.mp4"), seconds, _FULL_HD)
        once = make_film(Path(folder, "once.mp4"), 0.04, _FULL_HD)
        print(f"{machine()}; {round(seconds * 25)} frames of 1920x1080, H.264, the default preset\n")
        print("| work | seconds | core-milliseconds a frame | ratio |\n|---|---|---|---|")
        frames = round(seconds * 25)
        runs: dict[str, Callable[[Path], list[str]]] = {
            "decoding and encoding alone": lambda film: ["recode", str(film), f"{folder}/r.mp4"],
            "dehazing the film": lambda film: ["dehaze", str(film), f"{folder}/d.mp4"],
        }
        first = None
        for name, arguments in runs.items():
            (wall, cores), (start_wall, start_cores) = (_spent(arguments(film)) for film in (source, once))
            each = (cores - start_cores) / (frames - 1)
            first = first or each
            print(f"| {name} | {wall - start_wall:.1f} | {each * 1000:.0f} | {each / first:.2f} |", flush=True)


def memory() -> None:
    """Print the largest memory of short and long films of few pixels."""
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (20, 120):
            source = make_film(Path(folder, f"{seconds}.mp4"), seconds, (320, 180))
            done = _run(["dehaze", str(source), f"{folder}/out{seconds}.mp4"])
            print(f"{seconds} s of 320x180: {done} MB at most", flush=True)


def _spent(arguments: list[str]) -> tuple[float, float]:
    """Seconds, and core-seconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _run(arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cores


def _run(arguments: list[str]) -> str:
    command = [sys.executable, "-m", "benchmarks.video", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def dehaze_one(source: Path, target: Path) -> None:
    """Dehaze a film in this process, and print its largest memory in MB."""
    from cliphaze_cli.system.cpu import usable_cores
    from cliphaze_cli.system.devices import use_cores
    from cliphaze_cli.video.film import dehaze_film
    from cliphaze_cli.video.options import Encoding

    use_cores(usable_cores())
    dehazer = Dehazer.from_pretrained("tiny")
    dehaze_film(
        source,
        target,
        dehazer,
        strength=1.0,
        encoding=Encoding(),
        max_pixels=10**8,
        cores=usable_cores(),
    )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)


def recode_one(source: Path, target: Path) -> None:
    """Decode and encode a film by the same encoder with the same options."""
    import av

    from cliphaze_cli.system.cpu import usable_cores
    from cliphaze_cli.video.options import DEFAULT_PRESET, encoder_options

    with av.open(str(source)) as film, av.open(str(target), "w") as copy:
        old = film.streams.video[0]
        old.thread_type, old.codec_context.thread_count = "AUTO", usable_cores()
        new = copy.add_stream("libx264", rate=25, width=old.width, height=old.height, time_base=old.time_base)
        new.options = encoder_options("h264", 18, DEFAULT_PRESET)
        new.codec_context.thread_count = usable_cores()
        for frame in film.decode(old):
            frame.pict_type = 0
            copy.mux(new.encode(frame))
        copy.mux(new.encode(None))


def _size(text: str) -> tuple[int, int]:
    width, height = (int(side) for side in text.split("x"))
    return width, height


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.video")
    parser.add_argument("what", choices=["quality", "roam", "speed", "memory", "dehaze", "recode"])
    parser.add_argument("files", nargs="*", type=Path, help="photos, or a film and its copy")
    parser.add_argument("--frames", type=int, default=24, help="of each scene")
    parser.add_argument("--size", type=_size, default=SIZE, help="of these frames, as in 480x270")
    parser.add_argument("--seconds", type=float, default=8, help="of the film of `speed`")
    given = parser.parse_args()
    if given.what in ("quality", "roam"):
        {"quality": quality, "roam": roam}[given.what](given.files or EXAMPLES, given.frames, given.size)
    elif given.what == "speed":
        speed(given.seconds)
    elif given.what == "memory":
        memory()
    else:
        (dehaze_one if given.what == "dehaze" else recode_one)(*given.files)


if __name__ == "__main__":
    main()
