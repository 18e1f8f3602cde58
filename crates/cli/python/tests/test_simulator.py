"""The fixture and `start_simulator`, against the installed binary."""

import json
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import aimlapi_video
import pytest
from aimlapi_video import Simulator, SimulatorError, binary, start_simulator
from aimlapi_video.process import Process

MODEL = "klingai/v2-master-text-to-video"
REFUSED = {"next": [{"name": "refused", "end": {"fail": {"message": "refused"}}}]}


def send(simulator, body=None, query=""):
    headers = {"Authorization": f"Bearer {simulator.key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    request = Request(f"{simulator.url}/v2/video/generations{query}", data, headers)
    with build_opener(ProxyHandler({})).open(request) as response:
        return json.load(response)


def create(simulator, **more):
    return send(simulator, {"model": MODEL, "prompt": "Rain", **more})["id"]


def fetch(simulator, id):
    return send(simulator, query=f"?generation_id={id}")["status"]


def test_fixture_lists_the_requests_and_generations_of_its_key(aimlapi_simulator):
    id = create(aimlapi_simulator)
    other = Simulator(aimlapi_simulator.url, "another key")
    create(other)

    [request] = aimlapi_simulator.requests()
    [task] = aimlapi_simulator.tasks(model=MODEL)
    assert (request["method"], request["status"], request["body"]["prompt"]) == ("POST", 200, "Rain")
    assert task["id"] == id
    assert task["requests"] == [request["number"]]
    assert aimlapi_simulator.requests(method="GET", model=None) == []


def test_types_have_the_properties_that_the_simulator_lists(aimlapi_simulator):
    aimlapi_simulator.scenario(REFUSED)
    create(aimlapi_simulator)
    assert set(aimlapi_simulator.requests()[0]) == set(aimlapi_video.Request.__annotations__)
    assert set(aimlapi_simulator.tasks()[0]) == set(aimlapi_video.Task.__annotations__)
    assert set(aimlapi_simulator.rules()[0]) == set(aimlapi_video.Rule.__annotations__)


@pytest.mark.parametrize("run", [1, 2])
def test_fixture_is_reset_for_each_test(aimlapi_simulator, run):
    assert aimlapi_simulator.tasks() == aimlapi_simulator.rules() == aimlapi_simulator.requests() == []
    aimlapi_simulator.scenario(REFUSED)
    create(aimlapi_simulator)


@pytest.mark.aimlapi_simulator(scenario=REFUSED, manual_clock=True, seed=7, spread=0)
class TestMarker:
    def test_marker_states_scenario_and_options(self, aimlapi_simulator):
        id = create(aimlapi_simulator)
        aimlapi_simulator.advance(1000)
        assert fetch(aimlapi_simulator, id) == "error"
        aimlapi_simulator.assert_rule("refused", 1)

    @pytest.mark.aimlapi_simulator(scenario=None, strict=True)
    def test_nearest_marker_decides(self, aimlapi_simulator):
        assert aimlapi_simulator.rules() == []
        with pytest.raises(HTTPError, match="400"):
            create(aimlapi_simulator, duration="5")

    def test_seed_gives_the_same_id_after_a_reset(self, aimlapi_simulator):
        first = create(aimlapi_simulator)
        aimlapi_simulator.reset()
        assert create(aimlapi_simulator) == first


def test_asserted_rule_with_another_count_fails_and_lists_the_rules(aimlapi_simulator):
    aimlapi_simulator.scenario(REFUSED)
    with pytest.raises(AssertionError, match=r"'refused' applied to 0 creates; expected 1; the rules: \{'refused': 0\}"):
        aimlapi_simulator.assert_rule("refused")
    with pytest.raises(AssertionError, match="no rule has the name 'other'"):
        aimlapi_simulator.assert_rule("other", 0)


def test_message_of_the_binary_is_shown_as_it_is(aimlapi_simulator):
    with pytest.raises(SimulatorError, match="times: expected 1 or more"):
        aimlapi_simulator.scenario({"next": [{"times": 0}]})
    with pytest.raises(SimulatorError, match="colour: unknown parameter; expected one of method"):
        aimlapi_simulator.requests(colour="red")
    with pytest.raises(SimulatorError, match="unexpected argument '--colour'"):
        start_simulator(colour="red")
    with pytest.raises(SimulatorError, match="times: expected 1 or more"):
        start_simulator(scenario={"next": [{"times": 0}]})


def test_missing_binary_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("aimlapi_video.process.files", lambda name: None)
    with pytest.raises(SimulatorError, match="cargo install aimlapi-video-cli"):
        binary()
    monkeypatch.setenv("AIMLAPI_VIDEO_BIN", "/nowhere/aimlapi-video")
    with pytest.raises(SimulatorError, match="cannot run /nowhere/aimlapi-video: "):
        start_simulator()


@pytest.mark.skipif(sys.platform == "win32", reason="the binary is a shell script")
def test_binary_that_prints_no_url_is_ended(monkeypatch, tmp_path):
    script = tmp_path / "silent"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    monkeypatch.setenv("AIMLAPI_VIDEO_BIN", str(script))
    monkeypatch.setattr("aimlapi_video.process.START_SECONDS", 0.1)
    with pytest.raises(SimulatorError, match="no URL within 0.1 seconds"):
        Process.start(False, ())


def test_simulator_ends_with_its_block_and_then_cannot_be_reached():
    with start_simulator() as simulator:
        assert simulator.tasks() == []
    with pytest.raises(SimulatorError, match="no simulator at http://127.0.0.1"):
        simulator.reset()


def test_simulator_that_already_runs_is_shared_by_keys_and_not_stopped(aimlapi_simulator):
    with start_simulator(url=aimlapi_simulator.url, key="worker-2") as shared:
        create(shared)
        assert len(shared.tasks()) == 1
    assert aimlapi_simulator.tasks() == []


@pytest.mark.parametrize("options", [{}, {"record": "recording.jsonl", "upstream": "http://127.0.0.1:1"}])
def test_process_ends_when_its_parent_is_killed(options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    program = f"import sys, aimlapi_video as a; print(a.start_simulator(**{options}).url, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        simulator = Simulator(parent.stdout.readline().strip(), "any")
        simulator.reset()
        parent.kill()
    deadline = time.monotonic() + 60
    with pytest.raises(SimulatorError, match="no simulator at"):
        while time.monotonic() < deadline:
            simulator.reset()


def test_recorded_exchanges_are_replayed(tmp_path, monkeypatch):
    monkeypatch.setenv("AIML_API_KEY", "key of the service")
    recording = tmp_path / "recording.jsonl"
    with start_simulator(speed=1000) as service:
        with start_simulator(record=recording, upstream=service.url) as proxy:
            assert proxy.key == "key of the service"
            proxy.reset()
            id = create(proxy)
            for call in (proxy.tasks, proxy.requests, proxy.rules, lambda: proxy.advance(1), lambda: proxy.scenario({})):
                with pytest.raises(SimulatorError, match="with record, there is no"):
                    call()
    with start_simulator(replay=recording, replay_only=True) as simulator:
        assert create(simulator) == id
        with pytest.raises(HTTPError, match="404"):
            create(simulator, duration=10)


def test_options_of_markers_are_those_of_the_simulator_alone(pytester, aimlapi_simulator):
    pytester.makeconftest(
        f"""
        import pytest

        @pytest.fixture(scope="session")
        def aimlapi_simulator_options():
            return {{"record": "recording.jsonl", "upstream": {aimlapi_simulator.url!r}}}
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.aimlapi_simulator(speed=10_000)
        def test_service_has_no_speed(aimlapi_simulator):
            assert aimlapi_simulator.url

        @pytest.mark.aimlapi_simulator(scenario={"next": [{}]})
        def test_service_has_no_scenario(aimlapi_simulator):
            pass

        @pytest.mark.aimlapi_simulator("speed")
        def test_option_without_a_name(aimlapi_simulator):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*with record, there is no scenario*", "*expected options by name*received ('speed',)*"])


def test_parallel_workers_share_a_simulator_by_keys(pytester, aimlapi_simulator):
    pytester.makeconftest(
        f"""
        import pytest

        @pytest.fixture(scope="session")
        def aimlapi_simulator_options():
            return {{"url": {aimlapi_simulator.url!r}}}
        """
    )
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.parametrize("number", range(20))
        def test_state_is_of_this_worker(aimlapi_simulator, number):
            assert aimlapi_simulator.key == "pytest-" + os.environ["PYTEST_XDIST_WORKER"]
            aimlapi_simulator.scenario({"next": [{"name": "own"}]})
            assert len(aimlapi_simulator.rules()) == 1
        """
    )
    pytester.runpytest_subprocess("-n2").assert_outcomes(passed=20)
    assert aimlapi_simulator.rules() == []
