"""Who is tested with whom: pure functions over nodes and their places in the fabric.

Pairings are disjoint matchings (each node in at most one pair of a round), so that a round can run on all nodes at
once and the number of rounds does not grow with the fleet. Where the plan says which leaf a node hangs on, the rounds
differ in what they cross: the first stays inside a leaf, the second crosses leaves of a unit, the third crosses units.
What fails in one and not in another tells a port from its leaf and a leaf from what lies above it.
"""

from bringup.topology.jobs import Wave, waves
from bringup.topology.matching import matchings
from bringup.topology.places import Place, Reach, groups, place, reach
from bringup.topology.repair import homecoming, repaired

__all__ = [
    "Place",
    "Reach",
    "Wave",
    "groups",
    "homecoming",
    "matchings",
    "place",
    "reach",
    "repaired",
    "waves",
]
