"""From outcomes to defects: one defect is one thing that one person must do, at one place, with all that it explains."""

from bringup.diagnosis.defects import diagnose, to_confirm
from bringup.diagnosis.faults import GENERAL

__all__ = ["GENERAL", "diagnose", "to_confirm"]
