"""Readers of a run: pure functions from its state to text, files and live progress; none can disturb the run."""
