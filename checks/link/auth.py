"""Link: a switch that lets in only ports which authenticate themselves keeps the others dark, with the link up."""

from __future__ import annotations

from collections.abc import Iterator

from bringup.battery.ports import ETHERNET, need_layer, planned
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.defects import Fault, Severity, Who
from bringup.errors import CannotJudge, NoLimit, NotApplicable
from bringup.model import Finding, Limit, Measurement, Node, Stage, port_path
from bringup.parsers import per_interface, wpa_cli

_WHY = "the profile's fact fabric.port_auth"
_PAE = Limit("fabric.port_auth", "==", "AUTHENTICATED", why=_WHY, source="oracle-quickstart/oci-hpc")
_PORT = Limit(
    "fabric.port_auth", "==", "Authorized", why=_WHY, source="IEEE 802.1X, as wpa_supplicant tells it"
)


class Auth(Check[Node]):
    """Every planned Ethernet port has authenticated itself to its switch (802.1X).

    Only where the profile says that the switches ask for it (`fabric.port_auth`). What wpa_supplicant calls COMPLETED is
    not enough: the port itself must be authorized.
    """

    id = "link.auth"
    stage = Stage.LINK
    faults = (
        Fault(
            "PORT-AUTH",
            "{at} is not let in by its switch",
            "look at the certificate of {node} and its wpa_supplicant for {at} (journalctl -u 'wpa_supplicant*'), then at the "
            "answer of the authentication server for {leaf} {leaf_port}",
            Who.CONFIGURATION,
            Severity.ISOLATE,
            explained_by=("HCA-MISSING", "LINK-DOWN", "LINK-DISABLED", "LINK-LAYER"),
        ),
    )

    def plan(self, target: Node, ctx: Context) -> Plan:
        planned(target, ctx)
        need_layer(target, ctx, ETHERNET)
        asked = ctx.fact_if_any(target, "fabric.port_auth")
        if not isinstance(asked, bool | None):
            raise NoLimit(
                f"profile {target.profile}: fact fabric.port_auth is {asked!r}, needed true or false"
            )
        if not asked:
            raise NotApplicable(f"profile {target.profile}: its switches ask no port who it is")
        return run(target, per_interface.SUPPLICANT)

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        answers = {a.device: a for a in per_interface.parse(out.text(target, per_interface.SUPPLICANT))}
        unknown: list[str] = []
        alone: list[str] = []
        for hca in planned(target, ctx):
            answer = answers.get(hca)
            if answer is None:
                unknown.append(hca)
                continue
            at = port_path(target.name, hca)
            seen = wpa_cli.parse(answer.text)
            if seen.pae == wpa_cli.NOBODY:
                alone.append(hca)
                continue
            yield Measurement("port authentication", seen.pae, "", at, _PAE)
            if seen.port is not None and seen.pae == "AUTHENTICATED":
                yield Measurement("port status", seen.port, "", at, _PORT)
        if unknown:
            at = f"{target.name}/hca/{unknown[0]}"
            raise CannotJudge(f"no network interface of {', '.join(unknown)}", code="HCA-MISSING", at=at)
        if alone:
            raise CannotJudge(
                f"no wpa_supplicant answers for {', '.join(alone)}: none runs, or NetworkManager keeps it to itself"
            )
