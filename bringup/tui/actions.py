"""The one table of everything that a key can do. Bindings, footer, help, palette and the manual are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where an action works; each screen is one place."""

    EVERYWHERE = "everywhere"
    FLOOR = "floor"
    STAGES = "stages"
    RESULTS = "results"
    DEFECTS = "defects"
    DEFECT = "defect"
    NODE = "node"
    CABLES = "cables"
    REPAIR = "repair"
    FILES = "files"
    EVIDENCE = "evidence"
    LOG = "log"
    HELP = "help"
    LIST = "list"
    CHANGES = "changes"
    QUIT = "quit"


PLACE_WORDS: dict[Place, str] = {
    Place.EVERYWHERE: "everywhere",
    Place.FLOOR: "floor",
    Place.STAGES: "stages",
    Place.RESULTS: "results of a stage",
    Place.DEFECTS: "defects",
    Place.DEFECT: "one defect",
    Place.NODE: "node",
    Place.CABLES: "cables",
    Place.REPAIR: "repair",
    Place.FILES: "list of evidence",
    Place.EVIDENCE: "evidence",
    Place.LOG: "log",
    Place.HELP: "help",
    Place.LIST: "list to take along",
    Place.CHANGES: "changes",
    Place.QUIT: "leaving",
}

SCREENS = tuple(p for p in Place if p is not Place.EVERYWHERE)
MOVING = tuple(p for p in SCREENS if p is not Place.QUIT)
LISTS = (Place.STAGES, Place.RESULTS, Place.DEFECTS, Place.NODE, Place.CABLES, Place.REPAIR, Place.FILES)
TEXTS = (Place.DEFECT, Place.EVIDENCE, Place.LOG, Place.HELP, Place.LIST, Place.CHANGES)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does.

    `do` is the method that does it: `action_...` of the app if it works everywhere or if `do` says so, else of the
    screen. `label` is for the footer, `says` for help, palette and manual. `foot` orders the footer; 0 keeps it out.
    `moves` marks what only moves the cursor and is therefore no command of the palette.
    """

    id: str
    keys: tuple[str, ...]
    do: str
    label: str
    says: str
    places: tuple[Place, ...] = (Place.EVERYWHERE,)
    foot: int = 0
    moves: bool = False


ACTIONS: tuple[Action, ...] = (
    Action("open-node", ("enter",), "open", "node", "open the selected node", (Place.FLOOR,), 1),
    Action("open-stage", ("enter",), "open", "results", "list the results of the stage", (Place.STAGES,), 1),
    Action("open-result", ("enter",), "open", "node", "open the node of the result", (Place.RESULTS,), 1),
    Action("open-defect", ("enter",), "open", "details", "show the defect and what it explains",
           (Place.DEFECTS, Place.REPAIR), 1),
    Action("open-defect-node", ("enter",), "open", "node", "open the node of the defect", (Place.DEFECT,), 1),
    Action("fold", ("enter",), "open", "open/close", "open or close the component", (Place.NODE,), 1),
    Action("open-cable", ("enter",), "open", "open", "open the defect of the cable, else its node", (Place.CABLES,), 1),
    Action("open-file", ("enter",), "open", "read", "read the selected output", (Place.FILES,), 1),
    Action("evidence", ("e",), "evidence", "evidence", "read the kept output behind the row", (Place.NODE,), 2),
    Action("result-evidence", ("e",), "evidence", "evidence", "read the kept output behind the result",
           (Place.RESULTS,), 2),
    Action("faults", ("z",), "faults", "faults only", "show only what is not in order, or all again",
           (Place.FLOOR, Place.RESULTS, Place.NODE, Place.CABLES), 3),
    Action("filter", ("slash",), "filter", "filter", "filter: words, rack:R05, code:RDMA*, gpu-[080-095], ! for not",
           (Place.FLOOR, Place.RESULTS, Place.DEFECTS, Place.CABLES, Place.REPAIR), 4),
    Action("find", ("slash",), "filter", "find", "find a text", TEXTS, 4),
    Action("next-defect", ("n",), "next(1)", "next defect", "go to the next one that is not in order",
           (Place.FLOOR, Place.NODE, Place.CABLES), 5),
    Action("previous-defect", ("N",), "next(-1)", "previous defect", "go to the previous one that is not in order",
           (Place.FLOOR, Place.NODE, Place.CABLES)),
    Action("next-match", ("n",), "next(1)", "next", "go to the next place found", TEXTS, 5),
    Action("previous-match", ("N",), "next(-1)", "previous", "go to the previous place found", TEXTS),
    Action("order", ("o",), "order", "order", "sort by walking order, by code, or by stage", (Place.DEFECTS,), 5),
    Action("cable-order", ("o",), "order", "order", "sort by walking order or by leaf", (Place.CABLES,), 6),
    Action("group", ("g",), "group", "group", "group by rack, row, leaf, height unit or profile",
           (Place.FLOOR,), 6),
    Action("meaning", ("m",), "meaning(1)", "cells", "cells show the state, one stage, or one measurement",
           (Place.FLOOR,), 7),
    Action("next-lens", ("greater_than_sign",), "lens(1)", "next stage", "the next stage, or the next measurement",
           (Place.FLOOR,)),
    Action("previous-lens", ("less_than_sign",), "lens(-1)", "previous stage",
           "the stage, or the measurement, before", (Place.FLOOR,)),
    Action("tick", ("space",), "tick", "mark", "mark the node or defect, or take the mark away",
           (Place.FLOOR, Place.DEFECTS), 6),
    Action("tick-range", ("v",), "tick_range", "mark range", "mark everything from the last mark to here",
           (Place.FLOOR, Place.DEFECTS)),
    Action("untick", ("u",), "untick", "unmark", "take all marks away", (Place.FLOOR, Place.DEFECTS)),
    Action("paper", ("p",), "paper", "list", "what is marked (or all) as a list to print or take along",
           (Place.FLOOR, Place.DEFECTS), 7),
    Action("copy", ("y",), "copy", "copy", "copy the defect or what is marked, as ticket text",
           (Place.FLOOR, Place.DEFECTS, Place.DEFECT, Place.NODE), 7),
    Action("copy-list", ("y",), "copy", "copy", "copy the list", (Place.LIST,), 1),
    Action("write-list", ("w",), "write", "write", "write the list to a file in this folder", (Place.LIST,), 2),
    Action("ssh", ("S",), "app.ssh", "ssh", "open ssh to the node; this screen comes back afterwards",
           (Place.FLOOR, Place.NODE), 7),
    Action("detach", ("d", "enter"), "app.leave", "detach", "leave; the run goes on", (Place.QUIT,), 1),
    Action("stop", ("s",), "stop", "stop the run", "stop the run: it ends its commands, writes its reports",
           (Place.QUIT,), 2),
    Action("kill", ("K",), "kill", "stop now", "end the run's process at once, without reports (twice)",
           (Place.QUIT,), 3),
    Action("retest", ("r",), "retest", "retest", "run the least that proves the repair (bringup retest)",
           (Place.REPAIR,), 2),
    Action("retest-plan", ("R",), "retest_plan", "plan", "show what a retest would run", (Place.REPAIR,), 3),
    Action("claim", ("c",), "claim", "claim", "say that you take care of it (bringup claim)", (Place.REPAIR,), 5),
    Action("fixed", ("f",), "fixed", "fixed", "say that it is repaired (bringup fixed); only a run closes it",
           (Place.REPAIR,), 5),
    Action("swap", ("X",), "swap", "swap test", "tell the cable from the port with a good port (bringup swap)",
           (Place.REPAIR,), 6),
    Action("up", ("up", "k"), "move(0,-1)", "up", "up", MOVING, moves=True),
    Action("down", ("down", "j"), "move(0,1)", "down", "down", MOVING, moves=True),
    Action("left", ("left", "h"), "move(-1,0)", "left", "left", (Place.FLOOR, *TEXTS), moves=True),
    Action("right", ("right", "l"), "move(1,0)", "right", "right", (Place.FLOOR, *TEXTS), moves=True),
    Action("page-up", ("pageup", "ctrl+b"), "page(-1)", "page up", "one page up", MOVING, moves=True),
    Action("page-down", ("pagedown", "ctrl+f"), "page(1)", "page down", "one page down", MOVING, moves=True),
    Action("first", ("home",), "edge(-1)", "first", "to the beginning", MOVING, moves=True),
    Action("last", ("end",), "edge(1)", "last", "to the end", MOVING, moves=True),
    Action("floor", ("1",), "go('floor')", "floor", "the floor: every node at its place"),
    Action("stages", ("2",), "go('stages')", "stages", "the stages and how far they are"),
    Action("defects", ("3",), "go('defects')", "defects", "the work list"),
    Action("node", ("4",), "go('node')", "node", "the page of the selected node"),
    Action("cables", ("5",), "go('cables')", "cables", "the cables as planned and as seen"),
    Action("repair", ("6",), "go('repair')", "repair", "repairs: claim, fixed, retest, swap test"),
    Action("log", ("L",), "log_book", "log", "what happened to the run: notes, stages, gates", foot=7),
    Action("list-log", ("l",), "app.log_book", "log", "the same, where l does not move the cursor", LISTS),
    Action("back", ("escape",), "back", "back", "close the filter or go back", foot=8),
    Action("last-screen", ("minus",), "last", "last screen", "the screen before this one"),
    Action("changes", ("C",), "changes", "changes", "what is another than in the earlier run (watch RUN1 RUN2)"),
    Action("play", ("x",), "play", "stop/go on", "replay: stop the time, or let it go on"),
    Action("step", ("full_stop",), "step", "step", "replay: exactly to the next event"),
    Action("step-back", ("comma",), "rewind(60)", "a minute back", "replay: one minute back"),
    Action("next-stage", ("right_square_bracket",), "stage(1)", "next stage", "replay: to the next stage"),
    Action("previous-stage", ("left_square_bracket",), "stage(-1)", "previous stage", "replay: to the stage before"),
    Action("faster", ("plus",), "speed(1)", "faster", "replay: faster"),
    Action("slower", ("underscore",), "speed(-1)", "slower", "replay: slower"),
    Action("screenshot", ("P",), "picture", "picture", "write this screen as SVG to a file in this folder"),
    Action("theme", ("t",), "theme", "colours", "other colours: for dark or light, 16 or more colours"),
    Action("palette", ("colon", "ctrl+p"), "command_palette", "commands", "find a command or a node by name"),
    Action("help", ("question_mark",), "help", "help", "the keys of this screen and what the glyphs mean", foot=10),
    Action("quit", ("q", "ctrl+q"), "quit", "quit", "leave; asks first while the run goes on", foot=9),
)  # fmt: skip


SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "minus": "-",
    "full_stop": ".",
    "comma": ",",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "plus": "+",
    "underscore": "_",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "colon": ":",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_text(key: str) -> str:
    """A key as it is written on the keyboard."""
    return SHOWN.get(key, key)


def keys_text(action: Action) -> str:
    """All keys of an action."""
    return " ".join(key_text(key) for key in action.keys)


def actions_of(place: Place) -> list[Action]:
    """What the keys do on one screen: its own actions first, then those that work everywhere."""
    own = [a for a in ACTIONS if place in a.places]
    return own + [a for a in ACTIONS if Place.EVERYWHERE in a.places and a not in own]


def foot(place: Place) -> list[Action]:
    """The actions of the footer, in order."""
    return sorted((a for a in actions_of(place) if a.foot), key=lambda a: a.foot)


def full(action: Action) -> str:
    """The action's method with its owner, as Textual wants it: `app.help`, `screen.open`."""
    if action.do.startswith("app."):
        return action.do
    return f"{'app' if Place.EVERYWHERE in action.places else 'screen'}.{action.do}"


def commands(place: Place) -> list[Action]:
    """The actions that the palette offers on one screen, each once."""
    return list({full(action): action for action in actions_of(place) if not action.moves}.values())


def where(action: Action) -> str:
    """Where an action works, in words."""
    return (
        "every screen"
        if action.places == MOVING
        else ", ".join(PLACE_WORDS[place] for place in action.places)
    )


def manual() -> str:
    """The table of keys as Markdown."""
    lines = ["| Keys | What | Where |", "|---|---|---|"]
    for action in ACTIONS:
        keys = " ".join(f"`{key_text(key)}`" for key in action.keys)
        lines.append(f"| {keys} | {action.says} | {where(action)} |")
    return "\n".join(lines) + "\n"
