"""What does NVLink join: every GPU of a node with every other, and the node with others?"""

from __future__ import annotations

from bringup.context import Context
from bringup.errors import NoLimit
from bringup.model import Node


def all_joined(node: Node, ctx: Context) -> bool:
    """Whether the profile says so: NVSwitches in the node or in its rack, or how many links two GPUs share.

    Cards with bridges are joined in pairs, and whether the others reach each other depends on the machine.
    """
    if ctx.limit_or_none(node, "nvlink.pair_links") is not None:
        return True
    return ctx.fact(node, "nvlink.fabric_manager") is True or spans_nodes(node, ctx)


def spans_nodes(node: Node, ctx: Context) -> bool:
    """Whether NVLink joins the node to others: the switches stand outside the node and serve several."""
    try:
        return ctx.number(node, "nvlink.domain_nodes") > 1
    except NoLimit:
        return False
