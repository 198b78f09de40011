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

"""Whether a take of a session shows what was asked for, in a sentence where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kpm_ros.core.session_file import Session, SignalCheck, Step, Take
from kpm_ros.sense.signal_watch import EMG, KEYS

CONTRACTED = 3.0
"""A maximum contraction is at least so many times what is there at rest."""
OUTDONE = 1.1
"""Playing that is stronger than the maximum by this factor shows that it was none."""


def fault_of(step: Step, checks: Sequence[SignalCheck], take: Take, session: Session) -> str:
    """Say why a take has to be repeated; empty where it need not.

    Single channels that are not well are no reason: the others can be used.
    """
    for check in checks:
        gone = check.state in ("missing", "lost")
        if check.said and not check.channel and (gone or step.kind == "task"):
            return check.said
    channels = [check for check in checks if check.channel]
    if channels and all(check.said for check in channels):
        return f"no EMG channel is well; {channels[0].said}"
    if step.muscle:
        ill = [check.said for check in channels if check.channel == step.muscle and check.said]
        return ill[0] if ill else _too_weak(step.muscle, take, session)
    return ""


def _too_weak(muscle: str, take: Take, session: Session) -> str:
    most, resting = take.strongest.get(muscle, 0.0), session.resting.get(muscle)
    if resting is None or most >= CONTRACTED * resting:
        return ""
    return (
        f"{muscle} rose to {most:.3g} {session.emg_unit} only, where it has {resting:.3g} at rest: "
        "contract it harder, or see to its electrode"
    )


def silence_check(step: Step, notes: int, wants_keys: bool) -> list[SignalCheck]:
    """Find fault with a task at the piano in which no key was pressed."""
    if step.kind != "task" or not wants_keys or notes:
        return []
    return [SignalCheck(KEYS, "weak", said="no key was pressed: see that the piano sends")]


def outdone(take: Take, session: Session) -> tuple[list[SignalCheck], list[Take]]:
    """Find maximum contractions that a task was stronger than: what to say, and which takes.

    They are no maxima, and are to be asked for again.
    """
    step = session.step_of(take)
    said, again = [], []
    for muscle, most in session.maxima.items() if step.kind == "task" else ():
        reached = take.strongest.get(muscle, 0.0)
        if muscle in take.ill_channels or reached <= OUTDONE * most:
            continue
        sentence = (
            f"{step.task} took {muscle} to {reached:.3g} {session.emg_unit}, above its maximum "
            f"contraction of {most:.3g}"
        )
        said.append(SignalCheck(EMG, "weak", said=sentence))
        last = [each for each in session.done if session.step_of(each).muscle == muscle][-1]
        again.append(replace(last, state="repeated", why=sentence))
    return said, again
