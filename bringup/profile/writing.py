"""A learned profile as a file: every limit with the figures it rests on, so that a reader can judge it or throw it out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bringup.profile.learning import SHARE, SIZE_SHARE, Learned
from bringup.profile.usual import SIZES


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a learned profile is from. `left_out` are the nodes that were not learned from, with the reason."""

    run: str
    date: str
    version: str
    profile: str
    nodes: int
    left_out: Mapping[str, str]


def toml(name: str, extends: Sequence[str], learned: Sequence[Learned], origin: Origin) -> str:
    """The text of the profile."""
    out = [
        f"# Learned by bringup {origin.version} from run {origin.run} of {origin.date}: {origin.nodes} healthy nodes of "
        f"profile {origin.profile}.",
        "# These are proposals. A limit that is too low lets sick parts pass for good: read each before you use it.",
    ]
    out += [f"# not learned from {_line(node)}: {_line(why)}" for node, why in origin.left_out.items()]
    out += [
        f"name = {_text(name)}",
        f"description = {_text(f'limits learned from run {origin.run} of {origin.date}, over {origin.profile}')}",
        f"extends = [{', '.join(_text(parent) for parent in extends)}]",
    ]
    for one in learned:
        out += ["", f"[limits.{_text(one.name)}]"]
        out += [f"# worth a look, would fail: {_line(', '.join(one.outside))}"] if one.outside else []
        out += [
            f"op = {_text(one.op)}",
            f"value = {_value(one.value)}",
            f"unit = {_text(one.unit)}",
            f"why = {_text(why(one))}",
            f"source = {_text(f'learned from run {origin.run} of {origin.date}')}",
        ]
    return "\n".join(out) + "\n"


def why(learned: Learned) -> str:
    """What a limit rests on, in one sentence."""
    read = f"{learned.readings} readings of {learned.parts} parts on {learned.nodes} healthy nodes"
    spread = learned.spread
    if spread is None:
        return f"the same in all {read}"
    figures = (
        f"median {spread.median:g}, MAD {spread.mad:g}, min {spread.low:g}, max {spread.high:g} in {read}"
    )
    share = SIZE_SHARE if learned.unit in SIZES else SHARE
    if spread.low == spread.high == learned.value:
        return f"the same everywhere: {figures}"
    if learned.op == ">=":
        return f"{share:.0%} of the median: {figures}".replace("%", " %", 1)
    return f"the median divided by {share:g}: {figures}"


def _value(value: float | str) -> str:
    if isinstance(value, str):
        return _text(value)
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _text(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's as well."""
    return json.dumps(_line(text), ensure_ascii=False)


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
