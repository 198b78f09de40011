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

from dataclasses import replace
from pathlib import Path

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.hands import side_of
from kpm_ros.core.session_file import FILE, Session, Step, Take, TakeState
from kpm_ros.operate.session_checks import STARTS_WITHIN_S, check_signals, wait_for_signals
from kpm_ros.operate.session_picture import draw_svg, draw_text
from kpm_ros.operate.session_prompt import Phase
from kpm_ros.operate.session_protocol import Protocol
from kpm_ros.operate.session_screen import Key
from kpm_ros.operate.session_stage import Recording, SessionEnded, Stage
from kpm_ros.sense.take_check import fault_of, outdone, silence_check

PICTURES = "pictures"
PAUSED, SKIPPED = "it was paused", "it was skipped"


class TakeBroken(Exception):  # noqa: N818
    """A take was broken off; the message says why."""


class SessionRun:
    """One run of a session, from wherever an earlier one has left it."""

    def __init__(
        self,
        session: Session,
        folder: Path,
        protocol: Protocol,
        stage: Stage,
    ) -> None:
        """Go on with a session."""
        self.session = session
        self._folder = folder
        self._protocol = protocol
        self._stage = stage
        self._room = stage.room
        self._watch = stage.room.watch
        self._lost_in_a_row = 0
        """Takes that were broken off one after another by a device."""

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
            self._stage.end(words)

    def _find_signals(self) -> None:
        """Wait until every signal has come once, and plan the steps of a new session."""
        wait_for_signals(self._stage)
        channels = self._watch.channels
        self._plan(channels)
        for muscle in self._protocol.missing_muscles(self.session.channels):
            self._stage.screen.say(
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
        """Look at every signal; without one that is needed, nothing can be recorded."""
        checks = check_signals(self._stage, self._protocol)
        self._save(replace(self.session, checks=checks, devices=self._room.devices()))
        for check in checks:
            if check.said:
                self._stage.screen.say(check.said)
        gone = [check for check in checks if check.state in ("missing", "lost")]
        channels = [check for check in checks if check.channel]
        if gone:
            raise SessionEnded(self._room.complaint() or gone[0].said)
        if channels and all(check.said for check in channels):
            raise SessionEnded(f"no EMG channel is well: {channels[0].said}")

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
        self._stage.screen.say(f"{self._name(take)} is left out: {why}")

    def _get_ready(self, step: Step, number: int, take: Take) -> bool:
        """Pause as the protocol says; False if the step was skipped then."""
        self._stage.prompt.step, self._stage.prompt.number, self._stage.prompt.take = (
            step,
            number,
            take.number,
        )
        self._stage.prompt.count = len(self.session.steps)
        self._stage.prompt.picture, self._stage.prompt.drawing = self._draw(step)
        if step.pause_s and take.number == 1:
            self._stage.begin(Phase.PAUSED, f"Pause. Next: {step.prompt}", keep_note=True)
            for _ in self._stage.during(step.pause_s):
                if Key.SKIP in self._stage.keys:
                    self._leave_out(take, SKIPPED)
                    return False
                if Key.GO in self._stage.keys:
                    break
        return True

    def _take(self, step: Step, take: Take) -> None:
        """Record one take, and judge it."""
        self._save(self.session.with_take(take))
        recording = self._room.record(self._folder / take.folder)
        why = ""
        try:
            take = replace(take, began_ns=self._count_down(step, recording))
            self._stage.begin(Phase.RECORDING, step.prompt)
            for _ in self._stage.during(step.seconds):
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
            self._end_if_often(why)
            self._pause_if_asked(why)
        else:
            self._lost_in_a_row = 0
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
        self._stage.begin(Phase.READY, step.prompt, keep_note=True)
        for _ in self._stage.during(self._protocol.ready_s):
            self._see_to(recording)
        for _ in self._stage.during(STARTS_WITHIN_S):
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
        if Key.SKIP in self._stage.keys:
            raise TakeBroken(SKIPPED)
        if Key.GO in self._stage.keys:
            raise TakeBroken(PAUSED)

    def _break_off(self, take: Take, why: str) -> None:
        state: TakeState = "skipped" if why == SKIPPED else "failed"
        ended_ns = self._room.now_ns()
        self._save(self.session.with_take(replace(take, state=state, why=why, ended_ns=ended_ns)))
        self._stage.screen.say(f"{self._name(take)} was broken off: {why}")

    def _end_if_often(self, why: str) -> None:
        """End the session where a device breaks one take off after another."""
        self._lost_in_a_row = 0 if why in (PAUSED, SKIPPED) else self._lost_in_a_row + 1
        if self._lost_in_a_row >= self._protocol.tries:
            raise SessionEnded(
                f"{self._lost_in_a_row} takes in a row were broken off: {why}; once that is "
                "mended, the same command goes on"
            )

    def _pause_if_asked(self, why: str) -> None:
        if why == PAUSED:
            self._stage.begin(Phase.PAUSED, "Pause. Press space to go on.")
            for _ in self._stage.during(None):
                if Key.GO in self._stage.keys:
                    break
        self._stage.prompt.note = f"Once more: {why}" if why != SKIPPED else ""

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
            self._stage.screen.say(f"{self._name(take)}: {sentence}")
        self._stage.prompt.note = f"Once more: {fault}" if fault else ""

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
