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
    """The create got no response. It may have been billed, so it is not repeated."""


@dataclass
class Service:
    key: str
    url: str = "https://api.aimlapi.com"
    poll_seconds: float = 10

    def save(self, prompt: str, path: Path, duration: int = 5) -> None:
        """Creates a video, waits for it and saves it."""
        id = self.create({"model": MODEL, "prompt": prompt, "duration": duration})
        url = self.wait(id)
        # A file of this name is complete.
        part = path.with_name(f"{path.name}.part")
        with urlopen(url, timeout=60) as response, part.open("wb") as file:
            while chunk := response.read(1 << 16):
                file.write(chunk)
            if response.length:
                raise OSError(f"{url} ended {response.length} bytes early")
        part.replace(path)

    def create(self, body: dict[str, Any]) -> str:
        try:
            return str(self._send(Request(self._generations(), json.dumps(body).encode()))["id"])
        except HTTPError as error:
            with error:
                text = error.read().decode()
            if 400 <= error.code < 500:
                raise Refused(text) from None
            raise MaybeCreated(f"status {error.code}: {text}") from None
        except OSError as error:
            raise MaybeCreated(str(error)) from None

    def wait(self, id: str) -> str:
        """Returns the URL of the video."""
        while True:
            try:
                generation = self._send(Request(f"{self._generations()}?{urlencode({'generation_id': id})}"))
            except HTTPError as error:
                if error.code not in TRANSIENT:
                    raise
                generation = {"status": "unknown for now"}
            if generation["status"] == "completed":
                return str(generation["video"]["url"])
            if generation["status"] == "error":
                raise GenerationFailed(generation["error"]["message"])
            time.sleep(self.poll_seconds)

    def _generations(self) -> str:
        return f"{self.url}/v2/video/generations"

    def _send(self, request: Request) -> Any:
        request.add_header("Authorization", f"Bearer {self.key}")
        request.add_header("Content-Type", "application/json")
        with urlopen(request, timeout=60) as response:
            return json.load(response)


if __name__ == "__main__":
    service = Service(os.environ["AIML_API_KEY"], os.environ.get("AIML_API_BASE", Service.url))
    service.save(sys.argv[1], Path(sys.argv[2]))
