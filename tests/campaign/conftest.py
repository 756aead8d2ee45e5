"""Builds defects and scenarios for the tests of the score; all of them are invented."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bringup.campaign.types import Place, Planted, Played, Scenario, Wanted
from bringup.defects import Defect, Severity, Who


def _defect(
    code: str,
    component: str,
    *,
    who: Who = Who.HANDS_ON,
    nodes: tuple[str, ...] = (),
    components: tuple[str, ...] = (),
) -> Defect:
    owner = component.split("/")[0]
    return Defect(
        id=f"D-{code}-{component}", code=code, who=who, severity=Severity.ISOLATE, component=component,
        nodes=nodes or (owner,), title="", action="", components=components or (component,),
    )  # fmt: skip


def _planted(
    kind: str, node: str, *wanted: tuple[str, str], who: Who = Who.HANDS_ON, closes: str = ""
) -> Planted:
    alternatives = tuple(Wanted(code, component, who.value) for code, component in wanted)
    return Planted(kind, (node,), (Place((node,), alternatives),) if wanted else (), closes=closes)


def _scenario(*planted: Planted, family: str = "single", name: str = "s", **more: str) -> Scenario:
    return Scenario(name, family, "hgx-h100", 1, 8, planted=planted, **more)


def _ended(*defects: Defect, verdict: str = "NOT READY", **more: object) -> Played:
    return Played("s", 10.0, verdict, defects=defects, **more)  # type: ignore[arg-type]


@pytest.fixture
def defect() -> Callable[..., Defect]:
    return _defect


@pytest.fixture
def planted() -> Callable[..., Planted]:
    return _planted


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    return _scenario


@pytest.fixture
def ended() -> Callable[..., Played]:
    return _ended
