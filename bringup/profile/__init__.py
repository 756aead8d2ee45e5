"""Profiles: what a healthy node of one kind is like, with a reason for every number."""

from bringup.profile.loading import STOCK, available, load, load_all
from bringup.profile.types import Fact, Profile

__all__ = ["STOCK", "Fact", "Profile", "available", "load", "load_all"]
