"""Which inputs become which outputs, and what is refused before any work starts."""

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cliphaze_cli.batch import refusals
from cliphaze_cli.batch.job import Job
from cliphaze_cli.batch.naming import ExtraOutputs, MapNames, PhotoNames, extra_outputs
from cliphaze_cli.batch.plan import Plan
from cliphaze_cli.batch.plan import plan as plan_all
from cliphaze_cli.system.errors import UsageError

Touch = Callable[..., None]


@pytest.fixture
def touch(tmp_path: Path) -> Touch:
    def make(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode())

    return make


def density_files(stem: Path) -> list[Path]:
    return [stem.with_name(stem.name + ".density.png"), stem.with_name(stem.name + ".density-overlay.png")]


def plan(
    *paths: Path,
    suffix: str = "",
    format: str | None = None,
    extra_outputs: ExtraOutputs | None = None,
    **options: Any,
) -> Plan:
    """The last of the paths is the output."""
    return plan_all(paths[:-1], paths[-1], PhotoNames(suffix, format, extra_outputs), **options)


def named(plan: Plan, root: Path) -> dict[str, str]:
    paths = [(Path(str(job.source)), Path(str(job.target))) for job in plan.jobs]
    return {source.relative_to(root).as_posix(): target.relative_to(root).as_posix() for source, target in paths}


def only(plan: Plan) -> Job:
    [job] = plan.jobs
    return job


def test_a_folder_is_sorted_and_leaves_out_hidden_and_other_files(tmp_path: Path, touch: Touch) -> None:
    touch("in/b.jpg", "in/a.PNG", "in/.c.jpg", "in/notes.txt", "in/sub/d.jpg", "in/.cache/e.jpg")
    made = plan(tmp_path / "in", tmp_path / "out")
    assert list(named(made, tmp_path).items()) == [("in/a.PNG", "out/a.PNG"), ("in/b.jpg", "out/b.jpg")]
    assert made.ignored == 1
    assert not (tmp_path / "out").exists()  # planning writes nothing


def test_recursive_mirrors_sub_folders(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/x/a.jpg", "in/x/y/a.jpg", "in/.hidden/a.jpg")
    made = plan(tmp_path / "in", tmp_path / "out", recursive=True)
    assert named(made, tmp_path) == {
        "in/a.jpg": "out/a.jpg",
        "in/x/a.jpg": "out/x/a.jpg",
        "in/x/y/a.jpg": "out/x/y/a.jpg",
    }
    made.make_folders()
    assert (tmp_path / "out/x/y").is_dir()


def test_links_that_lead_round_in_circles_end(tmp_path: Path, touch: Touch) -> None:
    touch("in/x/a.jpg")
    (tmp_path / "in/x/up").symlink_to(tmp_path / "in", target_is_directory=True)
    (tmp_path / "in/x/self").symlink_to(".", target_is_directory=True)
    assert named(plan(tmp_path / "in", tmp_path / "out", recursive=True), tmp_path) == {"in/x/a.jpg": "out/x/a.jpg"}


def test_an_output_folder_inside_the_input_is_no_input(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/out/a.jpg", "in/out/x/b.jpg")
    made = plan(tmp_path / "in", tmp_path / "in/out", recursive=True, overwrite=True)
    assert named(made, tmp_path) == {"in/a.jpg": "in/out/a.jpg"}


def test_what_cannot_be_a_photo_but_is_named_like_one_is_tried_so_that_it_is_reported(
    tmp_path: Path, touch: Touch
) -> None:
    touch("in/a.jpg", "in/folder.jpg/b.txt")
    os.mkfifo(tmp_path / "in/pipe.jpg")
    (tmp_path / "in/gone.jpg").symlink_to("nowhere.jpg")
    expected = {"in/a.jpg", "in/gone.jpg", "in/pipe.jpg"}
    assert set(named(plan(tmp_path / "in", tmp_path / "out"), tmp_path)) == expected


@pytest.mark.parametrize(
    ("source", "options", "target"),
    [
        ("a.jpeg", {}, "a.jpeg"),
        ("a.jpeg", {"suffix": "_clear"}, "a_clear.jpeg"),
        ("a.b.jpeg", {"format": "PNG", "suffix": "-x"}, "a.b-x.png"),
        ("a.JPE", {"format": "JPEG"}, "a.JPE"),
        ("a.tiff", {"format": "JPEG"}, "a.jpg"),
        ("scan", {}, "scan.png"),
        ("scan.dat", {"format": "WEBP"}, "scan.webp"),
    ],
)
def test_names_of_outputs(tmp_path: Path, touch: Touch, source: str, options: dict[str, Any], target: str) -> None:
    touch(source)
    made = plan(tmp_path / source, tmp_path / "out", **options)
    assert [job.target for job in made.jobs] == [tmp_path / "out" / target]


def test_a_file_may_name_its_output(tmp_path: Path, touch: Touch) -> None:
    touch("a.jpg")
    assert only(plan(tmp_path / "a.jpg", tmp_path / "new/b.png")).target == tmp_path / "new/b.png"
    (tmp_path / "dir.png").mkdir()
    assert only(plan(tmp_path / "a.jpg", tmp_path / "dir.png")).target == tmp_path / "dir.png/a.jpg"


@pytest.mark.parametrize(
    ("output", "options", "complaint"),
    [
        ("b.png", {"suffix": "_x"}, "--suffix"),
        ("b.png", {"format": "JPEG"}, "--format"),
        ("clip.MP4", {}, "film"),
        ("out", {"overwrite": True, "skip_existing": True}, "contradict"),
        ("notes.txt", {}, "OUTPUT"),
        ("b.gif", {}, r"b\.gif: \.gif cannot be written"),
        ("b.PSD", {}, "cannot be written"),
        ("scan.pdf", {}, "cannot be written"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    tmp_path: Path, touch: Touch, output: str, options: dict[str, Any], complaint: str
) -> None:
    touch("a.jpg", "notes.txt")
    with pytest.raises(UsageError, match=complaint):
        plan(tmp_path / "a.jpg", tmp_path / output, **options)


@pytest.mark.parametrize("output", ["there.jpg", "new.jpg", "notes"])
def test_a_folder_cannot_become_a_file(tmp_path: Path, touch: Touch, output: str) -> None:
    touch("in/a.jpg", "there.jpg", "notes")
    with pytest.raises(UsageError, match="OUTPUT must be one too"):
        plan(tmp_path / "in", tmp_path / output)


def test_nothing_to_do_says_where_to_look(tmp_path: Path, touch: Touch) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        plan(tmp_path / "in", tmp_path / "out")
    touch("in/readme.txt", "in/sub/a.jpg")
    made = plan(tmp_path / "in", tmp_path / "out")
    assert not made.jobs and re.search(r"no images in .*1 other file.*--recursive", made.nothing)
    touch("more/b.jpg")
    assert not plan(tmp_path / "in", tmp_path / "more", tmp_path / "out").nothing


def test_existing_outputs_are_refused_skipped_or_replaced(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg", "out/a.jpg", "out/c.jpg")
    folders = tmp_path / "in", tmp_path / "out"
    with pytest.raises(UsageError, match=r"2 outputs exist already \(first: .*a\.jpg\).*--skip-existing.*--overwrite"):
        plan(*folders)
    skipping = plan(*folders, skip_existing=True)
    assert named(skipping, tmp_path) == {"in/b.jpg": "out/b.jpg"}
    assert [job.source.name for job in skipping.skipped] == ["a.jpg", "c.jpg"]
    assert len(plan(*folders, overwrite=True).jobs) == 3


def test_all_outputs_there_is_no_error_when_skipping(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "out/a.jpg")
    made = plan(tmp_path / "in", tmp_path / "out", skip_existing=True)
    assert not made.jobs
    assert len(made.skipped) == 1


def test_existing_maps_count_as_outputs_but_do_not_complete_a_job(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "out/a.density.png")
    folders = tmp_path / "in", tmp_path / "out"
    with pytest.raises(UsageError, match=r"a\.density\.png"):
        plan(*folders, extra_outputs=density_files)
    resumed = plan(*folders, extra_outputs=density_files, skip_existing=True)  # an interrupted run left a map
    assert [job.extras for job in resumed.jobs] == [tuple(density_files(tmp_path / "out/a"))]
    touch("out/a.jpg", "in/b.jpg")
    assert [job.source.name for job in plan(*folders, extra_outputs=density_files, skip_existing=True).jobs] == [
        "b.jpg"
    ]


def test_comparisons_are_further_outputs_and_no_photos(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.b.jpg", "in/c.compare.jpg", "in/d.Compare.JPG", "out/a.b.compare.jpg")
    folders, names = (tmp_path / "in", tmp_path / "out"), extra_outputs(density=True, compare=True)
    with pytest.raises(UsageError, match=r"a\.b\.compare\.jpg"):
        plan(*folders, extra_outputs=names)
    (job,) = plan(*folders, extra_outputs=names, overwrite=True).jobs
    assert [path.name for path in job.extras] == ["a.b.density.png", "a.b.density-overlay.png", "a.b.compare.jpg"]
    assert job.comparison == tmp_path / "out/a.b.compare.jpg"
    assert extra_outputs(density=False, compare=False) is None
    touch("out/a.b.jpg")
    assert not plan(*folders, extra_outputs=names, skip_existing=True).jobs  # the photo is there: it is done
    long = "x" * 245 + ".jpg"
    touch(f"long/{long}")
    ((_, why),) = plan(tmp_path / "long", tmp_path / "new", extra_outputs=names).refused
    assert "too long" in why


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (("a.jpg", "a.png"), {"format": "PNG"}),
        (("a.jpg", "a.png"), {"extra_outputs": extra_outputs(density=False, compare=True)}),
        (("a.jpg", "a.png"), {"extra_outputs": density_files}),  # their maps would collide
    ],
)
def test_of_two_inputs_for_one_output_the_later_is_refused(
    tmp_path: Path, touch: Touch, names: tuple[str, str], options: dict[str, Any]
) -> None:
    touch(*(f"in/{name}" for name in (*names, "z.jpg")))
    made = plan(tmp_path / "in", tmp_path / "out", overwrite=True, **options)
    assert [job.source.name for job in made.jobs] == ["a.jpg", "z.jpg"]
    ((refused, reason),) = made.refused
    assert refused.source.name == "a.png"
    assert "a.jpg is written to" in reason and "rename one of them" in reason


@pytest.mark.parametrize(
    "pair", [("a.jpg", "A.jpg"), ("\u00e9.jpg", "e\u0301.jpg"), ("stra\u00dfe.jpg", "STRASSE.jpg")]
)
def test_names_that_differ_by_case_or_unicode_form_collide_only_where_the_disk_makes_them(
    tmp_path: Path, touch: Touch, monkeypatch: pytest.MonkeyPatch, pair: tuple[str, str]
) -> None:
    touch(*(f"in/{name}" for name in pair))
    if len(list((tmp_path / "in").iterdir())) == 1:
        pytest.skip("this file system does not keep them apart")
    made = plan(tmp_path / "in", tmp_path / "out")
    assert len(made.jobs) == 2 and not made.refused
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]  # however it was found out

    monkeypatch.setattr(refusals, "_keeps_apart", lambda folder: False)
    made = plan(tmp_path / "in", tmp_path / "out")
    assert len(made.jobs) == 1 and len(made.refused) == 1
    assert str(made.refused[0][0].source) > str(only(made).source)


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"skip_existing": True}])
def test_a_photo_whose_output_has_too_long_a_name_is_refused_alone(
    tmp_path: Path, touch: Touch, options: dict[str, Any]
) -> None:
    long = "x" * 248 + ".jpg"
    touch(f"in/{long}", "in/a.jpg")
    made = plan(tmp_path / "in", tmp_path / "out", suffix="-clear", **options)
    assert [job.source.name for job in made.jobs] == ["a.jpg"]
    ((job, why),) = made.refused
    assert job.source.name == long and "too long" in why and "--suffix" in why


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"skip_existing": True}])
def test_an_output_that_is_an_input_is_refused(tmp_path: Path, touch: Touch, options: dict[str, Any]) -> None:
    touch("in/a.jpg")
    with pytest.raises(UsageError, match="is an input"):
        plan(tmp_path / "in", tmp_path / "in", **options)
    with pytest.raises(UsageError, match="is an input"):
        plan(tmp_path / "in/a.jpg", tmp_path / "in", **options)
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    with pytest.raises(UsageError, match="is an input"):
        plan(tmp_path / "in", tmp_path / "link", **options)


def test_outputs_beside_the_inputs_are_not_dehazed_again(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/a_clear.jpg", "in/a_clear.density.png", "in/b.jpg", "in/c_clear.jpg")
    made = plan(tmp_path / "in", tmp_path / "in", suffix="_clear", skip_existing=True)
    assert named(made, tmp_path) == {"in/b.jpg": "in/b_clear.jpg", "in/c_clear.jpg": "in/c_clear_clear.jpg"}


def test_several_files_and_folders(tmp_path: Path, touch: Touch) -> None:
    touch("a.jpg", "b.png", "in/c.jpg", "in/sub/d.jpg")
    inputs = [tmp_path / name for name in ("a.jpg", "b.png", "in", "a.jpg", "in/c.jpg")]
    made = plan(*inputs, tmp_path / "out", recursive=True)
    assert named(made, tmp_path) == {
        "a.jpg": "out/a.jpg",
        "b.png": "out/b.png",
        "in/c.jpg": "out/c.jpg",
        "in/sub/d.jpg": "out/sub/d.jpg",
    }  # and what was given twice is done once
    with pytest.raises(UsageError, match="name a folder"):
        plan(tmp_path / "a.jpg", tmp_path / "b.png", tmp_path / "new.jpg")
    with pytest.raises(UsageError, match="for several photos name a folder"):
        plan(tmp_path / "a.jpg", tmp_path / "in", tmp_path / "b.png", overwrite=True)


def test_maps_lie_beside_their_photos_or_in_a_folder(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/sub/b.jpg")
    names = MapNames(density_files)
    beside = plan_all([tmp_path / "in"], None, names, recursive=True)
    assert named(beside, tmp_path) == {"in/a.jpg": "in/a.density.png", "in/sub/b.jpg": "in/sub/b.density.png"}
    assert [path.name for path in next(iter(beside.jobs)).extras] == ["a.density-overlay.png"]
    apart = plan_all([tmp_path / "in"], tmp_path / "out", names, recursive=True)
    assert [job.target for job in apart.jobs] == [tmp_path / "out/a.density.png", tmp_path / "out/sub/b.density.png"]
    assert next(iter(apart.jobs)).maps_stem == tmp_path / "out/a"


def test_a_file_of_several_jpegs_becomes_a_jpeg(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.MPO")
    assert named(plan(tmp_path / "in", tmp_path / "out"), tmp_path) == {"in/a.MPO": "out/a.jpg"}


@pytest.mark.usefixtures("without_rawpy", "without_films")
def test_kinds_that_are_not_read_are_counted(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "in/b.NEF", "in/c.cr2", "in/d.mp4", "in/e.gif", "in/f.psd", "in/notes.txt", "in/.g.mp4")
    touch("in/h.dds", "in/i.DCM", "in/j.djvu")
    made = plan(tmp_path / "in", tmp_path / "out")
    assert made.left_out == {"camera raw": 2, "video": 1, "GIF": 1, "Photoshop": 1, "other image": 2, "document": 1}
    assert made.ignored == 1
    given = [tmp_path / "in" / name for name in ("a.jpg", "d.mp4")]
    assert plan(*given, tmp_path / "out").left_out == {"video": 1}


@pytest.mark.usefixtures("without_rawpy", "without_films")
@pytest.mark.parametrize(
    ("name", "complaint"),
    [("a.mov", "is a video, which is not read"), ("a.DNG", "is a camera raw file"), ("a.gif", "is a GIF file.*PNG")],
)
def test_another_kind_given_by_name_says_what_it_is(tmp_path: Path, touch: Touch, name: str, complaint: str) -> None:
    touch(name)
    with pytest.raises(UsageError, match=complaint):
        plan(tmp_path / name, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_kinds_that_are_read_only_are_written_in_others(
    tmp_path: Path, touch: Touch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliphaze_cli.imaging.formats.raw_is_read", lambda: True)
    touch("in/a.jxl", "in/b.JP2", "in/c.NEF")
    made = plan(tmp_path / "in", tmp_path / "out")
    assert named(made, tmp_path) == {"in/a.jxl": "out/a.png", "in/b.JP2": "out/b.png", "in/c.NEF": "out/c.tif"}
    for name in ("new.jxl", "new.jp2", "new.dng", "new.gif"):
        with pytest.raises(UsageError, match="cannot be written, only JPEG"):
            plan(tmp_path / "in/a.jxl", tmp_path / name)


def test_a_folder_may_have_a_dot_in_its_name(tmp_path: Path, touch: Touch) -> None:
    touch("a.jpg")
    (tmp_path / "frames.gif").mkdir()
    for name in ("2024.05", "clear.v2", "frames.gif"):
        assert only(plan(tmp_path / "a.jpg", tmp_path / name)).target == tmp_path / name / "a.jpg"


def test_a_folder_that_takes_no_files_is_told_before_the_work(
    tmp_path: Path, touch: Touch, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch("in/a.jpg")
    (tmp_path / "out").mkdir()
    made = plan(tmp_path / "in", tmp_path / "out")
    made.make_folders()
    assert list((tmp_path / "out").iterdir()) == []  # trying leaves nothing behind

    def deny(path: object, *arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("cliphaze_cli.system.atomic_file.os.open", deny)
    with pytest.raises(UsageError, match="no permission to write in"):
        made.make_folders()


def test_a_folder_in_the_way_is_refused(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg")
    (tmp_path / "out/a.jpg").mkdir(parents=True)
    with pytest.raises(UsageError, match="folder of that name"):
        plan(tmp_path / "in", tmp_path / "out", overwrite=True)


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path, touch: Touch) -> None:
    touch("in/a.jpg", "blocker")
    with pytest.raises(UsageError, match="cannot create the output folder"):
        plan(tmp_path / "in", tmp_path / "blocker/out").make_folders()


def test_a_sub_folder_that_cannot_be_listed_is_told(
    tmp_path: Path, touch: Touch, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch("in/a.jpg", "in/locked/b.jpg")
    scandir = os.scandir

    def refusing(path: str) -> "os._ScandirIterator[str]":
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    made = plan(tmp_path / "in", tmp_path / "out", recursive=True)
    assert made.unreadable == ((tmp_path / "in/locked", "Permission denied"),)
    assert len(made.jobs) == 1
