"""From a matplotlib figure to SVG that belongs into the page: its classes instead of colours, its words, no ids.

Matplotlib draws and writes the SVG; here every element is written again with its class of the style sheet, so that a picture
follows the page in light, dark and print. A text of a run never reaches matplotlib: it draws a mark at that place, and the
words come in here, escaped like all others. So there is no mathematical notation to be parsed and no glyph that a font lacks.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, Literal

import matplotlib
from defusedxml.ElementTree import fromstring
from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import BoxStyle, PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from bringup.report.html.markup import Markup, tag

DPI = 72
"""A point is a pixel."""
_SVG = "{http://www.w3.org/2000/svg}"
_NOT_SAID = {"Date": None, "Creator": None, "Format": None, "Type": None}
_OURS = {"svg.fonttype": "none", "svg.hashsalt": "bringup"}
_OF_WINDOWS = frozenset({"backend", "backend_fallback", "interactive", "toolbar"})
"""Settings on which no drawing depends; to ask for the backend would load one."""
_PLACE = "x"
"""What matplotlib writes in place of the words."""
_FONT = FontProperties(family="DejaVu Sans", size=10.5)  # comes with matplotlib; the page has its own
_STEP = re.compile(r"([MLQz])([^MLQz]*)")
_LOCK = threading.RLock()
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, eq=False, slots=True)
class Link:
    """Where elements lead to; those with the same object are one link."""

    to: str


@dataclass(frozen=True, slots=True)
class _Part:
    kind: str | None
    title: str | None
    words: str
    link: Link | None


@contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib with its own settings and ours, whatever a `matplotlibrc` says. One thread at a time: they are global."""
    with _LOCK:
        if matplotlib.rcParams["svg.hashsalt"] == _OURS["svg.hashsalt"]:
            yield  # within another one, which a page has around all its pictures: to keep all settings takes a while
            return
        with matplotlib.rc_context(_settings()):
            yield


@cache
def _settings() -> dict[Any, Any]:
    changed: dict[Any, Any] = {
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if key not in _OF_WINDOWS and matplotlib.rcParams[key] != value
    }
    return {**changed, **_OURS}


class Canvas:
    """A figure measured in pixels from its top left corner. What has no part in the page is not written."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = round(width + 1), round(height + 1)
        self.figure = Figure((self.width / DPI, self.height / DPI), dpi=DPI, frameon=False)
        self._pixels = Affine2D().scale(1, -1).translate(0, self.height)
        self._parts: list[_Part] = []

    def name(
        self, artist: Artist, kind: str | None, *,
        title: str | None = None, words: str = "", link: Link | None = None,
    ) -> None:  # fmt: skip
        """What an artist is in the page: its class, what it says when pointed at, its words, where it leads."""
        artist.set_gid(str(len(self._parts)))
        self._parts.append(_Part(kind, title, words, link))

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, *,
        title: str | None = None, link: Link | None = None, corner: float = 0,
    ) -> None:  # fmt: skip
        """A rectangle of a class, with round corners if wanted."""
        if corner:
            path = BoxStyle.Round(pad=0, rounding_size=corner)(x, y, width, height, 1)
        else:
            path = _rectangle(x, y, width, height)
        self._add(path, kind, title, link)

    def boxes(self, corners: Iterable[tuple[float, float]], size: float, kind: str) -> None:
        """Many squares of one class, as one element that says nothing."""
        squares = (_rectangle(x, y, size, size) for x, y in corners)
        self._add(Path.make_compound_path(*squares), kind, None, None)

    def text(
        self, x: float, y: float, words: str, kind: str | None = None, *,
        align: Align = "left", turn: float = 0, link: Link | None = None,
    ) -> None:  # fmt: skip
        """Words whose base line begins, ends or has its middle here."""
        artist = Text(
            x, y, _PLACE, transform=self._pixels, fontproperties=_FONT, horizontalalignment=align,
            verticalalignment="baseline", rotation=turn, rotation_mode="anchor", zorder=0, parse_math=False,
        )  # fmt: skip
        self.name(artist, kind, words=words, link=link)
        self.figure.add_artist(artist)

    def _add(self, path: Path, kind: str, title: str | None, link: Link | None) -> None:
        artist = PathPatch(path, transform=self._pixels, linewidth=0, zorder=0)
        self.name(artist, kind, title=title, link=link)
        self.figure.add_artist(artist)

    def svg(self, label: str | None, scale: float = 1.0) -> Markup:
        """The picture as an element of the page; `label` is read aloud instead of it, without one it is passed over."""
        drawn = []
        for link, elements in groupby(self._elements(), key=lambda element: element[0]):
            markup = [element for _, element in elements]
            drawn += [tag("a", *markup, href=link.to)] if link else markup
        said = {"role": "img", "aria_label": label} if label is not None else {"aria_hidden": "true"}
        return tag(
            "svg", *drawn, **said, viewBox=f"0 0 {self.width} {self.height}",
            width=round(self.width * scale), height=round(self.height * scale),
        )  # fmt: skip

    def _elements(self) -> Iterator[tuple[Link | None, Markup]]:
        """The elements of all artists that were named, in the order in which matplotlib draws them."""
        file = io.StringIO()
        with drawing():
            FigureCanvasSVG(self.figure).print_figure(file, format="svg", dpi=DPI, metadata=_NOT_SAID)
        for group in fromstring(file.getvalue()).iter(f"{_SVG}g"):
            number = group.get("id", "")
            if not number.isdecimal():
                continue
            part = self._parts[int(number)]
            paths = [d for d in (path.get("d", "") for path in group.iterfind(f"{_SVG}path")) if d]
            if paths:
                title = tag("title", part.title) if part.title is not None else None
                yield part.link, tag("path", title, class_=part.kind, d="".join(map(_short, paths)))
            for element in group.iterfind(f"{_SVG}text"):
                yield part.link, _text(part, element.attrib)


def _rectangle(x: float, y: float, width: float, height: float) -> Path:
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return Path(corners, closed=True)


def _text(part: _Part, said: dict[str, str]) -> Markup:
    x, y = float(said["x"]), float(said["y"])
    anchor = re.search(r"text-anchor: (middle|end)", said["style"])
    turned = re.match(r"rotate\((-?[\d.]+)", said.get("transform", ""))
    angle = float(turned[1]) if turned else 0.0
    turn = f"rotate({angle:g} {round(x, 1):g} {round(y, 1):g})" if angle else None
    return tag(
        "text", part.words, class_=part.kind, x=round(x, 1), y=round(y, 1), text_anchor=anchor[1] if anchor else None,
        transform=turn,
    )  # fmt: skip


def _short(path: str) -> str:
    """The same path relative and in tenths of a pixel: a page holds thousands of them."""
    written = []
    at = (0, 0)
    for letter, numbers in _STEP.findall(path):
        tenths = [round(float(number) * 10) for number in numbers.split()]
        points = list(zip(tenths[::2], tenths[1::2], strict=True))
        if letter == "z":
            written.append("z")
        elif letter == "M":
            written.append(f"M{_numbers(points)}")
        else:
            steps = [(x - at[0], y - at[1]) for x, y in points]
            x, y = steps[0]
            if letter == "L" and 0 in (x, y):
                written.append(f"h{x / 10:g}" if y == 0 else f"v{y / 10:g}")
            else:
                written.append(f"{letter.lower()}{_numbers(steps)}")
        at = points[-1] if points else at
    return "".join(written)


def _numbers(points: Iterable[tuple[int, int]]) -> str:
    return " ".join(f"{x / 10:g} {y / 10:g}" for x, y in points).replace(" -", "-")
