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

"""Leads somebody through a session: check, countdown, take, judgement, and again where need be."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol as Interface

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.hands import side_of
from kpm_ros.core.session_file import FILE, Session, SignalCheck, Step, Take, TakeState
from kpm_ros.operate.session_picture import draw_svg, draw_text
from kpm_ros.operate.session_prompt import Phase, Prompt
from kpm_ros.operate.session_protocol import Protocol
from kpm_ros.operate.session_screen import Key
from kpm_ros.sense.signal_watch import KEYS, NS_PER_S, SignalWatch
from kpm_ros.sense.take_check import fault_of, outdone, silence_check

CHECKED_S = 2.0
"""Length of the stretches of signals that are judged before the first take."""
STARTS_WITHIN_S = 240.0
"""Of the drivers and the recorder. A simulated person learns to play before, which takes a minute,
and longer on a machine with other work."""
PICTURES = "pictures"
PAUSED, SKIPPED = "it was paused", "it was skipped"


class SessionEnded(Exception):  # noqa: N818
    """The session cannot go on; the message is one sentence for the user."""


class TakeBroken(Exception):  # noqa: N818
    """A take was broken off; the message says why."""


class Recording(Interface):
    """One take's recorder."""

    ready: bool

    @property
    def problem(self) -> str:
        """Why nothing is recorded any more, or what is wrong with what was; empty = nothing."""

    @property
    def finished(self) -> bool:
        """Whether the recorder has ended."""

    def stop(self) -> None:
        """Begin to end the recording."""


class Room(Interface):
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


class Shown(Interface):
    """Whatever shows prompts to the person."""

    def show(self, prompt: Prompt) -> None:
        """Show a prompt."""

    def say(self, sentence: str) -> None:
        """Print a sentence that stays."""


class SessionRun:
    """One run of a session, from wherever an earlier one has left it."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        protocol: Protocol,
        room: Room,
        screen: Shown,
        pressed: Callable[[], list[Key]],
        check_stop: Callable[[], None],
    ) -> None:
        """Go on with a session; `check_stop` raises what ends the program."""
        self.session = session
        self._folder = folder
        self._protocol = protocol
        self._room = room
        self._watch = room.watch
        self._screen = screen
        self._pressed = pressed
        self._check_stop = check_stop
        self._prompt = Prompt(session.person)
        self._shown: tuple[object, ...] = ()
        self._second = 0
        self._keys: list[Key] = []

    def run(self) -> None:
        """Lead through all that is left; a SessionEnded says why it cannot be."""
        try:
            self._find_signals()
            self._check()
            while (number := self.session.next_step) is not None:
                if self._watch.lost(self._room.now_ns()):
                    self._check()
                self._do(number)
        finally:
            goes_on = "Stopped; the same command goes on."
            words = "That was all. Thank you!" if self.session.complete else goes_on
            self._begin(Phase.OVER, words)
            self._tick(None)

    def _find_signals(self) -> None:
        """Wait until every signal has come once, and plan the steps of a new session."""
        self._begin(Phase.PREPARING, "Devices are started.")
        for _ in self._during(STARTS_WITHIN_S):
            missing = self._bad_signals("missing")
            if not missing:
                break
            self._prompt.note = self._room.complaint() or missing[0].said
        else:
            raise SessionEnded(
                f"{missing[0].said}, after {STARTS_WITHIN_S:g} s"
                + (f" ({complaint})" if (complaint := self._room.complaint()) else "")
            )
        channels = self._watch.channels
        self._plan(channels)
        for muscle in self._protocol.missing_muscles(self.session.channels):
            self._screen.say(
                f"no EMG channel is named {muscle}, so that its maximum is left out: the channels "
                f"are {', '.join(channels)}"
            )
        gone = [name for name in self.session.channels if name not in channels]
        if gone:
            raise SessionEnded(
                f"the session was begun with the EMG channels {', '.join(self.session.channels)}, "
                f"but now {', '.join(gone)} is missing: connect the same electrodes"
            )

    def _plan(self, channels: tuple[str, ...]) -> None:
        if self.session.steps:
            return
        steps = self._protocol.steps_for(channels)
        if not steps:
            raise SessionEnded(
                f"the protocol {self._protocol.name} asks for nothing that can be done with the "
                f"EMG channels {', '.join(channels) or '(none)'}"
            )
        self._save(replace(self.session, steps=steps, channels=channels, emg_unit=self._watch.unit))

    def _check(self) -> None:
        """Look at every signal until all are well, somebody goes on all the same, or in vain."""
        self._begin(Phase.CHECKING, self._protocol.check)
        wants_keys = "keys" in self._protocol.needs
        heard = not wants_keys
        checks: tuple[SignalCheck, ...] = ()
        self._watch.begin(self._room.now_ns())
        began_ns = self._room.now_ns()
        for _ in self._during(self._protocol.check_s):
            heard = heard or self._watch.notes > 0
            if Key.GO in self._keys and checks:
                break
            now_ns = self._room.now_ns()
            if now_ns - began_ns < CHECKED_S * NS_PER_S:
                continue
            checks = self._watch.checks(now_ns)
            if not heard:
                checks += (SignalCheck(KEYS, "weak", said="no key was heard yet: press some"),)
            self._prompt.note = next((check.said for check in checks if check.said), "")
            if not self._prompt.note:
                break
            began_ns = now_ns
            self._watch.begin(now_ns)
        self._conclude(checks)

    def _conclude(self, checks: tuple[SignalCheck, ...]) -> None:
        """Keep how the signals are; without one that is needed, nothing can be recorded."""
        self._prompt.note = ""
        self._save(replace(self.session, checks=checks, devices=self._room.devices()))
        for check in checks:
            if check.said:
                self._screen.say(check.said)
        gone = [check for check in checks if check.state in ("missing", "lost")]
        channels = [check for check in checks if check.channel]
        if gone:
            raise SessionEnded(self._room.complaint() or gone[0].said)
        if channels and all(check.said for check in channels):
            raise SessionEnded(f"no EMG channel is well: {channels[0].said}")

    def _bad_signals(self, state: str) -> list[SignalCheck]:
        checks = self._watch.checks(self._room.now_ns())
        return [check for check in checks if check.state == state]

    def _do(self, number: int) -> None:
        """Ask for a step once; what comes of it is in the session."""
        step = self.session.steps[number - 1]
        take = self.session.new_take(number)
        repeated = [each for each in self.session.takes_of(number) if each.state == "repeated"]
        ill = {each.channel: each.said for each in self.session.checks if each.said}
        if step.muscle and step.muscle in ill:
            self._leave_out(take, ill[step.muscle])
        elif len(repeated) >= self._protocol.tries:
            self._leave_out(take, f"{len(repeated)} takes were not well: {repeated[-1].why}")
        elif self._get_ready(step, number, take):
            self._take(step, take)

    def _leave_out(self, take: Take, why: str) -> None:
        self._save(self.session.with_take(replace(take, state="skipped", why=why)))
        self._screen.say(f"{self._name(take)} is left out: {why}")

    def _get_ready(self, step: Step, number: int, take: Take) -> bool:
        """Pause as the protocol says; False if the step was skipped then."""
        self._prompt.step, self._prompt.number, self._prompt.take = step, number, take.number
        self._prompt.count = len(self.session.steps)
        self._prompt.picture, self._prompt.drawing = self._draw(step)
        if step.pause_s and take.number == 1:
            self._begin(Phase.PAUSED, f"Pause. Next: {step.prompt}", keep_note=True)
            for _ in self._during(step.pause_s):
                if Key.SKIP in self._keys:
                    self._leave_out(take, SKIPPED)
                    return False
                if Key.GO in self._keys:
                    break
        return True

    def _take(self, step: Step, take: Take) -> None:
        """Record one take, and judge it."""
        self._save(self.session.with_take(take))
        recording = self._room.record(self._folder / take.folder)
        why = ""
        try:
            take = replace(take, began_ns=self._count_down(step, recording))
            self._begin(Phase.RECORDING, step.prompt)
            for _ in self._during(step.seconds):
                self._see_to(recording)
            take = self._measured(step, take)
        except TakeBroken as broken:
            why = str(broken)
        except BaseException as end:
            problem = self._stop(recording)
            self._break_off(take, problem or str(end) or "the session was stopped in it")
            raise
        problem = self._stop(recording)
        if problem:
            self._break_off(take, problem)
            raise SessionEnded(f"{problem}; once that is mended, the same command goes on")
        if why:
            self._break_off(take, why)
            self._pause_if_asked(why)
        else:
            self._judge(step, take)

    def _stop(self, recording: Recording) -> str:
        """End a recording, and go on listening meanwhile; say what is wrong with it."""
        recording.stop()
        while not recording.finished:
            self._room.step()
        return recording.problem

    def _measured(self, step: Step, take: Take) -> Take:
        """Add what was seen in a take that is over."""
        now_ns = self._room.now_ns()
        checks = list(self._watch.checks(now_ns))
        checks += silence_check(step, self._watch.notes, "keys" in self._protocol.needs)
        return replace(
            take,
            ended_ns=now_ns,
            checks=tuple(checks),
            strongest=self._watch.strongest,
            typical=self._watch.typical,
        )

    def _count_down(self, step: Step, recording: Recording) -> int:
        """Show what comes until the recorder is ready and the time is up; when that was."""
        self._begin(Phase.READY, step.prompt, keep_note=True)
        for _ in self._during(self._protocol.ready_s):
            self._see_to(recording)
        for _ in self._during(STARTS_WITHIN_S):
            self._see_to(recording)
            if recording.ready:
                break
        else:
            raise SessionEnded(f"the recorder was not ready within {STARTS_WITHIN_S:g} s")
        now_ns = self._room.now_ns()
        self._watch.begin(now_ns)
        return now_ns

    def _see_to(self, recording: Recording) -> None:
        """Break a take off when it cannot become one."""
        lost = self._watch.lost(self._room.now_ns())
        if recording.problem:
            raise TakeBroken(recording.problem)
        if lost:
            complaint = self._room.complaint()
            raise TakeBroken(f"{lost} ({complaint})" if complaint else lost)
        if Key.SKIP in self._keys:
            raise TakeBroken(SKIPPED)
        if Key.GO in self._keys:
            raise TakeBroken(PAUSED)

    def _break_off(self, take: Take, why: str) -> None:
        state: TakeState = "skipped" if why == SKIPPED else "failed"
        ended_ns = self._room.now_ns()
        self._save(self.session.with_take(replace(take, state=state, why=why, ended_ns=ended_ns)))
        self._screen.say(f"{self._name(take)} was broken off: {why}")

    def _pause_if_asked(self, why: str) -> None:
        if why == PAUSED:
            self._begin(Phase.PAUSED, "Pause. Press space to go on.")
            for _ in self._during(None):
                if Key.GO in self._keys:
                    break
        self._prompt.note = f"Once more: {why}" if why != SKIPPED else ""

    def _judge(self, step: Step, take: Take) -> None:
        """Decide whether a take is what was asked for."""
        fault = fault_of(step, take.checks, take, self.session)
        said, again = ([], []) if fault else outdone(take, self.session)
        take = replace(take, checks=(*take.checks, *said))
        take = replace(take, state="repeated" if fault else "done", why=fault)
        session = self.session.with_take(take)
        for weak in again:
            if len(session.takes_of(weak.step)) < self._protocol.tries:
                session = session.with_take(weak)
        self._save(session)
        # What was wrong before the first take is no news.
        known = {"", *(check.said for check in session.checks)}
        news = dict.fromkeys(each.said for each in take.checks if each.said not in known)
        for sentence in [fault] if fault else news:
            self._screen.say(f"{self._name(take)}: {sentence}")
        self._prompt.note = f"Once more: {fault}" if fault else ""

    def _name(self, take: Take) -> str:
        return take.folder.rpartition("/")[2]

    def _draw(self, step: Step) -> tuple[str, tuple[str, ...]]:
        """Draw how a muscle is contracted, if that is known: a file, and lines."""
        told = self._protocol.help_for(step.muscle)
        if not step.muscle or not told.is_drawn:
            return "", ()
        side = side_of(step.muscle) or self.session.hand
        path = self._folder / PICTURES / f"{step.name}.svg"
        if not path.is_file():
            write_atomically(path, draw_svg(told, side, told.prompt).encode())
        return str(path.absolute()), tuple(draw_text(told, side))

    def _save(self, session: Session) -> None:
        self.session = session
        try:
            session.write(self._folder)
        except OSError as error:
            raise SessionEnded(
                f"{self._folder / FILE} cannot be written: {error.strerror or error}; once that is "
                "mended, the same command goes on"
            ) from None

    def _begin(self, phase: Phase, text: str, *, keep_note: bool = False) -> None:
        self._prompt.phase, self._prompt.text = phase, text
        if not keep_note:
            self._prompt.note = ""

    def _during(self, seconds: float | None) -> Iterator[None]:
        """Keep everything going and shown, for so long; without a time, until the caller ends."""
        began_ns = self._room.now_ns()
        while True:
            elapsed_s = (self._room.now_ns() - began_ns) / NS_PER_S
            left_s = None if seconds is None else seconds - elapsed_s
            if left_s is not None and left_s <= 0:
                return
            self._tick(left_s)
            yield

    def _tick(self, left_s: float | None) -> None:
        self._prompt.left_s = 0 if left_s is None else math.ceil(left_s)
        prompt = self._prompt
        shown = (prompt.phase, prompt.number, prompt.take, prompt.text, prompt.note, prompt.left_s)
        second = self._room.now_ns() // NS_PER_S
        if shown != self._shown:
            self._screen.show(prompt)
        if (*shown, second) != (*self._shown, self._second):
            self._room.show(prompt)
        self._shown, self._second = shown, second
        self._room.step()
        self._keys = self._pressed()
        if prompt.phase != Phase.OVER:
            self._check_stop()
            if self._room.problem:
                raise SessionEnded(self._room.problem)
