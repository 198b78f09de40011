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

"""Where in an mcap file messages of which times are."""

from __future__ import annotations

from typing import NamedTuple

from mcap.records import ChunkIndex

from kpm_ros.replay.mcap_records import checked_stamp


class Block(NamedTuple):
    """A chunk, or records that are in none."""

    start_ns: int
    end_ns: int
    offset: int
    length: int
    channels: frozenset[int] | None
    """None = not known."""


def indexed(index: ChunkIndex) -> Block:
    """Give the chunk that an entry of the index tells of."""
    channels = frozenset(index.message_index_offsets)
    start_ns, end_ns = (
        checked_stamp(index.message_start_time),
        checked_stamp(index.message_end_time),
    )
    offset, length = index.chunk_start_offset, index.chunk_length
    return Block(start_ns, end_ns, offset, length, channels or None)
