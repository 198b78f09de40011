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

"""Keeps a session going and shown, moment by moment: nodes, prompts, keys, and requests to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from kpm_ros.operate.session_prompt import Phase, Prompt
from kpm_ros.operate.session_screen import Key
from kpm_ros.sense.signal_watch import NS_PER_S, SignalWatch


class SessionEnded(Exception):  # noqa: N818
    """The session cannot go on; the message is one sentence for the user."""


class Recording(Protocol):
    """One take's recorder."""

    @property
    def ready(self) -> bool:
        """Whether what comes is recorded by now."""

    @property
    def problem(self) -> str:
        """Why nothing is recorded any more, or what is wrong with what was; empty = nothing."""

    @property
    def finished(self) -> bool:
        """Whether the recorder has ended."""

    def stop(self) -> None:
        """Begin to end the recording."""


class Room(Protocol):
    """What a session takes place in."""

    watch: SignalWatch

    @property
    def problem(self) -> str:
        """Why the nodes cannot go on; empty while they can."""

    def now_ns(self) -> int:
        """Read the host's clock."""

    def step(self) -> None:
        """Let a moment pass, and take in what has come."""

    def show(self, prompt: Prompt) -> None:
        """Tell everybody who draws a screen."""

    def devices(self) -> Mapping[str, Mapping[str, str]]:
        """What the nodes that read devices say of them."""

    def complaint(self) -> str:
        """What a driver says is wrong with its device, if one does."""

    def record(self, folder: Path) -> Recording:
        """Begin to record into a folder."""


class Shown(Protocol):
    """Whatever shows prompts to the person."""

    def show(self, prompt: Prompt) -> None:
        """Show a prompt."""

    def say(self, sentence: str) -> None:
        """Print a sentence that stays."""


class Stage:
    """What the person sees and hears, and what they answer."""

    def __init__(
        self,
        person: str,
        room: Room,
        screen: Shown,
        pressed: Callable[[], list[Key]],
        check_stop: Callable[[], None],
    ) -> None:
        """Set it up; `check_stop` raises what ends the program."""
        self.room = room
        self.screen = screen
        self.prompt = Prompt(person)
        self.keys: list[Key] = []
        """Those that were pressed in the last moment."""
        self._pressed = pressed
        self._check_stop = check_stop
        self._shown: tuple[object, ...] = ()
        self._second = 0

    def begin(self, phase: Phase, text: str, *, keep_note: bool = False) -> None:
        """Ask for something else."""
        self.prompt.phase, self.prompt.text = phase, text
        if not keep_note:
            self.prompt.note = ""

    def during(self, seconds: float | None) -> Iterator[None]:
        """Keep everything going and shown, for so long; without a time, until the caller ends.

        What the caller changes of the prompt is shown. A SessionEnded says why it cannot go on.
        """
        began_ns = self.room.now_ns()
        while True:
            elapsed_s = (self.room.now_ns() - began_ns) / NS_PER_S
            left_s = None if seconds is None else seconds - elapsed_s
            if left_s is not None and left_s <= 0:
                return
            self.prompt.left_s = 0 if left_s is None else math.ceil(left_s)
            self._show()
            self.room.step()
            self.keys = self._pressed()
            self._check_stop()
            if self.room.problem:
                raise SessionEnded(self.room.problem)
            yield

    def end(self, text: str) -> None:
        """Say the last words."""
        self.begin(Phase.OVER, text)
        self.prompt.left_s = 0
        self._show()
        self.room.step()

    def _show(self) -> None:
        now = self.prompt
        shown = (now.phase, now.number, now.take, now.text, now.note, now.left_s)
        second = self.room.now_ns() // NS_PER_S
        if shown != self._shown:
            self.screen.show(now)
        if (*shown, second) != (*self._shown, self._second):
            self.room.show(now)
        self._shown, self._second = shown, second
