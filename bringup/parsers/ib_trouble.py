"""Why a program of the InfiniBand diagnostics gave no answer, from what it printed on stdout and stderr together."""

from __future__ import annotations

import re
from enum import StrEnum


class Trouble(StrEnum):
    """The reasons, in the order in which they hide each other."""

    NO_MODULE = "the kernel module ib_umad is not loaded"
    NOT_OPENED = "no rights to /dev/infiniband/umad*, or no adapter of that name"
    NOT_INFINIBAND = "no port of this node is InfiniBand"
    NO_MANAGER = "no subnet manager answers"
    UNANSWERED = "parts of the fabric did not answer"


_SENTENCES = (
    (Trouble.NO_MODULE, re.compile(r"is ib_umad module loaded\?")),
    (Trouble.NOT_OPENED, re.compile(r"can't open UMAD port ")),
    (Trouble.NOT_INFINIBAND, re.compile(r"client_register for mgmt [0-9]{1,3} failed")),
    (Trouble.NO_MANAGER, re.compile(r"No SM/SA found on port|sminfo: iberror: failed: query")),
    (Trouble.UNANSWERED, re.compile(r"bad status 110\b|_do_madrpc failed")),
)


def trouble(text: str) -> Trouble | None:
    """The first reason that the text names; None where it names none."""
    return next((reason for reason, sentence in _SENTENCES if sentence.search(text)), None)
