"""Creates a video and saves it, by HTTP requests alone. The contract tests are in test_video.py.

    export AIML_API_KEY=...
    python video.py "A paper boat sails down a rain gutter at dusk" boat.mp4
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

MODEL = "klingai/v2-master-text-to-video"
TRANSIENT = {429, 500, 502, 503, 504}


class Refused(Exception):
    """The service refused the request, and created nothing."""


class GenerationFailed(Exception):
    """The generation ended without a video."""


class MaybeCreated(Exception):
    """The create got no response that can be read. It may have been billed, so it is not repeated."""


class NotSaved(Exception):
    """The video was not received. The message has the id of its generation, which is not lost."""


@dataclass
class Service:
    key: str
    url: str = "https://api.aimlapi.com"
    poll_seconds: float = 10

    def save(self, prompt: str, path: Path, duration: int = 5) -> None:
        """Creates a video, waits for it and saves it."""
        id = self.create({"model": MODEL, "prompt": prompt, "duration": duration})
        try:
            self._download(self.wait(id), path)
        except (OSError, HTTPException) as error:
            raise NotSaved(f"generation {id}: {error}") from error

    def create(self, body: dict[str, Any]) -> str:
        try:
            status, text = self._send(Request(self._generations(), json.dumps(body).encode()))
            if status < 300:
                return str(json.loads(text)["id"])
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            raise MaybeCreated(str(error)) from None
        if 400 <= status < 500:
            raise Refused(text.decode())
        raise MaybeCreated(f"status {status}: {text.decode(errors='replace')}")

    def wait(self, id: str) -> str:
        """Returns the URL of the video."""
        while True:
            generation: dict[str, Any] = {"status": "unknown for now"}
            try:
                status, text = self._send(Request(f"{self._generations()}?{urlencode({'generation_id': id})}"))
                if status < 300:
                    generation = json.loads(text)
            except (OSError, HTTPException, ValueError):
                # No response, or a part of one: the generation goes on.
                status = 503
            if status >= 300 and status not in TRANSIENT:
                raise OSError(f"status {status}: {text.decode(errors='replace')}")
            if generation["status"] == "completed":
                return str(generation["video"]["url"])
            if generation["status"] == "error":
                raise GenerationFailed(generation["error"]["message"])
            time.sleep(self.poll_seconds)

    def _download(self, url: str, path: Path) -> None:
        # A file of this name is complete.
        part = path.with_name(f"{path.name}.part")
        with urlopen(url, timeout=60) as response, part.open("wb") as file:
            while chunk := response.read(1 << 16):
                file.write(chunk)
            if response.length:
                raise OSError(f"{url} ended {response.length} bytes early")
        part.replace(path)

    def _generations(self) -> str:
        return f"{self.url}/v2/video/generations"

    def _send(self, request: Request) -> tuple[int, bytes]:
        """Returns status and body of the response."""
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        try:
            with urlopen(request, timeout=60) as response:
                return response.status, response.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()


if __name__ == "__main__":
    service = Service(os.environ["AIML_API_KEY"], os.environ.get("AIML_API_BASE", Service.url))
    service.save(sys.argv[1], Path(sys.argv[2]))
