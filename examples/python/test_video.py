"""Contract tests of video.py, against the simulator that the fixture `aimlapi_simulator` starts.

    pip install aimlapi-video pytest
    pytest
"""

from pathlib import Path

import pytest
from aimlapi_video import Simulator

from video import GenerationFailed, MaybeCreated, NotSaved, Refused, Service

# A generation of five minutes takes 0.03 s.
pytestmark = pytest.mark.aimlapi_simulator(speed=10_000)


@pytest.fixture
def service(aimlapi_simulator: Simulator) -> Service:
    return Service(aimlapi_simulator.key, aimlapi_simulator.url, poll_seconds=0.01)


def test_video_is_saved(aimlapi_simulator: Simulator, service: Service, tmp_path: Path) -> None:
    service.save("A paper boat", tmp_path / "boat.mp4")

    assert (tmp_path / "boat.mp4").read_bytes()[4:8] == b"ftyp"
    [create] = aimlapi_simulator.requests(method="POST")
    assert create["body"] == {"model": "klingai/v2-master-text-to-video", "prompt": "A paper boat", "duration": 5}
    assert [task["downloads"] for task in aimlapi_simulator.tasks()] == [1]
    # The documents allow every request that the program sent.
    assert {request["status"] for request in aimlapi_simulator.requests()} == {200}


def test_failed_generation_is_reported_and_saves_nothing(
    aimlapi_simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    refuse = {"name": "no rain", "when": {"body": {"/prompt": {"matches": "rain"}}}, "end": {"fail": {"message": "no rain"}}}
    aimlapi_simulator.scenario({"next": [refuse]})

    with pytest.raises(GenerationFailed, match="no rain"):
        service.save("A boat in the rain", tmp_path / "boat.mp4")

    aimlapi_simulator.assert_rule("no rain", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.aimlapi_simulator(scenario={"next": [{"create": {"close": True, "created": True}}]})
def test_create_is_not_repeated_after_a_lost_response(
    aimlapi_simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    with pytest.raises(MaybeCreated):
        service.save("A paper boat", tmp_path / "boat.mp4")

    assert [request["status"] for request in aimlapi_simulator.requests()] == [None]
    assert len(aimlapi_simulator.tasks()) == 1


@pytest.mark.parametrize("response", [{"text": '{"id": "1', "created": True}, {"html": "<h1>Hello</h1>", "created": True}])
def test_create_is_not_repeated_after_a_response_that_cannot_be_read(
    aimlapi_simulator: Simulator, service: Service, tmp_path: Path, response: dict[str, object]
) -> None:
    aimlapi_simulator.scenario({"next": [{"create": response}]})

    with pytest.raises(MaybeCreated):
        service.save("A paper boat", tmp_path / "boat.mp4")

    assert len(aimlapi_simulator.tasks()) == 1


@pytest.mark.aimlapi_simulator(scenario={"next": [{"polls": [{"close": True, "times": 3}, {"text": "{", "times": 1}]}]})
def test_wait_continues_after_lost_responses(aimlapi_simulator: Simulator, service: Service, tmp_path: Path) -> None:
    service.save("A paper boat", tmp_path / "boat.mp4")

    statuses = [request["status"] for request in aimlapi_simulator.requests()]
    assert statuses.count(None) == 3


@pytest.mark.aimlapi_simulator(scenario={"next": [{"downloads": [{"cut_after": 100, "times": 9}]}]})
def test_video_that_is_not_received_is_named_by_its_generation(
    aimlapi_simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    with pytest.raises(NotSaved) as failed:
        service.save("A paper boat", tmp_path / "boat.mp4")

    [task] = aimlapi_simulator.tasks()
    assert task["id"] in str(failed.value)


@pytest.mark.aimlapi_simulator(scenario={"next": [{"polls": [{"status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3}]}]})
def test_wait_continues_after_bad_gateways(aimlapi_simulator: Simulator, service: Service, tmp_path: Path) -> None:
    service.save("A paper boat", tmp_path / "boat.mp4")

    statuses = [request["status"] for request in aimlapi_simulator.requests()]
    assert statuses.count(502) == 3


def test_request_that_the_document_does_not_allow_is_refused(
    aimlapi_simulator: Simulator, service: Service, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="duration.*7"):
        service.save("A paper boat", tmp_path / "boat.mp4", duration=7)

    assert [request["status"] for request in aimlapi_simulator.requests()] == [400]
    assert aimlapi_simulator.tasks() == []
