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

"""What a report says of a session with one person: what was asked, what was done, by what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from kpm_ros.core.session_file import Session, SignalCheck
from kpm_ros.learn.reports.page import Section, Table

NOT_USED = ("repeated", "failed", "skipped", "recording")


def section_of(session: Session) -> Section:
    """Tell a session in words and tables."""
    settled = {take.step for take in session.done}
    states: Counter[str] = Counter(take.state for take in session.takes)
    others = ", ".join(f"{states[name]} {name}" for name in NOT_USED if states[name])
    kind = "a SIMULATED person" if session.simulated else f"the {session.hand} {session.subject}"
    sentences = [
        f"{session.person}, {kind}: {len(settled)} of {len(session.steps)} steps of the protocol "
        f"{session.protocol} were done, in {len(session.takes)} takes"
        f"{f' ({others})' if others else ''}.",
        _maxima(session),
    ]
    section = Section(f"Session with {session.person}", [one for one in sentences if one])
    section.items = [
        *_faults("Before the first take", session.checks),
        *(
            f"{session.step_of(take).name}, take {take.number}: {take.why}"
            for take in session.takes
            if take.why
        ),
    ]
    section.tables += [_steps(session), _facts(session)]
    return section


def _maxima(session: Session) -> str:
    """Say of which muscles no maximum is known, of those that were to be contracted."""
    asked = [step.muscle for step in session.steps if step.muscle]
    lacking = [name for name in dict.fromkeys(asked) if name not in session.maxima]
    return f"No maximum contraction of {', '.join(lacking)} can be used." if lacking else ""


def _faults(when: str, checks: Sequence[SignalCheck]) -> list[str]:
    return [f"{when}: {check.said}" for check in checks if check.said]


def _steps(session: Session) -> Table:
    lines = []
    for number, step in enumerate(session.steps, 1):
        takes = session.takes_of(number)
        ill = dict.fromkeys(name for take in takes for name in take.ill_channels)
        lines.append(
            (
                step.name,
                step.prompt,
                f"{step.seconds:g} s",
                ", ".join(take.state for take in takes) or "not yet",
                ", ".join(ill) or "-",
            )
        )
    return Table(
        "What was asked, and what was done",
        ("step", "prompt", "length", "takes", "channels not well"),
        lines,
    )


def _facts(session: Session) -> Table:
    facts = {
        "EMG channels": ", ".join(session.channels),
        "model": " ".join(filter(None, (session.model, session.model_sha256[:12]))),
        "code": session.commit,
        **{f"device of {node}": _words(told) for node, told in session.devices.items()},
        "machine": _words(session.host),
        "options": _words(session.options),
    }
    return Table("By what", ("", ""), [(name, text) for name, text in facts.items() if text])


def _words(told: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in told.items())
