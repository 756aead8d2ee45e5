"""The report for people as one self-contained HTML page."""

from bringup.report.html.page import page, write

__all__ = ["page", "write"]
