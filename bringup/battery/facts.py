"""Facts of a profile that are lists of words: what a site names, and nothing where it names nothing."""

from __future__ import annotations

import re

from bringup.context import Context
from bringup.errors import NoLimit
from bringup.model import Node

_PLAIN = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


def words(node: Node, ctx: Context, fact: str, *, of: str = "words") -> tuple[str, ...]:
    """The words of this fact, each once; none where the profile does not say. Raises NoLimit for anything else.

    They are one line each, so that they can be told; who hands one to a shell quotes it.
    """
    value = ctx.fact_if_any(node, fact)
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        said = [word for word in value if isinstance(word, str) and _PLAIN.fullmatch(word)]
        if len(said) == len(value):
            return tuple(dict.fromkeys(said))
    raise NoLimit(f"profile {node.profile}: fact {fact} is {value!r}, needed a list of {of}")
