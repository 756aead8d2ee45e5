"""The `ready:` part of an inventory: what this cluster asks for before a run may say READY. It can only be stricter."""

from __future__ import annotations

from bringup.inventory import shape
from bringup.inventory.problems import Problems, did_you_mean, quoted
from bringup.inventory.tree import Value
from bringup.model import LEVELS, STAGES, Level, ReadyRule, Stage

_FLAGS = ("whole", "exceptions", "signed")


def read(value: Value | None, problems: Problems) -> ReadyRule:
    """The rule; nothing said is the usual one."""
    usual = ReadyRule()
    if value is None:
        return usual
    keys = shape.table(value, "ready", ("level", "stages", *_FLAGS), problems)
    level, stages = usual.level, usual.stages
    if "level" in keys and (said := shape.text(keys["level"], "ready.level", problems)) is not None:
        if said in [v.value for v in LEVELS]:
            level = Level(said)
        else:
            problems.add(keys["level"].line, f"ready.level: {_no(said, [v.value for v in LEVELS])}")
    if "stages" in keys:
        many = shape.texts(keys["stages"], "ready.stages", problems) or ()
        known = [s.value for s in STAGES]
        for one in many:
            if one not in known:
                problems.add(keys["stages"].line, f"ready.stages: {_no(one, known)}")
        stages = tuple(Stage(one) for one in many if one in known)
    flags = {name: _flag(keys[name], name, problems) for name in _FLAGS if name in keys}
    return ReadyRule(
        level,
        stages,
        whole=flags.get("whole", usual.whole),
        exceptions=flags.get("exceptions", usual.exceptions),
        signed=flags.get("signed", usual.signed),
    )


def _flag(value: Value, name: str, problems: Problems) -> bool:
    said = shape.scalar(value, f"ready.{name}", problems)
    if isinstance(said, bool):
        return said
    problems.add(value.line, f"ready.{name}: needs true or false, got {quoted(str(said))}")
    return False


def _no(said: str, known: list[str]) -> str:
    return f"no {quoted(said)}{did_you_mean(said, known) or '; known are ' + ', '.join(known)}"
