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

"""Waiting for the end of a process that is not a child of the test."""

from __future__ import annotations

import os
import select

PATIENCE_S = 30.0


def exit_of(pid: int) -> int:
    """Open a handle that becomes readable when the process ends."""
    return os.pidfd_open(pid)


def wait_for(handle: int) -> None:
    """Wait until the process has ended."""
    assert select.select([handle], [], [], PATIENCE_S)[0], "the process goes on running"
    os.close(handle)
