"""Link: bit errors after correction. Raw errors of a PAM4 link are normal; what correction leaves over is not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bringup.battery.ports import links, mlxlink_commands
from bringup.check import Check, Outputs, Plan, run
from bringup.context import Context
from bringup.errors import CannotJudge
from bringup.model import Finding, Limit, Measurement, Node, Stage
from bringup.parsers.link_faults import LINK_BER
from bringup.parsers.mlxlink import Link

_PAM4_WORDS = ("HDR", "NDR", "XDR")
_PAM4_GBPS_PER_LANE = 50
_GBPS = re.compile(r"([0-9]{1,4})G\b.*")


class Ber(Check[Node]):
    """The bit error rate of every planned port after error correction is within its limit.

    Judged are the effective rate and, where the profile has a limit for it, the symbol rate. The raw rate is judged
    only on links without PAM4; on PAM4 it is a reading. Rates count since the counters were last cleared.
    """

    id = "link.ber"
    stage = Stage.LINK
    faults = (LINK_BER,)

    def plan(self, target: Node, ctx: Context) -> Plan:
        return run(target, *mlxlink_commands(target, ctx))

    def judge(self, target: Node, out: Outputs, ctx: Context) -> Iterator[Measurement | Finding]:
        limit = ctx.limit(target, "link.ber.effective")
        symbol, raw = (ctx.limit_or_none(target, f"link.ber.{name}") for name in ("symbol", "raw"))
        silent: list[str] = []
        for at, link in links(target, out, ctx):
            errors = link.errors
            if errors is None or errors.effective_ber is None:
                silent.append(at)
                continue
            yield Measurement("link.ber.effective", errors.effective_ber, "", at, limit)
            if errors.symbol_ber is not None:
                yield Measurement("link.ber.symbol", errors.symbol_ber, "", at, symbol)
            if errors.raw_ber is not None:
                yield Measurement("link.ber.raw", errors.raw_ber, "", at, _raw_limit(link, raw))
            if errors.minutes is not None:
                yield Measurement("link.ber.minutes", errors.minutes, "min", at)
        if silent:
            raise CannotJudge(f"no bit error rate after correction is reported by {', '.join(silent)}")


def _raw_limit(link: Link, limit: Limit | None) -> Limit | None:
    """The limit for links that are known not to be PAM4; none for the others."""
    speed = link.speed or ""
    match = _GBPS.fullmatch(speed.removeprefix("IB-"))
    if any(word in speed for word in _PAM4_WORDS):
        return None
    if match:
        return limit if int(match[1]) / (link.width or 1) < _PAM4_GBPS_PER_LANE else None
    return limit if speed.startswith("IB-") else None
