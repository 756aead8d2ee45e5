"""What happened to a run as a whole: the lines of the log."""

from __future__ import annotations

from dataclasses import dataclass

from bringup import events as ev


@dataclass(frozen=True, slots=True)
class LogLine:
    """Something that happened to the run as a whole."""

    at: float
    text: str
    loud: bool = False


def log_line(event: ev.AnyEvent) -> LogLine | None:
    """What an event adds to the log; None for those that other screens show."""
    match event:
        case ev.RunStarted(info=info):
            return LogLine(event.at, f"run {info.id} started: {info.nodes} nodes, level {info.level}")
        case ev.StageStarted(stage=stage):
            return LogLine(event.at, f"stage {stage} started")
        case ev.StageEnded(stage=stage):
            return LogLine(event.at, f"stage {stage} ended")
        case ev.Quarantined(component=component, check=check, reason=reason):
            return LogLine(event.at, f"{component} is left out from now on: {check}: {reason}", loud=True)
        case ev.Note(text=text):
            return LogLine(event.at, text)
        case ev.Resumed(text=text):
            return LogLine(event.at, f"run resumed {text}".rstrip())
        case ev.RunEnded(verdict=verdict, aborted=aborted):
            return LogLine(
                event.at, f"run ended: {verdict}" + (f", aborted: {aborted}" if aborted else ""), loud=True
            )
        case _:
            return None
