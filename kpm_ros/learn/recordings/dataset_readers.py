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

"""Finds the reader of a data set: the one place that knows every layout on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kpm_ros.learn.recordings import container, mia_release, pianokpm_release
from kpm_ros.learn.recordings.data_set import DataSet


class Reader(NamedTuple):
    """One layout of data sets."""

    name: str
    lacking: Callable[[Path], str]
    """Says in a clause what a folder lacks to be one of these; "" where it is one."""
    open: Callable[[Path, str], DataSet]
    """Opens a folder that is one, with a split file; "" for the usual one."""


_readers = [
    Reader(container.LAYOUT, container.lacking, container.open_container),
    Reader(pianokpm_release.PUBLISHED, pianokpm_release.misses, pianokpm_release.open_release),
    Reader(mia_release.PUBLISHED, mia_release.lacking, mia_release.open_mia),
]


def register_reader(reader: Reader) -> None:
    """Add a reader from outside this package, for this process; it is asked before the others."""
    if reader.name in [one.name for one in _readers]:
        raise ValueError(f"there is a reader of {reader.name!r} already")
    _readers.insert(0, reader)


def unregister_reader(name: str) -> None:
    """Take a reader away again that was added."""
    _readers[:] = [one for one in _readers if one.name != name]


def open_dataset(path: Path | str, split_file: str = "") -> DataSet:
    """Open a data set of any layout; a ValueError says what was tried, and why none fits.

    `split_file` is which of its lists of recordings to go by; empty for the usual one.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise ValueError(f"there is no data set at {root}: it must be a folder")
    found = []
    for reader in _readers:
        lacking = reader.lacking(root)
        if not lacking:
            return reader.open(root, split_file)
        found.append(f"as {reader.name} {lacking}")
    raise ValueError(f"{root} is no data set that can be read: {'; '.join(found)}")
