"""The help screen as lines: the keys of one screen, and what the glyphs mean."""

from __future__ import annotations

from bringup.tui.actions import PLACE_WORDS, Action, Place, actions_of
from bringup.tui.keymap import Keymap
from bringup.tui.look import SIGNS, Line, Look, Mark, Tone


def help_lines(place: Place, look: Look, keymap: Keymap | None = None, *, live: bool) -> list[Line]:
    """Keys and glyphs; nothing but what works on this screen."""
    keymap = keymap or Keymap()
    known = actions_of(place)
    own = [a for a in known if place in a.places and not a.moves]
    lines = [
        *_keys(f"on this screen: {PLACE_WORDS[place]}", own, look, keymap),
        (),
        ((" glyphs", Tone.TITLE),),
    ]
    for mark in Mark:
        sign = SIGNS[mark]
        glyph = look.glyph(mark) if look.glyph(mark).strip() else "(space)"
        named = (f"   {glyph:<9}", sign.tone), (f"{mark.value:<9}", sign.tone)
        lines.append((*named, (look.folded(sign.says), Tone.PLAIN)))
    lines += [(), *_keys("everywhere", [a for a in known if place not in a.places], look, keymap)]
    lines += [(), *_keys("moving", [a for a in known if a.moves], look, keymap)]
    lines += [(), ((" This screen only reads the run's journal.", Tone.PLAIN),)]
    if live:
        lines.append(((" The run goes on when you quit; bringup watch RUN shows it again.", Tone.PLAIN),))
    return lines


def _keys(title: str, actions: list[Action], look: Look, keymap: Keymap) -> list[Line]:
    lines: list[Line] = [((f" {title}", Tone.TITLE),)]
    for action in actions:
        lines.append(
            (
                (f"   {look.folded(keymap.text(action)):<15} ", Tone.BOLD),
                (look.folded(action.says), Tone.PLAIN),
            )
        )
    return lines
