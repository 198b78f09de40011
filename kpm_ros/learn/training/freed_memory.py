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

"""Memory that a step of a training has freed is kept for the next one, which wants the same again.

The C library gives large pieces back at once, and the system fills each with zeros, page by page,
before it hands it out again: on a CPU that takes longer than much of the arithmetic in between.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of `mallopt`'s options, in glibc."""
_KEPT = 2**30
_LARGEST = 2**25
"""The largest piece that glibc can be told to keep."""


def keep_freed_memory() -> bool:
    """Let the C library keep up to a gibibyte that was freed; says whether it can, as glibc can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return False
    return bool(mallopt(_TRIM_THRESHOLD, _KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
