"""Who runs the work: threads of this process (`local`). One interface, so that more runners can stand behind it."""

from bringup.fleet.local import Duel, Job, LocalFleet, Work

__all__ = ["Duel", "Job", "LocalFleet", "Work"]
