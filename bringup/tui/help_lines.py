"""The help screen as lines: the keys of one screen, and what the glyphs mean."""

from __future__ import annotations

from bringup.tui.actions import PLACE_WORDS, Action, Place, actions_of, keys_text
from bringup.tui.look import SIGNS, Line, Look, Mark, Tone


def help_lines(place: Place, look: Look, *, live: bool) -> list[Line]:
    """Keys and glyphs; nothing but what works on this screen."""
    known = actions_of(place)
    own = [a for a in known if place in a.places and not a.moves]
    lines = [*_keys(f"on this screen: {PLACE_WORDS[place]}", own, look), (), ((" glyphs", Tone.TITLE),)]
    for mark in Mark:
        sign = SIGNS[mark]
        glyph = look.glyph(mark) if look.glyph(mark).strip() else "(space)"
        named = (f"   {glyph:<9}", sign.tone), (f"{mark.value:<9}", sign.tone)
        lines.append((*named, (look.folded(sign.says), Tone.PLAIN)))
    lines += [(), *_keys("everywhere", [a for a in known if place not in a.places], look)]
    lines += [(), *_keys("moving", [a for a in known if a.moves], look)]
    lines += [(), ((" This screen only reads the run's journal.", Tone.PLAIN),)]
    if live:
        lines.append(((" The run goes on when you quit; bringup watch RUN shows it again.", Tone.PLAIN),))
    return lines


def _keys(title: str, actions: list[Action], look: Look) -> list[Line]:
    lines: list[Line] = [((f" {title}", Tone.TITLE),)]
    for action in actions:
        lines.append(((f"   {keys_text(action):<15} ", Tone.BOLD), (look.folded(action.says), Tone.PLAIN)))
    return lines
