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

"""Writes recordings into this project's own container, whole or not at all."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.streams import Landmarks, Stream, Streams
from kpm_ros.learn.recordings import container, container_index
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries
from kpm_ros.learn.recordings.split_files import SPLITS


@dataclass(frozen=True, kw_only=True)
class About:
    """What a data set says of itself."""

    name: str
    simulated: bool
    """Whether people were computed rather than recorded; said on everything trained on it."""
    description: str = ""
    origin: str = ""
    """Where it comes from: a citation, an address, a laboratory."""
    licence: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    """As what a person is known in other data sets, too, by the name in this one."""
    tasks: Mapping[str, str] = field(default_factory=dict)


def write_dataset(
    folder: Path | str,
    about: About,
    recordings: Iterable[Recording],
    splits: Mapping[str, Sequence[str]],
    streams: Sequence[Stream] = (),
) -> Path:
    """Write a container, one recording after another; the folder appears when all is written.

    All recordings have the same muscles and streams, in the order of `streams` if that is given;
    one may lack some. `splits` lists names under any of train, val, test, test_cross_user and
    test_cross_task.
    """
    folder = Path(folder).expanduser()
    if folder.exists():
        raise RecordingError(f"{folder} is there already: give a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}")
    unfinished.mkdir()
    try:
        writer = _Writer(unfinished, about, Streams(tuple(streams)) if streams else None)
        for recording in recordings:
            writer.add(recording)
        writer.finish(splits)
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished)
        raise
    return folder


class Written(NamedTuple):
    """A recording whose arrays lie in a container's folder, and what is to be said of it there."""

    name: str
    entry: dict[str, Any]
    """Of the index's recordings."""
    streams: list[dict[str, Any]]
    """How each of its streams is described."""
    effort: dict[str, Any]


def write_recording(folder: Path, recording: Recording, streams: Streams | None = None) -> Written:
    """Write a recording's arrays into a container's folder, having seen that they can be used.

    `streams` are those of the data set, where it has more than the recording.
    """
    name = recording.name
    container_index.check_name(name, "a recording")
    truth = recording.truth
    try:
        truth.check_numbers()
        # Whatever reading refuses is to be refused here, where it can still be mended.
        whole = GridRecording(recording, streams or recording.streams, max(1, round(truth.rate_hz)))
        whole.window(0, 1)
    except ValueError as error:
        raise RecordingError(f"{name}: {error}") from None
    place = folder / container.RECORDINGS / name
    _save(place / container.EFFORT, truth.values)
    entries: dict[str, dict[str, Any]] = {}
    for series in recording.series:
        file = f"{series.stream.name}.npy"
        _save(place / container.STREAMS / file, series.values)
        if series.stamps_s is not None:
            _save(place / container.STAMPS / file, series.stamps_s)
        if series.known_s is not None:
            _save(place / container.KNOWN / file, series.known_s)
        entries[series.stream.name] = {
            "start_s": float(series.start_s),
            "stamped": series.stamps_s is not None,
            "known": series.known_s is not None,
        }
        camera = _camera(series)
        if camera is not None:
            entries[series.stream.name]["camera"] = camera.as_plain()
    entry = {
        "person": recording.person,
        "task": recording.task,
        "take": recording.take,
        "streams": entries,
        "effort_start_s": float(truth.start_s),
        "notes": recording.notes,
    }
    effort = {
        "muscles": list(truth.muscles),
        "unit": truth.unit,
        "rate_hz": truth.rate_hz,
        "measured": truth.measured,
    }
    if recording.session:
        entry["session"] = recording.session
    return Written(name, entry, [_described(series) for series in recording.series], effort)


def write_index(
    folder: Path,
    about: About,
    effort: Mapping[str, Any],
    streams: Sequence[Mapping[str, Any]],
    recordings: Mapping[str, Any],
    split_files: Mapping[str, Mapping[str, Sequence[str]]],
) -> None:
    """Write what is said of all recordings; the container can be opened now."""
    for splits in split_files.values():
        unknown = [split for split in splits if split not in SPLITS]
        if unknown:
            raise RecordingError(f"{unknown[0]!r} is no split: those are {', '.join(SPLITS)}")
    listed = recordings.values()
    content = {
        "format": container_index.FORMAT,
        "version": container_index.VERSION,
        "name": about.name,
        "simulated": about.simulated,
        "description": about.description,
        "origin": about.origin,
        "licence": about.licence,
        "effort": effort,
        "streams": streams,
        "people": _table(about.people, {one["person"] for one in listed}),
        "tasks": _table(about.tasks, {one["task"] for one in listed}),
        "recordings": recordings,
    }
    _write(folder / container.INDEX, content)
    for file, splits in split_files.items():
        _write(folder / file, {split: list(names) for split, names in splits.items()})
        container.open_container(folder, file)


class _Writer:
    """A container that is not finished."""

    def __init__(self, folder: Path, about: About, streams: Streams | None) -> None:
        self._folder, self._about, self._streams = folder, about, streams
        self._described: dict[str, dict[str, Any]] = {}
        self._effort: dict[str, Any] | None = None
        self._recordings: dict[str, Any] = {}

    def add(self, recording: Recording) -> None:
        """Write a recording, having seen that it is like those before it."""
        name = recording.name
        if name in self._recordings:
            raise RecordingError(f"there are two recordings named {name!r}")
        self._streams = self._streams or recording.streams
        try:
            self._check_streams(recording, self._streams)
        except ValueError as error:
            raise RecordingError(f"{name}: {error}") from None
        written = write_recording(self._folder, recording, self._streams)
        if self._effort is not None and written.effort != self._effort:
            raise RecordingError(
                f"{name}: its effort has other muscles, another unit or rate than before"
            )
        self._effort = written.effort
        self._recordings[name] = written.entry

    def _check_streams(self, recording: Recording, streams: Streams) -> None:
        for series in recording.series:
            name = series.stream.name
            if name not in streams.names or streams[name] != series.stream:
                raise RecordingError(
                    f"the stream {name!r} is not one of the data set's, or differs from it: all "
                    "recordings have the same ones"
                )
            if self._described.setdefault(name, _described(series)) != _described(series):
                raise RecordingError(
                    f"the stream {name!r} was not measured as in the recordings before: note what "
                    "differs in the recording's notes"
                )

    def finish(self, splits: Mapping[str, Sequence[str]]) -> None:
        """Write what is said of all recordings."""
        if self._streams is None or self._effort is None:
            raise RecordingError("there is no recording to write")
        described = [self._described.get(one.name, one.as_plain()) for one in self._streams]
        write_index(
            self._folder,
            self._about,
            self._effort,
            described,
            self._recordings,
            {container.SPLIT_FILE: splits},
        )


def _described(series: TimeSeries) -> dict[str, Any]:
    # Of cameras, each recording says for itself where they stood.
    told = {name: value for name, value in series.stream.as_plain().items() if name != "camera"}
    return {
        **told,
        "may_repeat": series.may_repeat,
        "measured": series.measured,
    }


def _camera(series: TimeSeries) -> Camera | None:
    """Give the camera of a recording's picture, where somebody told where it stood."""
    return series.stream.camera if isinstance(series.stream, Landmarks) else None


def _table(known_as: Mapping[str, str], names: set[str]) -> dict[str, dict[str, str]]:
    return {name: {"known_as": known_as.get(name, "")} for name in sorted(names | set(known_as))}


def _save(path: Path, values: NDArray[np.floating]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = np.float32 if values.ndim > 1 else np.float64
    np.save(path, np.ascontiguousarray(values, kind), allow_pickle=False)


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), durable=True)
