"""Faults that no single check owns: what could not be judged, and what only many results together show."""

from __future__ import annotations

from bringup.defects import Fault, Severity, Who


def _unjudged(code: str, title: str, action: str) -> Fault:
    return Fault(code, title, action, who=Who.COULD_NOT_JUDGE)


GENERAL: dict[str, Fault] = {
    fault.code: fault
    for fault in (
        _unjudged(
            "NODE-LOST",
            "{node} was lost during the run",
            "check power, BMC and management cable of {node}; then: bringup resume",
        ),
        _unjudged(
            "TOOL-MISSING",
            "a tool is missing on {node}",
            "install the tool on {node}, or say where it is in the inventory (path:)",
        ),
        _unjudged(
            "COMMAND-HANGS",
            "a command hangs on {node}",
            "look at the driver and the kernel log of {node}; reboot it if the process stays in state D",
        ),
        _unjudged(
            "OUTPUT-UNKNOWN",
            "a tool on {node} answered what bringup does not know",
            "look at the kept output (bringup show); report the tool's version if it looks right",
        ),
        _unjudged(
            "NOT-JUDGED",
            "something on {node} could not be judged",
            "see the reason; nothing is known about it until it is judged",
        ),
        _unjudged(
            "UNCONFIRMED",
            "{at} failed, and nothing says yet whose fault it is: two that are known to be good failed as well",
            "test again when nothing else uses the fabric: bringup run --stage rdma --stage collective",
        ),
        _unjudged(
            "NO-PROFILE",
            "{node} has no profile",
            "give the node a profile in the inventory",
        ),
        _unjudged(
            "NOTHING-JUDGED",
            "a check judged nothing on {node}",
            "report it: the check and the kept output (bringup show)",
        ),
        _unjudged(
            "CHECK-BUG",
            "a check failed with a bug of its own",
            "report it with the kept output (bringup show)",
        ),
        Fault(
            "PATH-UNSTABLE",
            "{at} is slow although both ends are fine with others",
            "retest; if it stays, look at the leaf and spine ports between them",
            who=Who.HANDS_ON,
            severity=Severity.MONITOR,
        ),
        Fault(
            "RDMA-FLAKY",
            "{at} fails now and then: bad with some partners, good with others",
            "reseat {cable} at {at} and at {leaf} {leaf_port}, watch its error counters under load, then test it again;"
            " if it comes back swap the cable, then the adapter",
            who=Who.HANDS_ON,
        ),
        Fault(
            "COLL-FLAKY",
            "{at} fails now and then: bad with some partners, good with others",
            "take {node} {place} out and run its GPU and fabric tests again and again, until they show which part it is",
            who=Who.HANDS_ON,
        ),
        Fault(
            "UPLINK-SLOW",
            "what leaves {at} is slow, what stays inside is not",
            "look at the uplinks of {at}: cables that are missing, speed and errors of each, what spreads the load",
            who=Who.HANDS_ON,
        ),
        Fault(
            "SPINE-SLOW",
            "what crosses from leaf to leaf is slow at many leaves, what stays inside a leaf is not",
            "look at what joins the leaves: spine switches, their links, routing",
            who=Who.HANDS_ON,
        ),
        Fault(
            "SCALE-ONLY",
            "{at} fails only as a whole: no part of it does, in jobs of the same size",
            "look at what only many nodes need: uplinks and routing under full load, limits of open files and ports,"
            " the subnet manager's and the library's settings for jobs of this size",
            who=Who.HANDS_ON,
        ),
        Fault(
            "PAIR-UNSPLIT",
            "{at}: one of the two ends is bad, and no result tells which",
            "retest both ends with known-good partners: bringup resume",
            who=Who.HANDS_ON,
        ),
        Fault(
            "NODE-SLOW",
            "most fabric ports of {node} are slow",
            "look at {node} as a whole first: PCIe, power, BIOS settings, ACS, IOMMU",
            who=Who.HANDS_ON,
        ),
        Fault(
            "LEAF-SLOW",
            "most ports on {leaf} are slow",
            "look at the switch {leaf}: line card, power, firmware, uplinks",
            who=Who.HANDS_ON,
        ),
        Fault(
            "LEAF-DOWN",
            "no port that is wired to {leaf} has a link",
            "look at the switch {leaf}: power, firmware, whether somebody switched its ports off",
            who=Who.HANDS_ON,
        ),
        Fault(
            "LEAF-FLAPS",
            "every port that is wired to {leaf} lost its link and found it again",
            "look at the switch {leaf}: its log and uptime (a restart, a firmware update), power, line card",
            who=Who.HANDS_ON,
        ),
        Fault(
            "LEAF-ERRORS",
            "every port that is wired to {leaf} counts errors",
            "look at the switch {leaf}: its log and uptime (a restart?), power, firmware, temperature; its line card before"
            " any cable",
            who=Who.HANDS_ON,
        ),
        Fault(
            "FLEET-WIDE",
            "the same finding on most nodes",
            "look for one cause (image, profile, configuration) before anybody walks",
            who=Who.CONFIGURATION,
        ),
    )
}
