"""Faults of the whole node: how it is reached, its programs, its memory, clock and identity."""

from __future__ import annotations

from bringup.mock.faults.params import Given, Param
from bringup.mock.faults.registry import TOOL, door, fault, gpu_of
from bringup.mock.hardware import Door, Process, SimNode


@door(
    "unreachable",
    "no SSH connection can be made",
    Param("how", "word", default="refused", choices=("refused", "timeout", "reset", "silent")),
    codes=("NODE-UNREACHABLE",),
)
def _unreachable(door: Door, given: Given) -> None:
    door.how = given.text("how")


@door("host-key-changed", "the host key is not the one in known_hosts", codes=("HOST-KEY-CHANGED",))
def _host_key_changed(door: Door, given: Given) -> None:
    door.key_changed = True


@door("login-refused", "the node accepts no key", codes=("LOGIN-REFUSED",))
def _login_refused(door: Door, given: Given) -> None:
    door.login_refused = True


@door(
    "node-dies",
    "the connection is cut some seconds after the first session began, and refused from then on",
    Param("after_s", "seconds"),
    codes=("NODE-UNREACHABLE",),
)
def _node_dies(door: Door, given: Given) -> None:
    door.dies_after_s = given.number("after_s")


@fault("no-sudo", "sudo asks for a password", codes=())
def _no_sudo(node: SimNode, given: Given) -> None:
    node.sudo = False


@fault(
    "chatty-login", "every command's output starts with a text of the login", Param("text", "word"), codes=()
)
def _chatty_login(node: SimNode, given: Given) -> None:
    node.login_text = given.text("text") + "\n"


@fault("hanging-tool", "a program of the battery never ends", TOOL, codes=("COMMAND-HANGS",))
def _hanging_tool(node: SimNode, given: Given) -> None:
    node.hanging.add(given.text("tool"))


@fault(
    "garbage-output",
    "a program of the battery prints something else than it should",
    TOOL,
    codes=("OUTPUT-UNKNOWN",),
)
def _garbage_output(node: SimNode, given: Given) -> None:
    node.garbage.add(given.text("tool"))


@fault(
    "missing-tool",
    "a program of the battery is not installed",
    Param("tool", "program"),
    codes=("TOOL-MISSING",),
)
def _missing_tool(node: SimNode, given: Given) -> None:
    node.missing.add(given.text("tool"))


@fault(
    "wrong-hostname",
    "the node answers with another host name",
    Param("name", "word"),
    codes=("NODE-IDENTITY",),
)
def _wrong_hostname(node: SimNode, given: Given) -> None:
    node.hostname = given.text("name")


@fault(
    "wrong-serial", "the chassis has another serial number", Param("serial", "word"), codes=("NODE-IDENTITY",)
)
def _wrong_serial(node: SimNode, given: Given) -> None:
    node.serial = given.text("serial")


@fault("cpu-missing", "one processor is not there", codes=("CPU-COUNT",))
def _cpu_missing(node: SimNode, given: Given) -> None:
    node.sockets = max(1, node.sockets - 1)


@fault("memory-missing", "that much memory is missing, in GiB", Param("gib", "count"), codes=("MEMORY-SIZE",))
def _memory_missing(node: SimNode, given: Given) -> None:
    node.memory_gib = max(16, node.memory_gib - given.whole("gib"))


@fault(
    "memlock-low",
    "the locked-memory limit is low",
    Param("kib", "count"),
    codes=("MEMLOCK-LIMIT", "RDMA-CONNECT"),
)
def _memlock_low(node: SimNode, given: Given) -> None:
    node.memlock_kib = given.whole("kib")


@fault("clock-offset", "the clock is off, in milliseconds", Param("ms", "number"), codes=("CLOCK-OFFSET",))
def _clock_offset(node: SimNode, given: Given) -> None:
    node.clock_offset_s = given.number("ms") / 1000


@fault("clock-unsynced", "the clock has no source", codes=("CLOCK-UNSYNCED",))
def _clock_unsynced(node: SimNode, given: Given) -> None:
    node.clock_synced = False


@fault(
    "busy",
    "somebody's program runs on a GPU",
    Param("pid", "count", default=48213),
    Param("name", "word", default="python3"),
    Param("gpu", "gpu", default=0),
    Param("memory_mib", "count", default=61440),
    codes=("NODE-BUSY",),
)
def _busy(node: SimNode, given: Given) -> None:
    process = Process(given.whole("pid"), given.text("name"), given.whole("memory_mib"))
    gpu_of(node, given).processes.append(process)


@fault(
    "slow-node",
    "everything between the node and the fabric runs at a fraction, on all rails",
    Param("fraction", "fraction"),
    codes=("NODE-SLOW", "RDMA-BW", "COLL-BUSBW"),
)
def _slow_node(node: SimNode, given: Given) -> None:
    node.fraction *= given.number("fraction")
