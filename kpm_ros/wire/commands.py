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

"""Commands to a machine, and what it says of them: messages to values and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kpm_ros.act.drive_watch import DriveEcho
from kpm_ros.act.relay import TimedCommand
from kpm_ros.wire.decode import time_ns


def timed_command(message: Any, publisher: bytes) -> TimedCommand:
    """Read an AssistCommand of this publisher."""
    return TimedCommand(
        (publisher, message.session),
        message.sequence,
        time_ns(message.header.stamp),
        message.valid_s,
        message.simulated_time,
        message.joints,
        message.torque_nm.tolist(),
    )


def drive_echo(message: Any) -> DriveEcho:
    """Read a DriveState."""
    joints: Sequence[str] = message.joints
    return DriveEcho(
        message.session, message.sequence, message.following, message.reason, tuple(joints)
    )
