"""The life of a defect across runs: the ledger beside the runs, what proves a repair, and what a run adds to it."""
