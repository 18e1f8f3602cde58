"""Contract tests of AI/ML API video generation, against the simulator of the binary `aimlapi-video`.

pytest has the fixture `aimlapi_simulator`; other test runners call `start_simulator`.
"""

from .simulator import Request, Rule, Simulator, SimulatorError, Task, binary, start_simulator

__all__ = ["Request", "Rule", "Simulator", "SimulatorError", "Task", "binary", "start_simulator"]
