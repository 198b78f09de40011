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

"""A session in a terminal: what to do, for how long yet, and keys to pause and to go on."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from contextlib import suppress
from enum import Enum
from typing import IO, Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text

from kpm_ros.operate.console import Console
from kpm_ros.operate.live_view import LiveView
from kpm_ros.operate.session_prompt import Phase, Prompt

BAR_WIDTH = 48


class Key(Enum):
    """What the person, or whoever sits beside, wants."""

    GO = "go on, or pause"
    SKIP = "leave this step out"


KEYS = {" ": Key.GO, "\n": Key.GO, "\r": Key.GO, "s": Key.SKIP}
HINT = "space: pause, go on    s: skip this step    Ctrl-C: stop; the same command goes on later"

WORDS = {
    Phase.PREPARING: "starting",
    Phase.CHECKING: "checking the signals",
    Phase.READY: "get ready",
    Phase.RECORDING: "RECORDING",
    Phase.PAUSED: "pause",
    Phase.OVER: "over",
}
COLOURS = {Phase.RECORDING: "bold reverse", Phase.READY: "bold", Phase.PAUSED: "dim"}


class Keyboard:
    """Keys that are pressed in a terminal, one by one and unseen; use it in a `with` block."""

    def __init__(self, source: IO[str] | None = None) -> None:
        """Read from standard input, if that is a terminal."""
        self._source = source if source is not None else sys.stdin
        self._before: list[Any] | None = None

    def __enter__(self) -> Keyboard:
        """Take keys as they come."""
        with suppress(termios.error, ValueError, OSError, AttributeError):
            if self._source.isatty():
                self._before = termios.tcgetattr(self._source)
                tty.setcbreak(self._source)
        return self

    def __exit__(self, *error: object) -> None:
        """Let the terminal do as before."""
        if self._before is not None:
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._source, termios.TCSADRAIN, self._before)
            self._before = None

    @property
    def there(self) -> bool:
        """Whether somebody can press keys."""
        return self._before is not None

    def pressed(self) -> list[Key]:
        """List what was pressed since the last look."""
        if self._before is None:
            return []
        found: list[Key] = []
        descriptor = self._source.fileno()
        while select.select([descriptor], [], [], 0)[0]:
            read = os.read(descriptor, 64)
            if not read:  # the terminal was closed
                break
            found += [KEYS[c] for c in read.decode("utf-8", "replace").lower() if c in KEYS]
        return found


class Screen(LiveView):
    """Shows prompts; use it in a `with` block."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on a terminal, or print lines where there is none."""
        super().__init__(console)
        self._line = ""

    def show(self, prompt: Prompt) -> None:
        """Show a prompt; in lines, only what has changed but for the countdown."""
        # Whoever runs the session sees by itself that nobody looks any more.
        with suppress(OSError):
            if self._live:
                self._live.update(draw(prompt), refresh=True)
            elif (line := as_line(prompt)) != self._line:
                self._line = line
                self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def say(self, sentence: str) -> None:
        """Print a sentence that stays."""
        with suppress(OSError):
            self._console.print(sentence, highlight=False, markup=False, soft_wrap=True)


def as_line(prompt: Prompt) -> str:
    """Put a prompt in one line."""
    return " | ".join(part for part in (_where(prompt), prompt.text, prompt.note) if part)


def draw(prompt: Prompt) -> RenderableType:
    """Draw a prompt for a terminal."""
    parts: list[RenderableType] = [
        Text(_where(prompt), COLOURS.get(prompt.phase, "")),
        ProgressBar(
            total=max(prompt.count, 1), completed=max(prompt.number - 1, 0), width=BAR_WIDTH
        ),
        Text(),
        Text(prompt.text, "bold"),
    ]
    if prompt.drawing:
        parts += [Text(), *(Text(line) for line in prompt.drawing)]
        parts.append(Text("O: the muscle    arrow: where to press", "dim"))
    if prompt.left_s:
        parts += [Text(), Text(f"{prompt.left_s} s", "bold")]
    if prompt.note:
        parts += [Text(), Text(prompt.note, "yellow")]
    parts += [Text(), Text(HINT, "dim")]
    return Panel(Group(*parts), title=f"session of {prompt.person}", title_align="left")


def _where(prompt: Prompt) -> str:
    words = WORDS[prompt.phase]
    if not prompt.number:
        return words
    take = f", take {prompt.take}" if prompt.take > 1 else ""
    name = prompt.step.name if prompt.step else ""
    return f"{words} | step {prompt.number} of {prompt.count} {name}{take}"
