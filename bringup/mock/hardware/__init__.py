"""The state of every simulated part: what the tools print and the tests measure is read from here, nothing else.

A node is built at its first session and lives in the simulator's one thread, so nothing here needs a lock.
"""

from bringup.mock.hardware.bus import Aer
from bringup.mock.hardware.counters import COUNTERS, HW_COUNTERS
from bringup.mock.hardware.door import Door
from bringup.mock.hardware.gpu import Gpu, Presence, Process
from bringup.mock.hardware.left import Container, Left
from bringup.mock.hardware.node import UNLIMITED, LogLine, SimNode
from bringup.mock.hardware.port import Hca, Logical, Nic, Optic, Physical

__all__ = [
    "COUNTERS",
    "HW_COUNTERS",
    "UNLIMITED",
    "Aer",
    "Container",
    "Door",
    "Gpu",
    "Hca",
    "Left",
    "LogLine",
    "Logical",
    "Nic",
    "Optic",
    "Physical",
    "Presence",
    "Process",
    "SimNode",
]
