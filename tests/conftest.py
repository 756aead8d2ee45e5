"""Fixtures that all tests may use live in tests/support; here is how hypothesis plays for all of them.

Examples have no time limit, since a busy machine is no mistake, and are the same in every run. To look for new ones:
`pytest --hypothesis-profile=search`.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["support.sshd", "support.real_slurm"]

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: two workers for each processor, since the long tests wait for other processes most of the time."""
    return 2 * len(os.sched_getaffinity(0))
