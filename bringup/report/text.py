"""Text that a node printed, made safe to show: on a terminal, in XML, in a report, in a table.

Everything that comes from a node goes through here before a person or another program sees it. Nothing is
dropped without a trace, except terminal escape sequences, which carry no words.
"""

from __future__ import annotations

import re
from functools import lru_cache

ELLIPSIS = "…"
_PLAIN_GLYPHS = str.maketrans({ELLIPSIS: "...", "✗": "x", "█": "#", "░": "."})

# Possessive quantifiers keep all of these linear on hostile input. A string sequence (OSC, DCS, ...) is
# removed only if it ends on its own line and before the next one; an unfinished one loses just its introducer,
# so that it cannot hide what follows.
_NAME = 100
"""Texts up to so many characters are mostly names, which come again: what became of them is remembered."""
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*+[ -/]*+[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\n]*+(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*+[0-~]"
    r"|\x9b[0-?]*+[ -/]*+[@-~]"
    r"|[\x90\x98\x9d-\x9f][^\x07\x1b\x90\x98\x9c-\x9f\n]*+(?:\x07|\x9c|\x1b\\)"
)

# Control characters, direction overrides, invisible characters, lone surrogates and noncharacters: whatever
# changes how a line looks without being seen, or is not allowed in XML 1.0.
_PLANE_ENDS = "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(1, 0x11))
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f" + _PLANE_ENDS + "]"
)


def _is_plain(text: str) -> bool:
    """One line of letters, digits and signs: nearly every text, and nothing to be made safe."""
    return text.isascii() and text.isprintable()


def strip_escapes(text: str) -> str:
    """Without terminal escape sequences (colours, cursor moves, titles)."""
    return _ESCAPES.sub("", text)


def visible(text: str) -> str:
    r"""Every control, invisible or illegal character as text such as `\x00`; newline and tab stay."""
    if _is_plain(text):
        return text
    return _HIDDEN.sub(lambda match: _escaped(ord(match.group())), text)


def _escaped(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean(text: str) -> str:
    """Several lines of a node's text, safe for a terminal and for XML 1.0."""
    if _is_plain(text):
        return text
    return visible(strip_escapes(text).replace("\r\n", "\n"))


def decoded(raw: bytes) -> str:
    """Raw bytes of a node as clean text."""
    return clean(raw.decode("utf-8", "backslashreplace"))


def line(text: str, most: int = 300) -> str:
    """One clean line of at most `most` characters; line ends become ` / `."""
    return _short_line(text, most) if len(text) <= _NAME else _line(text, most)


def _line(text: str, most: int) -> str:
    if _is_plain(text):
        return shorten(" ".join(text.split()), most)
    parts = [" ".join(part.split()) for part in clean(text).split("\n")]
    return shorten(" / ".join(part for part in parts if part), most)


_short_line = lru_cache(maxsize=16_384)(_line)


def shorten(text: str, most: int) -> str:
    """At most `most` characters: head and tail, because the end of a message often holds the reason."""
    if len(text) <= most:
        return text
    if most <= 3:
        return text[:most]
    tail = (most - 3) // 3
    head = most - 3 - tail
    return f"{text[:head].rstrip()} {ELLIPSIS} {text[len(text) - tail :].lstrip()}"


def head_and_tail(text: str, most_bytes: int) -> str:
    """About `most_bytes` bytes (UTF-8) of a long text: first and last lines, and how much is left out."""
    raw = text.encode("utf-8", "backslashreplace")
    if len(raw) <= most_bytes:
        return raw.decode("utf-8")
    half = max(0, most_bytes - 60) // 2
    head = raw[:half].decode("utf-8", "ignore")
    tail = raw[len(raw) - half :].decode("utf-8", "ignore")
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    left_out = len(raw) - len(head.encode()) - len(tail.encode())
    newline = "" if not head or head.endswith("\n") else "\n"
    return f"{head}{newline}{ELLIPSIS} {left_out:,} bytes left out {ELLIPSIS}\n{tail}"


def for_encoding(text: str, encoding: str | None) -> str:
    """The same text with what the terminal cannot show written as `\\xNN`, so that printing never fails."""
    name = encoding or "ascii"
    if name.lower().replace("-", "") not in ("utf8", "utf16", "utf32"):
        text = text.translate(_PLAIN_GLYPHS)
    return text.encode(name, "backslashreplace").decode(name)
