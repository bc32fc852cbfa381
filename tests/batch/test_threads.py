"""Waiting for threads while Ctrl-C comes."""

import _thread
import threading
import time

import pytest

from cliphaze_cli.batch.threads import WatchedThread, wait_for


def test_a_thread_that_goes_on_is_waited_for_after_an_interruption() -> None:
    finished = []

    def work() -> None:
        time.sleep(0.2)
        _thread.interrupt_main()
        time.sleep(0.5)
        finished.append(True)

    thread = WatchedThread(work, "works on")
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        wait_for([thread])
    assert not finished
    wait_for([thread])
    assert finished


def test_a_thread_that_fails_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda details: None)
    thread = WatchedThread(lambda: 1 / 0, "fails")
    thread.start()
    wait_for([thread])
