"""Who runs the work: threads of this process (`local`). One interface, so that more runners can stand behind it."""

from bringup.fleet.local import MOST_WORKERS, WORKERS, Duel, Job, LocalFleet, Team, Work

__all__ = ["MOST_WORKERS", "WORKERS", "Duel", "Job", "LocalFleet", "Team", "Work"]
