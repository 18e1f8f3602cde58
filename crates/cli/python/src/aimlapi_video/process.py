"""The process of the binary `aimlapi-video`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from threading import Timer

START_SECONDS = 30


class SimulatorError(Exception):
    """The binary is missing, did not start, or refused a request; its own message is included as it is."""


def binary() -> str:
    """Returns the path of the binary: that of `AIMLAPI_VIDEO_BIN`, else the one of this package, else the one on the `PATH`."""
    named = os.environ.get("AIMLAPI_VIDEO_BIN")
    if named:
        return named
    try:
        installed = files("aimlapi-video") or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        path = str(file.locate())
        if file.stem == "aimlapi-video" and os.access(path, os.X_OK):
            return path
    found = shutil.which("aimlapi-video")
    if found is None:
        raise SimulatorError(
            "the binary aimlapi-video is missing: install it by `pip install --force-reinstall aimlapi-video`, or where there is "
            "no wheel for the platform by `cargo install aimlapi-video-cli`; AIMLAPI_VIDEO_BIN names one elsewhere"
        )
    return found


class Process:
    """A simulator or a recording proxy that this process started."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    def start(cls, records: bool, arguments: Sequence[str]) -> Process:
        """Starts the binary on a free port and waits until it listens."""
        command = "proxy" if records else "simulate"
        line = [binary(), command, "--json", "--exit-with-parent", "--listen=127.0.0.1:0", *arguments]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
            try:
                # On Windows, the end of standard input tells the binary that this process has exited.
                process = subprocess.Popen(
                    line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
                )
            except OSError as error:
                message = f"cannot run {line[0]}: {error.strerror}; AIMLAPI_VIDEO_BIN names another binary"
                raise SimulatorError(message) from None
            started = cls(process, "")
            timer = Timer(START_SECONDS, process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                ready = process.stdout.readline()
                # The line of a binary that fails has no URL.
                started.url = json.loads(ready).get("url", "") if ready.startswith("{") else ""
            finally:
                timer.cancel()
                if not started.url:
                    started.stop()
            if not started.url:
                errors.seek(0)
                message = errors.read().strip() or f"no URL within {START_SECONDS} seconds"
                raise SimulatorError(f"{' '.join(line)}: {message}")
        return started

    def stop(self) -> None:
        """Ends the process."""
        # `with` closes the pipes and waits for the end.
        with self._process as process:
            process.terminate()
