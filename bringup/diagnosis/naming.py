"""Component paths in the technician's words, and lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

MOST_NAMED = 3
"""So many parts are named one by one; of more, the rest is counted."""

_KINDS = {"gpu": "GPU", "nvlink": "NVLink", "cpu": "CPU"}


def short(at: Sequence[str]) -> str:
    """Component paths in words: `gpu-009 mlx5_4`, `gpu-003 GPU 5`, `gpu-005 GPU 2 NVLink 7`."""
    said: list[str] = []
    for path in at:
        node, *rest = path.split("/")
        words = [node]
        for kind, name in zip(rest[0::2], rest[1::2], strict=False):
            if kind == "hca":
                words.append(name)
            elif kind == "port":
                words += [f"port {name}"] if name != "1" else []
            else:
                words.append(f"{_KINDS.get(kind, kind)} {name}")
        said.append(" ".join(words))
    return " and ".join(said)


def some(paths: Iterable[str]) -> str:
    """The first of several parts by name, the others as a number."""
    names = list(dict.fromkeys(short((path,)) for path in paths))
    if len(names) > MOST_NAMED + 1:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number: int, word: str) -> str:
    """`1 port`, `7 ports`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
