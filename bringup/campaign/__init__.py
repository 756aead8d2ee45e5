"""The fault campaign: seeded faults in simulated clusters, and a score of what a run finds, places and explains."""

from bringup.campaign.layout import Plan, plans
from bringup.campaign.play import Setup
from bringup.campaign.scenarios import Drawn, Wish, draw
from bringup.campaign.score import score
from bringup.campaign.stacking import Rules
from bringup.campaign.totals import Totals, total
from bringup.campaign.types import Played, Scenario, Score
from bringup.campaign.workers import play_all

__all__ = [
    "Drawn",
    "Plan",
    "Played",
    "Rules",
    "Scenario",
    "Score",
    "Setup",
    "Totals",
    "Wish",
    "draw",
    "plans",
    "play_all",
    "score",
    "total",
]
