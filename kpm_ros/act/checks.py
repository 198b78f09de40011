# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Settings are refused in words: which one, its value, and what is allowed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

NAMED = 40
"""Muscles that a sentence lists."""


def require_number(
    what: str,
    value: object,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> None:
    """Refuse anything that is not a finite number within the stated bounds."""
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("above", above), ("at least", at_least), ("at most", at_most))
        if bound is not None
    ]
    allowed = " ".join(["it must be a finite number", " and ".join(bounds)]).rstrip()
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}; {allowed}")
    too_low = (above is not None and value <= above) or (at_least is not None and value < at_least)
    if too_low or (at_most is not None and value > at_most):
        raise ValueError(f"{what} is {value!r}; {allowed}")


def require_names(what: str, names: Sequence[str]) -> None:
    """Refuse an empty list, an empty name and a name given twice."""
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{what} are {names!r}; they must be a list of names, none of them empty")
    if not names:
        raise ValueError(f"there are no {what}; at least one is needed")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} must differ, but {', '.join(twice)} is given more than once")


def require_known_muscles(what: str, weights: Mapping[str, float], muscles: Sequence[str]) -> None:
    """Refuse weights for a muscle that the effort stream does not have."""
    for muscle in weights:
        if muscle not in muscles:
            more = len(muscles) - NAMED
            listed = [*muscles[:NAMED], *([f"{more} more"] if more > 0 else [])]
            raise ValueError(
                f"{what} names the muscle {muscle!r}, which the effort does not have; "
                f"it has {', '.join(listed)}"
            )
