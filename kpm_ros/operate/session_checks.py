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

"""The signals before the first take: waited for, and looked at until they are well."""

from __future__ import annotations

from kpm_ros.core.session_file import SignalCheck
from kpm_ros.operate.session_prompt import Phase
from kpm_ros.operate.session_protocol import Protocol
from kpm_ros.operate.session_screen import Key
from kpm_ros.operate.session_stage import SessionEnded, Stage
from kpm_ros.sense.signal_watch import KEYS, NS_PER_S

CHECKED_S = 2.0
"""Length of the stretches of signals that are judged."""
STARTS_WITHIN_S = 240.0
"""Of the drivers and the recorder. A simulated person learns to play before, which takes a minute,
and longer on a machine with other work."""


def wait_for_signals(stage: Stage) -> None:
    """Wait until every signal has come once; a SessionEnded names one that does not."""
    room, watch = stage.room, stage.room.watch
    stage.begin(Phase.PREPARING, "Devices are started.")
    said = ""
    for _ in stage.during(STARTS_WITHIN_S):
        missing = [each for each in watch.checks(room.now_ns()) if each.state == "missing"]
        if not missing:
            return
        said = missing[0].said
        stage.prompt.note = room.complaint() or said
    complaint = f" ({room.complaint()})" if room.complaint() else ""
    raise SessionEnded(f"{said}, after {STARTS_WITHIN_S:g} s{complaint}")


def check_signals(stage: Stage, protocol: Protocol) -> tuple[SignalCheck, ...]:
    """Look at every signal until all are well, somebody goes on all the same, or in vain."""
    room, watch = stage.room, stage.room.watch
    stage.begin(Phase.CHECKING, protocol.check)
    heard = "keys" not in protocol.needs
    checks: tuple[SignalCheck, ...] = ()
    began_ns = room.now_ns()
    watch.begin(began_ns)
    for _ in stage.during(protocol.check_s):
        heard = heard or watch.notes > 0
        if Key.GO in stage.keys and checks:
            break
        now_ns = room.now_ns()
        if now_ns - began_ns < CHECKED_S * NS_PER_S:
            continue
        checks = watch.checks(now_ns)
        if not heard:
            checks += (SignalCheck(KEYS, "weak", said="no key was heard yet: press some"),)
        stage.prompt.note = next((check.said for check in checks if check.said), "")
        if not stage.prompt.note:
            break
        began_ns = now_ns
        watch.begin(now_ns)
    stage.prompt.note = ""
    return checks
