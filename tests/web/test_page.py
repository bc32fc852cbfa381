"""The page in a real browser, and the real command behind it: `python -m pytest -m web`."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.cli import process

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

pytestmark = [pytest.mark.web, pytest.mark.skipif(sys.platform == "win32", reason="ends the server by SIGINT")]

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTO = EXAMPLES / "goldenTemple.webp"
PATIENCE = 60.0  # seconds after which a test that would hang fails instead
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Server:
    """`cliphaze web`, whose uploads lie in `temporary`."""

    def __init__(self, folder: Path, start: Callable[[Path], "subprocess.Popen[str]"]) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", str(self.temporary))
            self.process = start(folder)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split(" ")[0]
        assert self.address.startswith("http://127.0.0.1:"), self.process.communicate()[1]

    def uploads(self) -> list[Path]:
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def end(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=PATIENCE)


def the_command(folder: Path) -> "subprocess.Popen[str]":
    return process.start("web", "--port", "0", "--no-open", cwd=folder)


def a_space(folder: Path) -> "subprocess.Popen[str]":
    """A program that serves the page, as that of examples/space does."""
    return subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment() -> dict[str, str]:
    """Of programs that use this package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


_SERVE = """
if __name__ == "__main__":
    from cliphaze_cli.batch.options import WorkOptions
    from cliphaze_cli.imaging.limits import Limits
    from cliphaze_cli.report.settings import Settings
    from cliphaze_cli.web import jobs
    from cliphaze_cli.web.server import serve
    options = WorkOptions(jobs.load, Settings(), "cpu", Limits(), overwrite=True)
    serve(options, "127.0.0.1", 0, lambda *told: print(*told, flush=True))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("starlette", reason="the extra `web` is not installed")
    server = Server(tmp_path_factory.mktemp("server"), the_command)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator["WebDriver"]:
    pytest.importorskip("selenium")
    found, driver = next(filter(None, map(shutil.which, _BROWSERS)), None), shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("there is no Chromium with its chromedriver")
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = found
    profile = tmp_path_factory.mktemp("profile")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,1400"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    browser = Chrome(options=options, service=ChromeService(driver))
    try:
        yield browser
    finally:
        browser.quit()


@pytest.fixture
def page(server: Server, browser: "WebDriver") -> "Page":
    browser.get(server.address)
    return Page(browser)


class Page:
    """What a person does with it."""

    def __init__(self, browser: "WebDriver") -> None:
        self.browser = browser
        self.until(lambda: "megapixels" in self.text("limits"))

    def __getitem__(self, name: str) -> Any:
        return self.browser.find_element("id", name)

    def text(self, name: str) -> str:
        return str(self[name].text)

    def until(self, holds: Callable[[], object]) -> None:
        from selenium.common.exceptions import StaleElementReferenceException

        deadline = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(StaleElementReferenceException):  # it vanished while it was looked at
                if holds():
                    return
            assert time.monotonic() < deadline, self.browser.page_source
            time.sleep(0.05)

    def add(self, *paths: Path, lines: int = 0) -> None:
        """Choose photos, and wait until all are there but those that become lines."""
        before = len(self.names())
        self["files"].send_keys("\n".join(map(str, paths)))
        self.until(lambda: len(self.names()) == before + len(paths) - lines and len(self.errors()) == lines)
        self.until(lambda: self.browser.execute_script("return [...document.images].every((one) => one.complete)"))

    def names(self) -> list[str]:
        return [one.text for one in self.browser.find_elements("css selector", "#photos button")]

    def errors(self) -> list[str]:
        return [one.text for one in self.browser.find_elements("css selector", "#errors li span")]

    def set(self, name: str, value: float) -> None:
        script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))"
        self.browser.execute_script(script, self[name], value)

    def halves(self) -> tuple[np.ndarray, np.ndarray]:
        """The picture left and right of its middle, without labels and without the divider where it may be."""
        pixels = np.asarray(Image.open(io.BytesIO(self["stage"].screenshot_as_png)).convert("RGB")).astype(int)
        height, width = pixels.shape[:2]
        rows = slice(height // 4, None)
        return pixels[rows, 30 : width // 2 - 30], pixels[rows, width // 2 + 30 : -30]


def difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).mean())


def press(page: Page, name: str, *keys: str) -> None:
    page[name].send_keys(*keys)


def test_the_divider_moves_by_mouse_and_by_keyboard(page: Page) -> None:
    from selenium.webdriver import ActionChains, Keys

    page.add(PHOTO)
    before, after = page.halves()
    page.set("divider", 100)
    left, all_before = page.halves()
    assert difference(before, left) < 0.5
    assert difference(after, all_before) > 5
    press(page, "divider", Keys.HOME)
    all_after, right = page.halves()
    assert difference(after, right) < 0.5
    assert difference(before, all_after) > 5

    stage = page["stage"]
    ActionChains(page.browser).move_to_element(stage).click_and_hold().move_by_offset(
        stage.size["width"] // 4, 0
    ).release().perform()
    assert page["divider"].get_attribute("value") == "75"
    press(page, "divider", Keys.ARROW_LEFT)
    assert page["divider"].get_attribute("aria-valuetext") == "74 % before, 26 % after"


def test_the_strength_answers_at_once_and_without_the_server(page: Page) -> None:
    from selenium.webdriver import Keys

    page.add(PHOTO)
    page.browser.get_log("performance")
    page.set("divider", 50)
    _, full = page.halves()
    page.set("strength", 0)
    before, none = page.halves()
    assert difference(full, none) > 5
    page.set("strength", 0.5)
    same, half = page.halves()
    assert difference(before, same) < 0.5
    assert difference(half, (full + none) / 2) < 1
    press(page, "strength", Keys.ARROW_RIGHT)
    assert page.text("strength-shown") == "51 %"
    assert requests(page.browser) == []


def test_where_the_haze_is(page: Page) -> None:
    page.add(PHOTO)
    _, photo = page.halves()
    page["show-density"].click()
    _, haze = page.halves()
    assert difference(photo, haze) > 5
    assert page.text("legend-text") == "Haze density (network estimate, not CLIP)"
    page["show-density"].click()


def test_a_download_is_what_the_command_writes(page: Page, tmp_path: Path) -> None:
    page.browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path / "downloads")}
    )
    page.add(PHOTO)
    page.set("strength", 0.7)
    assert "--strength 0.7" in page.text("strength-help")
    page["download"].click()
    downloaded = tmp_path / "downloads" / "goldenTemple-dehazed.webp"
    page.until(downloaded.exists)
    command = process.start("dehaze", "--strength", "0.7", PHOTO, tmp_path / "expected.webp", cwd=tmp_path)
    assert command.wait(PATIENCE) == 0
    assert downloaded.read_bytes() == (tmp_path / "expected.webp").read_bytes()


def test_a_wrong_file_is_a_line_and_the_others_are_there(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "<img src=x>.jpg"
    letter.write_text("no picture")
    page.add(letter, PHOTO, lines=1)
    (line,) = page.errors()
    assert line.startswith("cannot read <img src=x>.jpg: not a JPEG")
    assert page.names() == ["goldenTemple.webp"]
    page.browser.find_element("css selector", ".dismiss").click()
    assert page.errors() == []


def test_photos_may_be_dropped_anywhere(page: Page) -> None:
    page.browser.execute_script(_DROP, "a.png", "film.mp4")
    page.until(lambda: len(page.errors()) == 2)
    assert page.errors()[0].startswith("cannot read a.png: not a JPEG")
    assert page.errors()[1].startswith("film.mp4 is a video, which is not read")
    assert page.browser.execute_script("return document.body.className") == ""


_DROP = """
const data = new DataTransfer();
for (const name of arguments) data.items.add(new File(["no photo"], name));
for (const kind of ["dragenter", "dragover", "drop"])
  document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
"""


def test_two_pages_do_not_mix(page: Page, server: Server) -> None:
    page.add(PHOTO)
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("window")
    page.browser.get(server.address)
    second = Page(page.browser)
    assert second.names() == []
    second.add(EXAMPLES / "meidumPyramid.webp")
    assert second.names() == ["meidumPyramid.webp"]
    page.browser.close()
    page.browser.switch_to.window(first)
    assert page.names() == ["goldenTemple.webp"]
    page.until(lambda: sum(path.name == "photo.webp" for path in server.uploads()) == 1)
    page.set("strength", 0.2)  # its own photo is still there
    page["download"].click()
    page.until(lambda: "is made" in page.text("status"))


def test_removing_deletes(page: Page, server: Server) -> None:
    page.until(lambda: not server.uploads())  # those of the pages before
    page.add(PHOTO)
    assert server.uploads()
    page["remove"].click()
    page.until(lambda: not page.names())
    assert not page["viewer"].is_displayed()
    assert server.uploads() == []


def test_a_page_that_is_closed_in_the_middle_costs_nothing(page: Page, server: Server) -> None:
    page["files"].send_keys("\n".join(map(str, [EXAMPLES / "fog.jpg"] * 3)))
    page.until(server.uploads)
    page.browser.get("about:blank")
    page.until(lambda: not server.uploads())
    page.browser.get(server.address)
    Page(page.browser).add(PHOTO)


def test_everything_has_a_name_for_those_who_do_not_see_it(page: Page) -> None:
    page.add(PHOTO)
    names = {
        one.accessible_name
        for one in page.browser.find_elements("css selector", "input, button")
        if one.is_displayed() or one.get_attribute("id") == "divider"
    }
    assert names >= {"Divider between before and after", "Show where the haze is", "Download", "Remove"}
    assert any(name.startswith("Strength") for name in names)
    assert "" not in names


def requests(browser: "WebDriver") -> list[str]:
    """The addresses that pages asked for since this was last called."""
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


def test_no_request_leaves_the_machine(page: Page, server: Server) -> None:
    page.add(PHOTO)
    page["show-density"].click()
    page["download"].click()
    page.until(lambda: "is made" in page.text("status"))
    asked = requests(page.browser)
    assert len(asked) > 5
    assert [address for address in asked if not address.startswith(server.address)] == []


def test_ctrl_c_ends_quietly_and_deletes_everything(page: Page, server: Server) -> None:
    page.add(PHOTO)
    assert server.uploads()
    assert server.end() == ("", "")
    assert server.process.returncode == 0
    assert list(server.temporary.iterdir()) == []


def test_sigterm_in_the_middle_of_a_photo_deletes_everything(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    server = Server(tmp_path, a_space)
    with subprocess.Popen(
        [sys.executable, "-c", _UPLOAD, server.address, str(EXAMPLES / "fog.jpg")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as client:
        deadline = time.monotonic() + PATIENCE
        while not server.uploads() and time.monotonic() < deadline:
            time.sleep(0.01)
        server.process.terminate()
        assert server.process.communicate(timeout=PATIENCE) == ("", "")
        client.kill()
    assert server.process.returncode == 0
    assert list(server.temporary.iterdir()) == []


_UPLOAD = """
import json, sys, urllib.request
from pathlib import Path
address, photo = sys.argv[1:]
session = json.load(urllib.request.urlopen(address + "sessions", b""))["session"]
urllib.request.urlopen(address + f"sessions/{session}/photos?name=a.jpg", Path(photo).read_bytes())
"""
