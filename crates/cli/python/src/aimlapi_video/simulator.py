"""Starts the simulator of the binary `aimlapi-video`, and controls it by its endpoints below `/_simulator/`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from types import TracebackType
from typing import Any, TypedDict, cast
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request as HttpRequest, build_opener

from .process import Process, SimulatorError, binary

__all__ = ["Request", "Rule", "Simulator", "SimulatorError", "Task", "binary", "start_simulator"]

Option = str | int | float | bool | os.PathLike[str] | None

# The simulator is on this machine, where no proxy is needed.
_http = build_opener(ProxyHandler({}))


class Request(TypedDict):
    """A request that the simulator received."""

    number: int
    at: str
    method: str
    target: str
    headers: dict[str, str]
    body: Any
    body_bytes: int
    key: str | None
    task: str | None
    model: str | None
    status: int | None


class Task(TypedDict):
    """A generation."""

    id: str
    model: str
    route: str
    created: str
    status: str
    state: str
    seconds_left: float | None
    polls: int
    downloads: int
    credits: float
    prompt: str | None
    key: str
    requests: list[int]


class Rule(TypedDict):
    """A rule of a scenario, and the creates that it applied to."""

    name: str | None
    applied: int
    left: int | None
    requests: list[int]
    rule: dict[str, Any]


class Simulator:
    """A simulator, and the state that it keeps for one API key."""

    def __init__(self, url: str, key: str, process: Process | None = None, records: bool = False) -> None:
        self.url = url
        """The base URL for the code under test."""
        self.key = key
        """The API key for the code under test. Requests with other keys are not in the lists."""
        self._process = process
        self._records = records

    def reset(self) -> None:
        """Returns the key to the initial state: no generations, requests and rules; clock, credits and seeded ids anew."""
        self._send("POST", "reset")

    def scenario(self, scenario: Mapping[str, Any]) -> None:
        """Adds rules, such as `{"next": [{"end": {"fail": {"message": "refused"}}}]}`."""
        self._send("POST", "scenario", scenario)

    def requests(self, **filters: str | int | None) -> list[Request]:
        """Lists the requests of the key, the oldest first; `filters` are method, path, model, since and limit."""
        return cast("list[Request]", self._list("requests", filters))

    def tasks(self, **filters: str | int | None) -> list[Task]:
        """Lists the generations of the key, the oldest first, with the filters of `requests`."""
        return cast("list[Task]", self._list("tasks", filters))

    def rules(self, **filters: str | None) -> list[Rule]:
        """Lists the rules of the key, those that are used up included; `filters` is name."""
        return cast("list[Rule]", self._list("rules", filters))

    def assert_rule(self, name: str, applied: int = 1) -> None:
        """Fails unless the rules of this name applied to this number of creates."""
        __tracebackhide__ = True
        rules = self.rules()
        counts = [rule["applied"] for rule in rules if rule["name"] == name]
        shown = {rule["name"]: rule["applied"] for rule in rules}
        if not counts:
            raise AssertionError(f"no rule has the name {name!r}; the rules: {shown}")
        if sum(counts) != applied:
            raise AssertionError(
                f"the rule {name!r} applied to {sum(counts)} creates; expected {applied}; the rules: {shown}"
            )

    def advance(self, seconds: float) -> None:
        """Moves the clock of the key forward."""
        self._send("POST", "clock", {"advance_seconds": seconds})

    def stop(self) -> None:
        """Ends the process, unless the simulator was started by someone else."""
        if self._process is not None:
            self._process.stop()

    def __enter__(self) -> Simulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _list(self, name: str, filters: Mapping[str, str | int | None]) -> Any:
        # In a query, a key may be logged.
        key = "sha256:" + sha256(self.key.encode()).hexdigest()[:16]
        stated = {name: value for name, value in filters.items() if value is not None}
        return self._send("GET", f"{name}?{urlencode({'key': key, **stated})}")

    def _send(self, method: str, path: str, body: object = None) -> Any:
        if self._records and path != "reset":
            raise SimulatorError(f"with record, there is no {path.split('?')[0]}: requests are forwarded to the service")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = HttpRequest(f"{self.url}/_simulator/{path}", data, headers, method=method)
        try:
            with _http.open(request, timeout=30) as response:
                text = response.read()
        except HTTPError as error:
            with error:
                raise SimulatorError(f"{method} /_simulator/{path}: {error.read().decode()}") from None
        except OSError as error:
            raise SimulatorError(f"no simulator at {self.url}: {getattr(error, 'reason', error)}") from None
        return json.loads(text) if text else None


def start_simulator(
    *,
    scenario: Mapping[str, Any] | None = None,
    key: str | None = None,
    url: str | None = None,
    **options: Option,
) -> Simulator:
    """Starts a simulator, which ends by `stop`, at the end of a `with` block, or with this process.

    `options` are those of `aimlapi-video simulate`: `speed=1000` is `--speed 1000`, `replay_only=True` is `--replay-only`.
    With `record=FILE`, `aimlapi-video proxy` forwards requests to the service, or to `upstream=URL`, and records them; `key`
    is then the service's, by default that of `AIML_API_KEY`, and there is no scenario, list and clock. With `url`, a simulator that already runs is used.

    Raises SimulatorError with the binary's message if it refuses the options.
    """
    records = options.get("record") is not None
    if key is None:
        key = os.environ.get("AIML_API_KEY", "any") if records else "any"
    if url is not None:
        simulator = Simulator(url.rstrip("/"), key)
    else:
        process = Process.start(records, arguments(options))
        simulator = Simulator(process.url, key, process, records)
    if scenario is not None:
        try:
            simulator.scenario(scenario)
        except BaseException:
            simulator.stop()
            raise
    return simulator


def arguments(options: Mapping[str, Option]) -> tuple[str, ...]:
    """Returns options as arguments of the binary."""
    result = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        result.append(f"--{name.replace('_', '-')}")
        if value is not True:
            result[-1] += f"={os.fspath(value) if isinstance(value, os.PathLike) else value}"
    return tuple(result)
