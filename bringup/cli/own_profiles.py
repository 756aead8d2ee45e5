"""A site's own profiles before a run: what is misspelt in them would leave their parents' limits in force in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bringup.battery.asked import asked, together
from bringup.check import AnyCheck
from bringup.errors import ProfileError
from bringup.profile.checking import certain, is_stock, tidy
from bringup.profile.loading import sources


def refuse_mistakes(names: Iterable[str], dirs: Sequence[Path], checks: Sequence[AnyCheck]) -> None:
    """Raises ProfileError for names that none of the checks asks for, and units that none measures.

    Profiles that come with bringup are not looked at: its tests do that.
    """
    own = [source for source in sources(names, dirs)[0] if not is_stock(source.path)]
    if not own:
        return
    asks = together(asked(c) for c in checks)
    problems = tidy(problem for source in own for problem in certain(source, asks))
    if problems:
        raise ProfileError(problems)
