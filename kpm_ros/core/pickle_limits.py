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

"""Pickles looked through before they are loaded: what would take much time or memory is refused."""

from __future__ import annotations

import pickletools
from collections.abc import Collection
from typing import BinaryIO

MOST_OPERATIONS = 1_000_000
MOST_REMEMBERED = 1_000_000
"""Largest place in a pickle's memory: Python makes room for all places below."""
_OUTSIDE = ("EXT1", "EXT2", "EXT4", "PERSID", "NEXT_BUFFER")


class PickleError(ValueError):
    """A file that is no pickle of numbers, said in a few words."""


def look_through(content: bytes | BinaryIO, refused: Collection[str]) -> None:
    """Refuse these operations and names, and more of anything than arrays need.

    Looking runs nothing; it fails by itself where an operation wants more bytes than there are.
    """
    for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
        if count > MOST_OPERATIONS:
            raise PickleError("is no pickle of arrays: it has too many parts")
        if operation.name in _OUTSIDE:
            raise PickleError("refers to something outside the file")
        if operation.name in refused or (isinstance(argument, str) and argument in refused):
            raise PickleError("holds something else than arrays of numbers")
        place = argument if operation.name in ("PUT", "BINPUT", "LONG_BINPUT") else 0
        if not isinstance(place, int) or place > MOST_REMEMBERED:
            raise PickleError("asks for more memory than an array needs")
