"""Journals in which every word is hostile, in an order that no run would write. Everything is invented."""

from __future__ import annotations

import random
from pathlib import Path

from bringup import events as ev
from bringup.commands import Command, Ended, Evidence
from bringup.defects import Defect, Severity, Symptom, Who
from bringup.journal import Journal
from bringup.model import Finding, Limit, Measurement, Node, Outcome, Port, RunInfo, Stage, Verdict, Why

EVIL = [
    "\x1b[2J\x1b[Hgone", "\x1b]0;title\x07", "a\nb\rc\td", "\x00\x07\x7f", "\u202egnp.exe", "机架", "e\u0301" * 50, "", " ", "/",
    "a/b", " ~ ", "x" * 5000, "[bold]no markup[/bold]", "[@click=app.quit]x[/]", "a b", "-", "..", "%s{0}", "\ud83d\ude00",
    "👩‍👩‍👧", "\u200b", "/" * 3000,
]  # fmt: skip
NUMBERS = [0.0, -0.0, -1.0, 1e-300, 1e300, -1e300, 400.0, float(1 << 63)]


def nonsense(chance: random.Random, folder: Path) -> None:
    """A journal whose every word is hostile, in an order that no run would write."""

    def word() -> str:
        said = chance.choice(EVIL)
        return said.encode("utf-8", "surrogatepass").decode("utf-8", "replace") + chance.choice(
            ["", str(chance.randrange(9))]
        )

    def number() -> float:
        return chance.choice(NUMBERS)

    names = [word() for _ in range(30)]

    def name() -> str:
        return chance.choice(names)

    def path() -> str:
        return chance.choice(
            [name(), f"{name()}/gpu/{word()}", f"{name()}/hca/{word()}/port/1", f"{name()} ~ {name()}"]
        )

    def limit() -> Limit:
        value: float | str | bool = chance.choice([number(), word(), True])
        return Limit(
            word(), chance.choice([">=", "<=", "==", "!=", "<", ">", "=>", ""]), value, word(), word(), word()
        )

    def measurement() -> Measurement:
        value: float | str = chance.choice([number(), word()])
        return Measurement(word(), value, word(), path(), chance.choice([None, limit()]), word())

    def evidence() -> Evidence:
        sizes = (chance.choice([0, 5, -1, 1 << 40]) for _ in range(3))
        file = chance.choice([word(), "../../etc/passwd", "/etc/passwd", "journal.jsonl"])
        return Evidence(
            name(),
            file,
            Command(word()),
            chance.choice(list(Ended)),
            None,
            number(),
            number(),
            *sizes,
            detail=word(),
        )

    def outcome() -> Outcome:
        return Outcome(
            word(), chance.choice(list(Stage)), path(), tuple(name() for _ in range(chance.randrange(4))),
            chance.choice(list(Verdict)), tuple(path() for _ in range(chance.randrange(3))), chance.choice([0, 1, 2, -5]),
            word(), word(), chance.choice(list(Why)), tuple(measurement() for _ in range(chance.randrange(4))),
            tuple(Finding(word(), word(), path()) for _ in range(chance.randrange(3))),
            tuple(evidence() for _ in range(chance.randrange(3))), number(), number(),
        )  # fmt: skip

    def defect() -> Defect:
        return Defect(
            word(), word(), chance.choice(list(Who)), chance.choice(list(Severity)), path(),
            tuple(name() for _ in range(chance.randrange(4))), word(), word(), word(), word(), word(), word(), word(),
            chance.choice(list(Stage)), tuple(Symptom(word(), path(), word(), path(), word()) for _ in range(3)),
            tuple(path() for _ in range(chance.randrange(4))), (word(),),
        )  # fmt: skip

    def node() -> Node:
        ports = tuple(Port(k, word(), word(), word(), word()) for k in range(2))
        return Node(
            name(),
            word(),
            rack=word(),
            unit=word(),
            profile=word(),
            serial=word(),
            tags=(word(),),
            ports=ports,
        )

    def event() -> ev.AnyEvent:
        stage = chance.choice(list(Stage))
        return chance.choice(
            [
                lambda: ev.NodeListed(node=node()),
                lambda: ev.Planned(stage=stage, check=word(), targets=[path(), name(), word()]),
                lambda: ev.StageStarted(stage=stage, estimate_s=number(), rounds=chance.randrange(-3, 4)),
                lambda: ev.RoundStarted(
                    stage=stage, round=chance.randrange(-3, 4), rounds=chance.randrange(-3, 4)
                ),
                lambda: ev.Working(stage=stage, nodes=[name(), word()]),
                lambda: ev.Idle(stage=stage, nodes=[name()]),
                lambda: ev.Judged(outcome=outcome()),
                lambda: ev.Judged(outcome=outcome()),
                lambda: ev.Quarantined(component=path(), stage=stage, check=word(), reason=word()),
                lambda: ev.StageEnded(stage=stage),
                lambda: ev.DefectsFound(defects=[defect() for _ in range(5)]),
                lambda: ev.Note(text=word()),
                lambda: ev.Resumed(text=word()),
            ]
        )()

    journal = Journal(folder / "journal.jsonl", clock=lambda: abs(number()))
    stages = tuple(chance.sample(list(Stage), 4))
    journal.write(
        ev.RunStarted(
            info=RunInfo(
                word() or "r", word(), version=word(), started=number(), stages=stages, estimate_s=number()
            )
        )
    )
    for _ in range(20):
        journal.write(ev.NodeListed(node=node()))
    for _ in range(300):
        journal.write(event())
    journal.close()
