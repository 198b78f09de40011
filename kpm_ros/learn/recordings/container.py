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

"""This project's own container of recordings: one JSON file, and NumPy's files beside it.

docs/datasets.md describes every field. An .npy file is a short header and then the numbers as they
are in memory: it is mapped and not read, can run no code, and opens in NumPy, MATLAB, R and Julia.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.foreign_files import ForeignFileError, printable, read_json, reading
from kpm_ros.learn.recordings.cache import DigestCache
from kpm_ros.learn.recordings.container_index import MOST_WORDS, Index, read_index
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.recordings.split_files import read_splits
from kpm_ros.models.seen import digest

LAYOUT = "kpm_ros's container"
INDEX, SPLIT_FILE, SPLIT_FILES = "dataset.json", "splits.json", "splits*.json"
RECORDINGS, STREAMS, EFFORT = "recordings", "streams", "effort.npy"
STAMPS, KNOWN = "stamps", "known"

_LATER = ("known", "camera")
"""What is told of a recording's stream that once was not told; left out where there is none."""
MOST_ROWS = 200_000_000
"""Frames or samples of one file: a day at 2 kHz."""


def lacking(root: Path) -> str:
    """Say what a folder lacks to be a container; "" where it lacks nothing."""
    return "" if (root / INDEX).is_file() else f"it has no {INDEX}"


def open_container(root: Path, split_file: str = "") -> DataSet:
    """Open a container; a ValueError says in a sentence what is wrong with it."""
    path = _within(root, INDEX)
    with reading(path, "a data set's description"):
        index = read_index(read_json(path), str(path))
    split_file = split_file or SPLIT_FILE
    if Path(split_file).name != split_file:
        raise ForeignFileError(f"the split file must lie in {root} itself, not at {split_file!r}")
    _within(root, split_file)

    def name_of(entry: str) -> str:
        if entry not in index.recordings:
            raise ForeignFileError(f"{entry!r}, and {INDEX} lists no such recording")
        return entry

    splits = read_splits(root / split_file, name_of, SPLIT_FILES)
    said = [one for one in (index.description, index.origin) if one]
    kind = "simulated" if index.simulated else "recorded"
    return DataSet(
        root=root,
        layout=LAYOUT,
        streams=index.streams,
        muscles=index.muscles,
        unit=index.unit,
        rate_hz=index.rate_hz,
        splits=splits,
        split_file=split_file,
        simulated=index.simulated,
        description=printable(f"{kind}: {'; '.join([index.name, *said])}", MOST_WORDS),
        store=ContainerStore(root, index),
        licence=index.licence,
    )


@dataclass(frozen=True)
class ContainerStore:
    """The files of a container."""

    root: Path
    index: Index

    def recording(self, name: str) -> Recording:
        """Map one recording into memory; a ValueError says what is wrong with its files."""
        if name not in self.index.recordings:
            raise ForeignFileError(f"{self.root / INDEX} lists no recording {name!r}")
        entry = self.index.recordings[name]
        with reading(self.root / RECORDINGS / name, "a recording"):
            series = [
                self._series(name, stream, about) for stream, about in entry["streams"].items()
            ]
            place = {stream: k for k, stream in enumerate(self.index.streams.names)}
            series.sort(key=lambda one: place[one.stream.name])
            truth = Truth(
                self.index.muscles,
                self.index.unit,
                self.index.rate_hz,
                _mapped(_within(self.root, RECORDINGS, name, EFFORT), 2),
                entry["effort_start_s"],
                self.index.measured,
            )
            return Recording(
                name,
                entry["person"],
                entry["task"],
                entry["take"],
                tuple(series),
                truth,
                entry["notes"],
                entry["session"],
            )

    def digest(self, name: str) -> str:
        """Tell the content of a recording's files, and what the index says of it."""
        entry = self.index.recordings[name]
        files: list[tuple[str, ...]] = [(EFFORT,)]
        for stream, about in entry["streams"].items():
            files.append((STREAMS, f"{stream}.npy"))
            files += [(folder, f"{stream}.npy") for folder in _timed(about)]
        contents = [
            [*file, self._digests.get(_within(self.root, RECORDINGS, name, *file))]
            for file in sorted(files)
        ]
        words = json.dumps([_as_before(entry), contents], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()

    def also_known_as(self, name: str) -> Identity:
        """Digests of the names by which a person and a task are known in other data sets."""
        entry = self.index.recordings[name]
        person, task = self.index.people[entry["person"]], self.index.tasks[entry["task"]]
        return Identity(
            frozenset({digest("known person", person)} if person else ()),
            frozenset({digest("known task", task)} if task else ()),
        )

    @cached_property
    def _digests(self) -> DigestCache:
        return DigestCache(self.root)

    def _series(self, name: str, stream: str, about: Mapping[str, Any]) -> TimeSeries:
        notes = self.index.notes[stream]
        times = {
            folder: np.asarray(
                _mapped(_within(self.root, RECORDINGS, name, folder, f"{stream}.npy"), 1),
                np.float64,
            )
            for folder in _timed(about)
        }
        described = self.index.streams[stream]
        if about["camera"]:
            camera = Camera.from_plain(about["camera"], f"{name}: {stream}")
            described = replace(described, camera=camera)
        return TimeSeries(
            described,
            _mapped(_within(self.root, RECORDINGS, name, STREAMS, f"{stream}.npy"), 2),
            about["start_s"],
            times.get(STAMPS),
            notes.may_repeat,
            notes.measured,
            times.get(KNOWN),
        )


def _timed(about: Mapping[str, Any]) -> list[str]:
    """Name the folders in which a stream's times are."""
    return [folder for folder, key in ((STAMPS, "stamped"), (KNOWN, "known")) if about[key]]


def _as_before(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Say of a recording what was said of it before some of it could be said."""
    streams = {
        name: {key: value for key, value in about.items() if key not in _LATER or value}
        for name, about in entry["streams"].items()
    }
    kept = {key: value for key, value in entry.items() if key != "session" or value}
    return {**kept, "streams": streams}


def _within(root: Path, *parts: str) -> Path:
    """Find a file of the container, which is reached through no link."""
    path = root
    for part in parts:
        path = path / part
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(mode):
            raise ForeignFileError(f"{path} is a link: a container holds its files itself")
    return path


def _mapped(path: Path, dimensions: int) -> NDArray[np.floating]:
    """Map an array of floats into memory."""
    with reading(path, "an array"):
        if not stat.S_ISREG(path.stat().st_mode):
            raise ForeignFileError(f"{path} must be a file")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.ndim != dimensions or array.dtype.kind != "f" or array.dtype.itemsize > 8:
            shape = ", ".join(str(size) for size in array.shape)
            raise ForeignFileError(
                f"{path} holds {array.dtype} of the shape ({shape}), but must hold floats in "
                f"{dimensions} dimension{'s' if dimensions > 1 else ''}"
            )
        if len(array) > MOST_ROWS:
            raise ForeignFileError(
                f"{path} has {len(array)} rows, but at most {MOST_ROWS} can be: cut the recording"
            )
    return array
