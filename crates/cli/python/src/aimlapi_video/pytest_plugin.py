"""The fixture `aimlapi_simulator`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from .simulator import Simulator, arguments, start_simulator

Pool = tuple[ExitStack, dict[tuple[str, ...], Simulator]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "aimlapi_simulator(**options): options of the simulator for these tests, such as scenario, speed, seed, strict"
    )


@pytest.fixture(scope="session")
def aimlapi_simulator_options() -> Mapping[str, Any]:
    """The options of the simulator, as of `start_simulator`. Override it in `conftest.py` or in a module."""
    return {}


@pytest.fixture(scope="session")
def _aimlapi_simulators() -> Iterator[Pool]:
    """The running simulators by their options; they end with the session."""
    with ExitStack() as stack:
        yield stack, {}


@pytest.fixture
def aimlapi_simulator(
    request: pytest.FixtureRequest, aimlapi_simulator_options: Mapping[str, Any], _aimlapi_simulators: Pool
) -> Simulator:
    """A simulator in its initial state. It is started once in a session for each set of options."""
    options = dict(aimlapi_simulator_options)
    stated: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("aimlapi_simulator"))):
        if marker.args:
            raise pytest.UsageError(f"aimlapi_simulator: expected options by name, such as speed=1000; received {marker.args}")
        stated.update(marker.kwargs)
    if options.get("record") is not None:
        # The service has no options of a simulator; that it has no scenario either is an error.
        stated = {"scenario": stated.get("scenario")}
    options.update(stated)
    scenario = options.pop("scenario", None)
    if options.get("key") is None and options.get("record") is None:
        # Workers of pytest-xdist can share a simulator, which keeps its state for each key.
        options["key"] = f"pytest-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    stack, running = _aimlapi_simulators
    identity = arguments(options)
    if identity not in running:
        running[identity] = stack.enter_context(start_simulator(**options))
    simulator = running[identity]
    simulator.reset()
    if scenario is not None:
        simulator.scenario(scenario)
    return simulator
