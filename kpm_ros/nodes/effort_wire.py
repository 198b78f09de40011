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

"""MuscleEffort's bytes and this middleware: that ours are what it writes, and what others sent."""

from __future__ import annotations

import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.msg import MuscleEffort
from kpm_ros.nodes import serialised
from kpm_ros.wire.effort_bytes import EffortEncoder, is_plain_effort, rewritten_effort


def effort_encoder(muscles: int, info_digest: int) -> EffortEncoder:
    """Make an encoder, once this middleware has read what it writes as it was meant."""
    encoder = EffortEncoder(muscles, info_digest)
    stamp = np.array([5 * NS_PER_S + 11])
    effort = np.arange(muscles, dtype=np.float32)[None] / 8
    [ours] = encoder.encode(stamp, 7, np.array([3], FlagBits), effort)
    meant = MuscleEffort(index=7, info_digest=info_digest, flags=3, effort=effort[0].tolist())
    meant.header.stamp.sec, meant.header.stamp.nanosec = 5, 11
    size = len(serialize_message(meant))
    if len(ours) != size or deserialize_message(ours, MuscleEffort) != meant:
        raise RuntimeError("this middleware does not write MuscleEffort as little-endian CDR")
    return encoder


def plain_effort(message: bytes) -> bytes | None:
    """Bring a message of any publisher into our layout; None for what is no MuscleEffort."""
    if is_plain_effort(message):
        return message
    try:
        return rewritten_effort(serialised.read(message, MuscleEffort))
    except serialised.UnreadableMessageError:
        return None
