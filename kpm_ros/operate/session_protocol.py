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

"""What a session asks for: a file of tasks, durations and words, as in `config/sessions`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.hands import without_side
from kpm_ros.core.plain_data import from_plain
from kpm_ros.core.resources import config_dir
from kpm_ros.core.session_file import Kind, Step
from kpm_ros.core.settings import ConfigurationError, check_number
from kpm_ros.operate.session_picture import MuscleHelp

FOLDER = "sessions"
SHORTEST_S, LONGEST_S = 1.0, 3600.0
MOST_STEPS = 1000

Need = Literal["cameras", "keys", "emg"]


@dataclass(frozen=True)
class Ask:
    """One entry of a protocol; it is asked `repeat` times, after a pause each time."""

    kind: Kind
    seconds: float
    prompt: str = ""
    task: str = ""
    """Its name; a rest and a maximum contraction have theirs already."""
    muscles: tuple[str, ...] = ()
    """Maximum contraction: of which EMG channels; empty = of each that there is."""
    repeat: int = 1
    pause_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what nobody can do."""
        check_number("seconds", self.seconds, least=SHORTEST_S, most=LONGEST_S)
        check_number("pause_s", self.pause_s, least=0.0, most=LONGEST_S)
        check_number("repeat", self.repeat, least=1, most=100)
        if self.kind == "task" and not (self.task and self.prompt):
            raise ConfigurationError("a task needs a name (task) and words (prompt)")


@dataclass(frozen=True)
class Protocol:
    """A whole session, as it is asked of anybody."""

    name: str
    steps: tuple[Ask, ...]
    needs: tuple[Need, ...] = ("cameras", "keys", "emg")
    """The devices without which it is of no use; nodes of others are not started."""
    check: str = "Move your hand as you will later."
    """What is done while the signals are checked."""
    check_s: float = 60.0
    """How long nothing is recorded while a signal is not well, if nobody says to go on."""
    ready_s: float = 4.0
    """Between what is shown and what is recorded."""
    tries: int = 3
    """How often a take is repeated, at most, before the next step; the session ends where so many
    in a row are broken off by a device."""
    muscles: Mapping[str, MuscleHelp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no session."""
        check_number("check_s", self.check_s, least=3.0, most=LONGEST_S)
        check_number("ready_s", self.ready_s, least=1.0, most=60.0)
        check_number("tries", self.tries, least=1, most=20)
        count = sum(ask.repeat for ask in self.steps)
        check_number("the number of steps", count, least=1, most=MOST_STEPS)
        if not self.needs:
            raise ConfigurationError("needs is empty, but must name cameras, keys or emg")

    def steps_for(self, channels: Sequence[str]) -> tuple[Step, ...]:
        """List what is asked of somebody with these EMG channels, one step after another."""
        return tuple(step for ask in self.steps for step in self._steps_of(ask, channels))

    def missing_muscles(self, channels: Sequence[str]) -> list[str]:
        """Muscles that are asked for by name, but that no channel is named after."""
        named = dict.fromkeys(muscle for ask in self.steps for muscle in ask.muscles)
        return [muscle for muscle in named if muscle not in channels]

    def help_for(self, muscle: str) -> MuscleHelp:
        """How a muscle is contracted; of two hands, each has the same."""
        bare = without_side(muscle)
        known = self.muscles.get(muscle) or self.muscles.get(bare)
        return known or MuscleHelp(f"Contract {muscle} as hard as you can, and hold it.")

    def _steps_of(self, ask: Ask, channels: Sequence[str]) -> Iterator[Step]:
        muscles: Sequence[str] = ("",)
        if ask.kind == "mvc":
            muscles = [name for name in ask.muscles or channels if name in channels]
        for repetition in range(1, ask.repeat + 1):
            for muscle in muscles:
                prompt = self.help_for(muscle).prompt if muscle else ask.prompt
                yield Step(
                    ask.kind,
                    ask.task or ask.kind,
                    ask.seconds,
                    prompt or "Rest.",
                    muscle,
                    repetition,
                    ask.pause_s,
                )


def protocol_names() -> list[str]:
    """List the protocols that come with the package."""
    return sorted(path.stem for path in (config_dir() / FOLDER).glob("*.yaml"))


def protocol_path(name: str) -> Path:
    """Find a protocol by its name, or take the path of a file."""
    path = Path(name).expanduser()
    if path.suffix != ".yaml":
        path = config_dir() / FOLDER / f"{name}.yaml"
        if not path.is_file():
            raise ConfigurationError(
                f"protocol is {name!r}, but must be a .yaml file, or one of: "
                f"{', '.join(protocol_names())}"
            )
    return path


def read_protocol(path: Path) -> Protocol:
    """Read a protocol's file; a ForeignFileError or ConfigurationError says what is wrong."""
    return from_plain(Protocol, read_yaml(path), str(path))
