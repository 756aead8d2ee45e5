"""HTML and SVG as a tree of calls: text is escaped because it is text, not because somebody thought of it.

Everything that a node, an inventory or a journal says is a plain `str`, and a plain `str` is always cleaned and escaped.
Only `tag` and `joined` make `Markup`, which is passed on as it is. A template engine would need the same care in every
template and would be one more dependency.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from bringup.report import text

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_VOID = frozenset({"meta", "br"})


class Markup(str):
    """HTML that is safe as it stands. Made only here."""

    __slots__ = ()


Child = str | int | None
"""What may stand in an element: text (escaped), markup (as it is), a whole number, or nothing."""


def escaped(said: str) -> Markup:
    """Any text as HTML text or as the value of an attribute; control characters become visible."""
    return said if isinstance(said, Markup) else Markup(html.escape(text.clean(said), quote=True))


def tag(name: str, /, *children: Child, **attributes: str | float | None) -> Markup:
    """One element. `class_` and `font_size` are written `class` and `font-size`; an attribute of None is left out."""
    said = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        spelled = key.rstrip("_").replace("_", "-")
        if not _NAME.fullmatch(spelled):
            raise ValueError(f"no name of an attribute: {spelled!r}")
        shown = value if isinstance(value, str) else f"{value:g}"
        said.append(f'{spelled}="{escaped(shown)}"')
    opened = f"<{' '.join(said)}>"
    return Markup(opened if name in _VOID else f"{opened}{joined(children)}</{name}>")


def joined(children: Iterable[Child], between: str = "") -> Markup:
    """Several children one after the other."""
    return Markup(
        escaped(between).join(escaped(str(c) if isinstance(c, int) else c) for c in children if c is not None)
    )


def verbatim(sheet: str) -> Markup:
    """A style sheet of our own: no text of a run may ever come here."""
    return Markup(sheet)
