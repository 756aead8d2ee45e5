"""Runs the battery: plan, stages with gates, quarantine, pair rounds, diagnosis, resume. All I/O goes through the fleet."""

from bringup.orchestrator.before import with_readers
from bringup.orchestrator.engine import INTERRUPTED, Engine, EngineOptions
from bringup.orchestrator.folder import RunFolder, Setting
from bringup.orchestrator.kept import ReadEvidence, read_kept
from bringup.orchestrator.plan import Battle, Budget, Case, StagePlan, confirm_s, make_plan
from bringup.orchestrator.rejudge import rejudge

__all__ = [
    "INTERRUPTED",
    "Battle",
    "Budget",
    "Case",
    "Engine",
    "EngineOptions",
    "ReadEvidence",
    "RunFolder",
    "Setting",
    "StagePlan",
    "confirm_s",
    "make_plan",
    "read_kept",
    "rejudge",
    "with_readers",
]
