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

"""What a user may set: declared once, with meaning and bounds, where it is used, and checked here.

A dataclass declares each of its settings with `setting()`. Another one that offers them to its own
users takes them all over with `rules()`, under their names or others, so that a default or a bound
stands in one place.

>>> @dataclass(frozen=True)
... class FadeRules(CheckedSettings):
...     fade_s: float = setting(0.5, "time until nothing is left", least=0.0, most=10.0)
>>> @dataclass(frozen=True)
... class LampSettings:
...     colour: str = setting("red", "colour of the light")
...     evening: FadeRules = rules(FadeRules, prefix="evening_")
>>> list(declared(LampSettings))
['colour', 'evening_fade_s']
>>> make_settings("lamp", LampSettings, {"evening_fade_s": 3}).evening
FadeRules(fade_s=3.0)
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from numbers import Integral, Real
from typing import Any, TypeVar

Settings = TypeVar("Settings")


class ConfigurationError(ValueError):
    """A setting that cannot be used, said in a sentence for the user."""


@dataclass(frozen=True)
class Setting:
    """What is known of one setting."""

    name: str
    """As its user writes it."""
    owner: type
    """The dataclass that offers it to its user."""
    path: tuple[str, ...]
    """Attributes by which it is reached from there."""
    default: Any
    description: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    """Whether it may change while it is in use."""

    @property
    def kind(self) -> type:
        """Type of its values; a list is one of strings."""
        return type(self.default)

    def of(self, settings: Any) -> Any:
        """Look up its value."""
        for name in self.path:
            settings = getattr(settings, name)
        return settings

    def checked(self, label: str, value: Any) -> Any:
        """Give the value as it is used; one that is not allowed is a ConfigurationError."""
        if self.kind in (int, float):
            return check_number(
                label, value, least=self.least, most=self.most, whole=self.kind is int
            )
        fits = type(value) is self.kind
        if isinstance(value, list):
            fits = fits and all(type(each) is str for each in value)
        if not fits:
            raise ConfigurationError(f"{label} is {value!r}, but must be {_KINDS[self.kind]}")
        return check_choice(label, value, self.choices) if self.choices else value


_KINDS = {bool: "true or false", str: "a word", list: "a list of strings"}


def setting(
    default: Any,
    description: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: Sequence[str] = (),
    live: bool = False,
) -> Any:
    """Declare a setting: default, what it is for, what is allowed, and whether it may change."""
    metadata = {
        "description": description,
        "least": least,
        "most": most,
        "choices": tuple(choices),
        "live": live,
    }
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def rules(kind: type, *, prefix: str = "", names: Mapping[str, str] | None = None) -> Any:
    """Take over the settings that another dataclass declares, and hold an object of that class.

    A setting of it has the same name here, behind the prefix, unless `names` gives it another. Its
    fields that are no settings are left alone.
    """
    metadata = {"rules": kind, "prefix": prefix, "names": dict(names or {})}
    return field(default_factory=kind, metadata=metadata)


_DECLARED: dict[type, dict[str, Setting]] = {}


def declared(kind: type) -> Mapping[str, Setting]:
    """Every setting of a dataclass, in its order, by the name that its user writes."""
    if kind not in _DECLARED:
        found: dict[str, Setting] = {}
        for each in _settings(kind, ()):
            if each.name in found:
                raise TypeError(f"{kind.__name__} has two settings of the name {each.name!r}")
            found[each.name] = each
        _DECLARED[kind] = found
    return _DECLARED[kind]


def _settings(kind: type, path: tuple[str, ...]) -> Iterator[Setting]:
    for spec in fields(kind):
        known: Any = spec.metadata
        here = (*path, spec.name)
        if "description" in known:
            made = spec.default_factory
            default = spec.default if made is MISSING else made()
            yield Setting(spec.name, kind, here, default, **known)
        elif "rules" in known:
            names = known["names"]
            for inner in _settings(known["rules"], here):
                name = names.get(inner.name, known["prefix"] + inner.name)
                yield replace(inner, name=name, owner=kind)


def values_of(settings: Any) -> dict[str, Any]:
    """Every setting's value, by the name that its user writes."""
    return {name: each.of(settings) for name, each in declared(type(settings)).items()}


def why_fixed(kind: type, name: str) -> str:
    """Why a setting cannot change while it is in use; empty if it can.

    The class that offers it says so for all of its own in `FIXED`.
    """
    setting = declared(kind)[name]
    if setting.live:
        return ""
    by = next(each for each in kind.__mro__ if setting.path[0] in inspect.get_annotations(each))
    return str(vars(by)["FIXED"])


def make_settings(label: str, kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Make settings of what a user gave; a ConfigurationError says what cannot be used, and why."""
    known = declared(kind)
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise ConfigurationError(
                f"{label}: there is no parameter {name!r}{nearest(name, known)}; the parameters "
                f"are {', '.join(known)}"
            )
        place = given
        *above, last = known[name].path
        for part in above:
            place = place.setdefault(part, {})
        place[last] = known[name].checked(f"{label}: {name}", value)
    try:
        made: Settings = _made(kind, given)
        return made
    except ConfigurationError as error:
        raise ConfigurationError(f"{label}: {error}") from None


def _made(kind: Any, given: Mapping[str, Any]) -> Any:
    kinds = {spec.name: spec.metadata["rules"] for spec in fields(kind) if "rules" in spec.metadata}
    return kind(
        **{
            name: _made(kinds[name], value) if name in kinds else value
            for name, value in given.items()
        }
    )


class CheckedSettings:
    """Base of dataclasses that refuse, when made, a setting that is not allowed."""

    def __post_init__(self) -> None:
        """Check each setting of its own; those of `rules` are checked when these are made."""
        for name, each in declared(type(self)).items():
            if len(each.path) == 1:
                each.checked(name, getattr(self, name))


def check_number(
    what: str,
    value: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    whole: bool = False,
) -> Any:
    """Give a number as an int or float; what is none, or out of bounds, is a ConfigurationError.

    >>> try:
    ...     check_number("speed", 200, above=0, most=100)
    ... except ConfigurationError as error:
    ...     print(error)
    speed is 200, but must be above 0 and at most 100
    """
    bounds = _bounds(least, most, above)
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        allowed = f"{kind} {bounds}".rstrip()
        raise ConfigurationError(f"{what} is {value!r}, but must be {allowed}")
    number = int(value) if isinstance(value, Integral) and whole else float(value)
    if not math.isfinite(number):
        raise ConfigurationError(f"{what} is {value!r}, but must be {bounds or 'a finite number'}")
    fits = (
        (least is None or number >= least)
        and (most is None or number <= most)
        and (above is None or number > above)
    )
    if not fits:
        raise ConfigurationError(f"{what} is {value!r}, but must be {bounds}")
    return number


def _bounds(least: float | None, most: float | None, above: float | None) -> str:
    if least is not None and most is not None:
        return f"from {_plain(least)} to {_plain(most)}"
    words = (("above", above), ("at least", least), ("at most", most))
    return " and ".join(f"{word} {_plain(bound)}" for word, bound in words if bound is not None)


def _plain(bound: float) -> str:
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def check_choice(what: str, value: Any, choices: Sequence[str]) -> Any:
    """Give a word; one that is none of the choices is a ConfigurationError."""
    if value not in choices:
        raise ConfigurationError(f"{what} is {value!r}, but must be one of: {', '.join(choices)}")
    return value


def nearest(name: str, known: Iterable[str]) -> str:
    """Name what was perhaps meant, as the end of a sentence; empty where nothing comes near."""
    import difflib

    found = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
