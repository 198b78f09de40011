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

"""A session with one person: what was asked, what was done, on which devices, by which code.

A session is a folder. `session.json` says everything about it, and each take is a bag of its own:

    SESSION/session.json
    SESSION/takes/<step>_<task>_<take>/    such as takes/03_mvc-FDI_1

The file is written anew after every change, so that a session that was broken off goes on with the
next take. Who evaluates it uses the takes that are done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import ForeignFileError, read_json, reading
from kpm_ros.core.plain_data import from_plain
from kpm_ros.core.settings import ConfigurationError, check_choice
from kpm_ros.core.sides import HANDS, RIGHT

VERSION = 1
FILE, TAKES = "session.json", "takes"

Kind = Literal["rest", "mvc", "task"]
TakeState = Literal["recording", "done", "repeated", "failed", "skipped"]
"""recording: it goes on, or the program died in it; done: it may be used; repeated: a check found
fault with it; failed: it was broken off; skipped: it was left out. What was repeated or has failed
is asked for again."""
SignalState = Literal["good", "dead", "saturated", "disconnected", "missing", "lost", "weak"]
"""Of an electrode as `sense.emg.channel_health` judges it (disconnected: bad contact, or hum);
missing: the signal is not there; lost: it ended in the take; weak: not what was asked for."""

_PERSON = re.compile(r"[A-Za-z]{0,3}[0-9]{1,6}")
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9-]+")


def check_person(code: str) -> str:
    """Give a person's code; anything that may be a name is refused.

    >>> check_person("P07")
    'P07'
    """
    if not _PERSON.fullmatch(code):
        raise ConfigurationError(
            f"person is {code!r}, but must be a code such as P07 (at most three letters, then "
            "digits): names do not belong into recordings"
        )
    return code


@dataclass(frozen=True)
class Step:
    """One thing that is asked of the person."""

    kind: Kind
    task: str
    """Its name in the protocol: "rest", "mvc", or a task's."""
    seconds: float
    prompt: str
    muscle: str = ""
    """Which is to be contracted as hard as possible; it is the EMG channel's name as well."""
    repetition: int = 1
    """Of the same task, counted from 1."""
    pause_s: float = 0.0
    """How long the person pauses before it."""

    @property
    def name(self) -> str:
        """What names the folders of its takes."""
        words = "-".join(word for word in (self.task, self.muscle) if word)
        return _PLAIN_NAME.sub("-", words).strip("-") or self.kind


@dataclass(frozen=True)
class SignalCheck:
    """How one signal was, or one channel of it."""

    signal: str
    """Its topic, relative to the namespace."""
    state: SignalState
    channel: str = ""
    """Of EMG; empty where the whole signal is meant."""
    said: str = ""
    """A sentence for the user; empty where all is well."""


@dataclass(frozen=True)
class Take:
    """One recording of a step, or what kept it from being one."""

    step: int
    """Number of the step that was asked, counted from 1."""
    number: int
    """Of the step's takes, counted from 1."""
    state: TakeState
    folder: str
    """Of its bag, relative to the session's folder; the bag is not there where it was skipped."""
    why: str = ""
    """A sentence, unless all is well."""
    began_ns: int = 0
    ended_ns: int = 0
    """From when to when the person did what was asked; the bag may hold more."""
    checks: tuple[SignalCheck, ...] = ()
    strongest: Mapping[str, float] = field(default_factory=dict)
    """Of each EMG channel: its envelope in the strongest half second, in the samples' unit."""
    typical: Mapping[str, float] = field(default_factory=dict)
    """Of each EMG channel: the median of its envelope."""

    @property
    def ill_channels(self) -> tuple[str, ...]:
        """EMG channels that were not well in it, of which nothing should be used."""
        return tuple(check.channel for check in self.checks if check.channel and check.said)


@dataclass(frozen=True)
class Session:
    """Everything about a session but its bags."""

    person: str
    protocol: str
    steps: tuple[Step, ...]
    """What is asked, in order."""
    takes: tuple[Take, ...] = ()
    """What was done, in order."""
    checks: tuple[SignalCheck, ...] = ()
    """How the signals were before the first take, or when it was gone on with."""
    hand: str = RIGHT
    subject: str = "hand"
    simulated: bool = False
    """Whether nobody was there: the person and the devices are simulated."""
    namespace: str = "kpm"
    """In which the bags' topics are."""
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What each node that reads devices says of itself: which device, rates, clocks."""
    channels: tuple[str, ...] = ()
    """EMG channels, in the amplifier's order; empty = no EMG."""
    emg_unit: str = ""
    envelope: str = ""
    """Settings of the envelope that `strongest` and `typical` are of."""
    model: str = ""
    model_sha256: str = ""
    commit: str = ""
    host: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the pipeline, as they were given."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of each node, as it began; each bag holds those in force as well."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        check_person(self.person)
        check_choice("hand", self.hand, HANDS)
        for take in self.takes:
            if not 1 <= take.step <= len(self.steps) or take.number < 1:
                raise ConfigurationError(
                    f"a take is of step {take.step}, but there are {len(self.steps)} steps"
                )
            if Path(take.folder).is_absolute() or ".." in Path(take.folder).parts:
                raise ConfigurationError(f"a take lies in {take.folder!r}, outside the session")

    def step_of(self, take: Take) -> Step:
        """What a take was asked as."""
        return self.steps[take.step - 1]

    def takes_of(self, step: int) -> list[Take]:
        """All takes of a step, by its number."""
        return [take for take in self.takes if take.step == step]

    @property
    def done(self) -> list[Take]:
        """The takes that may be used."""
        return [take for take in self.takes if take.state == "done"]

    @property
    def next_step(self) -> int | None:
        """Number of the step that is to be done next; None when all are done or skipped."""
        settled = {take.step for take in self.takes if take.state in ("done", "skipped")}
        return next((k for k in range(1, len(self.steps) + 1) if k not in settled), None)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be asked for."""
        return bool(self.steps) and self.next_step is None

    def new_take(self, step: int) -> Take:
        """Make the next take of a step, which records."""
        number = len(self.takes_of(step)) + 1
        folder = f"{TAKES}/{step:02}_{self.steps[step - 1].name}_{number}"
        return Take(step, number, "recording", folder)

    def with_take(self, take: Take) -> Session:
        """Put a take in the place of what was known of it, or behind the others."""
        same = (take.step, take.number)
        kept = [take if (old.step, old.number) == same else old for old in self.takes]
        return replace(self, takes=tuple(kept if take in kept else [*kept, take]))

    @property
    def maxima(self) -> dict[str, float]:
        """Envelope of each channel at its muscle's maximum contraction, where that was done."""
        found: dict[str, float] = {}
        for take in self.done:
            muscle = self.step_of(take).muscle
            if muscle in take.strongest and muscle not in take.ill_channels:
                found[muscle] = max(found.get(muscle, 0.0), take.strongest[muscle])
        return found

    @property
    def resting(self) -> dict[str, float]:
        """Envelope of each channel at rest, where that was done; the lowest of several."""
        found: dict[str, float] = {}
        for take in self.done:
            if self.step_of(take).kind == "rest":
                for channel in take.typical.keys() - set(take.ill_channels):
                    level = take.typical[channel]
                    found[channel] = min(found.get(channel, level), level)
        return found

    @classmethod
    def read(cls, folder: Path) -> Session:
        """Read a session's folder; a ForeignFileError says what is wrong with it."""
        path = folder / FILE
        with reading(path, "a session"):
            content = read_json(path)
            version = content.pop("version", None) if isinstance(content, dict) else None
            if version != VERSION:
                raise ForeignFileError(
                    f"{path} has {version!r} for its version, but a session that `kpm session` "
                    f"wrote for this program has {VERSION}"
                )
            return from_plain(cls, content, str(path))

    def write(self, folder: Path) -> None:
        """Write the file, whole or not at all, and so that no power cut takes it away."""
        content = json.dumps({"version": VERSION, **asdict(self)}, indent=1)
        write_atomically(folder / FILE, f"{content}\n".encode(), durable=True)


def is_session(folder: Path) -> bool:
    """Whether a folder is a session with one person."""
    return (folder / FILE).is_file()
