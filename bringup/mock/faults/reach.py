"""Faults of the way to a node: its SSH port, its login, and who it says it is."""

from __future__ import annotations

from bringup.mock.faults.expected import CONFIGURATION, NODE_AT, PLAN, UNJUDGED, Expected, Scope
from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import Kind, at_door, in_node
from bringup.mock.hardware import Door, SimNode

_UNREACHABLE = (Expected("NODE-UNREACHABLE", NODE_AT, UNJUDGED), Expected("NODE-LOST", NODE_AT, UNJUDGED))
_IDENTITY = (Expected("NODE-IDENTITY", NODE_AT, PLAN),)
_PLACEHOLDERS = ("To be filled by O.E.M.", "Default string", "System Serial Number")


@at_door(
    Kind(
        "unreachable",
        "no SSH connection can be made",
        (Param("how", "word", default="refused", choices=("refused", "timeout", "reset", "silent")),),
        _UNREACHABLE,
    )
)
def _unreachable(door: Door, given: Given) -> None:
    door.how = given.text("how")


@at_door(
    Kind(
        "host-key-changed",
        "the host key is not the one in known_hosts",
        expected=(Expected("HOST-KEY-CHANGED", NODE_AT, CONFIGURATION),),
    )
)
def _host_key_changed(door: Door, given: Given) -> None:
    door.key_changed = True


@at_door(
    Kind("login-refused", "the node accepts no key", expected=(Expected("LOGIN-REFUSED", NODE_AT, UNJUDGED),))
)
def _login_refused(door: Door, given: Given) -> None:
    door.login_refused = True


@at_door(
    Kind(
        "node-dies",
        "the connection is cut some seconds after the first session began, and refused from then on",
        (Param("after_s", "seconds", examples=(1.5, 3.0)),),
        _UNREACHABLE,
    )
)
def _node_dies(door: Door, given: Given) -> None:
    door.dies_after_s = given.number("after_s")


@at_door(
    Kind(
        "slow-login",
        "a login takes many seconds, as with a hung home directory or name service",
        (Param("delay_s", "seconds", examples=(5, 8)),),
        (Expected("LOGIN-SLOW", NODE_AT, CONFIGURATION),),
    )
)
def _slow_login(door: Door, given: Given) -> None:
    door.delay_s = given.number("delay_s")


@in_node(
    Kind(
        "wrong-hostname",
        "the node answers with another host name",
        (Param("name", "word", examples=("localhost", "node-999", "installer")),),
        _IDENTITY,
    )
)
def _wrong_hostname(node: SimNode, given: Given) -> None:
    node.hostname = given.text("name")


@in_node(
    Kind(
        "wrong-serial",
        "the chassis has another serial number",
        (Param("serial", "word", examples=("J7K2X01", "SIM99999")),),
        _IDENTITY,
        needs=("serial",),
    )
)
def _wrong_serial(node: SimNode, given: Given) -> None:
    node.serial = given.text("serial")


@in_node(
    Kind(
        "nodes-exchanged",
        "two machines stand in each other's place: host name and serial number are the other's",
        expected=_IDENTITY,
        scope=Scope.PAIR,
        needs=("serial",),
    )
)
def _nodes_exchanged(node: SimNode, given: Given) -> None:
    other = given.other(node)
    node.hostname, node.serial = other.name, other.serial or node.serial


@in_node(
    Kind(
        "cloned-serial",
        "a board was replaced and its serial number is the maker's placeholder",
        (Param("serial", "word", default="To be filled by O.E.M.", examples=_PLACEHOLDERS),),
        (Expected("IDENTITY-UNPROVEN", NODE_AT, UNJUDGED),),
        needs=("serial",),
    )
)
def _cloned_serial(node: SimNode, given: Given) -> None:
    node.serial = given.text("serial")


@in_node(
    Kind(
        "duplicate-guid",
        "adapters of two nodes carry the same GUID, as after cloned firmware",
        (Param("hca", "hca"),),
        (Expected("DUPLICATE-GUID", "{node}/hca/{hca}", CONFIGURATION),),
        scope=Scope.PAIR,
    )
)
def _duplicate_guid(node: SimNode, given: Given) -> None:
    for hca in node.hcas:
        if hca.name == given.text("hca"):
            hca.guid = "a088:c203:00ff:ffff"
