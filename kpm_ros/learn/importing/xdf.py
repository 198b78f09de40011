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

"""XDF, the file of the Lab Streaming Layer's recorder, read within limits.

The format is public (github.com/sccn/xdf, version 1.0): chunks of a length and a tag, with headers
in XML, samples as numbers in bytes, and measurements of each sender's clock against the recorder's.
Streams of words, such as markers, are left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import GB, MB, ForeignFileError, opened, printable, reading
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.importing.sampled import Sampled, rate_of

XDF_BYTES = 4 * GB
MAGIC = b"XDF:"
MOST_STREAMS, MOST_CHANNELS = 1000, 4096
CLOCK_JUMP_S = 1.0
"""A measurement of a clock that differs by so much from most others is wrong, or the clock was
set."""
_HEADER, _SAMPLES, _OFFSET = 2, 3, 4
_MOST_HEADER = 1 * MB
_MOST_CHUNK = 256 * MB
_KINDS = {
    "int8": "i1",
    "int16": "<i2",
    "int32": "<i4",
    "int64": "<i8",
    "float32": "<f4",
    "double64": "<f8",
}
_LONGEST_S = 1e9


@dataclass
class _Stream:
    name: str
    kind: str
    dtype: np.dtype
    channels: tuple[str, ...]
    unit: str
    rate_hz: float
    stamps_s: list[NDArray[np.float64]] = field(default_factory=list)
    samples: list[NDArray[np.float32]] = field(default_factory=list)
    offsets: list[tuple[float, float]] = field(default_factory=list)
    last_s: float = 0.0


@dataclass(frozen=True)
class XdfFile:
    """What a file holds."""

    streams: tuple[tuple[str, Sampled], ...]
    """Each with its LSL type, such as "EMG"."""
    said: tuple[str, ...]


def read_xdf(path: Path) -> XdfFile:
    """Read a file, as far as it is whole; one that is none is a ForeignFileError."""
    said: list[str] = []
    streams: dict[int, _Stream] = {}
    with reading(path, "an XDF recording"), opened(path, XDF_BYTES) as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ForeignFileError(f"{path} does not begin as an XDF recording does")
        try:
            for tag, content in _chunks(file):
                _take(tag, content, streams, said)
        except _TruncatedError as error:
            said.append(f"it was read up to where it is cut off or damaged: {error}")
    found = []
    for stream in streams.values():
        made = _finished(stream, said)
        if made is not None:
            found.append((stream.kind, made))
    if not found:
        raise ForeignFileError(f"{path} holds no stream of numbers")
    return XdfFile(tuple(found), tuple(said))


class _TruncatedError(Exception):
    """The file ends, or goes on as no XDF does."""


def _chunks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while True:
        first = file.read(1)
        if not first:
            return
        length = _length(first[0], file.read(first[0]) if first[0] in (1, 4, 8) else b"")
        if not 2 <= length <= _MOST_CHUNK:
            raise _TruncatedError(f"a chunk of {length} bytes")
        content = file.read(length)
        if len(content) < length:
            raise _TruncatedError(f"its last chunk has {len(content)} of {length} bytes")
        yield int.from_bytes(content[:2], "little"), content[2:]


def _length(size: int, content: bytes) -> int:
    if size not in (1, 4, 8) or len(content) < size:
        raise _TruncatedError("a length of no known size")
    return int.from_bytes(content, "little")


def _take(tag: int, content: bytes, streams: dict[int, _Stream], said: list[str]) -> None:
    if tag not in (_HEADER, _SAMPLES, _OFFSET):
        return
    if len(content) < 4:
        raise _TruncatedError("a chunk of no stream")
    number, content = int.from_bytes(content[:4], "little"), content[4:]
    if tag == _HEADER:
        if len(streams) >= MOST_STREAMS:
            raise ForeignFileError(f"it has more than {MOST_STREAMS} streams")
        described = _described(content, said)
        if described is not None:
            streams[number] = described
    elif number in streams:
        if tag == _SAMPLES:
            _take_samples(streams[number], content)
        elif len(content) >= 16:
            streams[number].offsets.append(struct.unpack("<dd", content[:16]))


def _described(content: bytes, said: list[str]) -> _Stream | None:
    """Read a stream's header; None for a stream of words."""
    if len(content) > _MOST_HEADER or b"<!" in content:
        raise ForeignFileError("a stream's header is too long, or defines words of its own")
    info = ElementTree.fromstring(content.decode("utf-8", "replace"))
    name = printable(info.findtext("name") or "stream", 100)
    kind = info.findtext("channel_format") or ""
    kind_of_signal = info.findtext("type") or ""
    count = int(info.findtext("channel_count") or 0)
    if kind not in _KINDS:
        said.append(f"the stream {name} holds {kind or 'nothing'}, which is no number: left out")
        return None
    if not 0 < count <= MOST_CHANNELS:
        raise ForeignFileError(f"the stream {name} has {count} channels")
    told = info.findall("desc/channels/channel")
    names = [printable((one.findtext("label") or "").strip(), 60) for one in told]
    if len(names) != count or not all(names) or len(set(names)) != count:
        names = [f"ch_{number}" for number in range(1, count + 1)]
    units = {(one.findtext("unit") or "").strip() for one in told} - {""}
    rate_hz = float(info.findtext("nominal_srate") or 0)
    if not 0 <= rate_hz <= 1e5:
        raise ForeignFileError(f"the stream {name} has {rate_hz:g} samples a second")
    unit = printable(units.pop(), 30) if len(units) == 1 else ""
    if unit.lower() in _MICROVOLTS or (not unit and kind_of_signal.upper() in _ELECTRIC):
        unit = "uV"
    return _Stream(
        name,
        kind_of_signal,
        np.dtype(_KINDS[kind]),
        tuple(names),
        unit or "as sent",
        rate_hz,
    )


_MICROVOLTS = {"microvolts", "microvolt", "uv", "\u00b5v", "\u03bcv"}
_ELECTRIC = ("EMG", "EXG", "EEG")


def _take_samples(stream: _Stream, content: bytes) -> None:
    """Read a chunk of samples, each with a time of its own or a step after the one before."""
    if not content or content[0] not in (1, 4, 8):
        raise _TruncatedError("samples of no known number")
    size = content[0]
    count = _length(size, content[1 : 1 + size])
    body = memoryview(content)[1 + size :]
    width = len(stream.channels) * stream.dtype.itemsize
    if count * (1 + width) > len(body):
        raise _TruncatedError(f"{count} samples in {len(body)} bytes")
    if len(body) == count * (9 + width) and count:
        rows = np.frombuffer(body, np.dtype([("size", "u1"), ("at", "<f8"), ("v", "V", width)]))
        if (rows["size"] == 8).all():
            values = np.frombuffer(np.ascontiguousarray(rows["v"]).tobytes(), stream.dtype)
            _add(stream, rows["at"].astype(np.float64), values)
            return
    _add(stream, *_one_by_one(stream, body, count, width))


def _one_by_one(
    stream: _Stream, body: memoryview, count: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.generic]]:
    stamps = np.empty(count)
    parts = bytearray()
    at, now_s = 0, stream.last_s
    step_s = 1 / stream.rate_hz if stream.rate_hz else 0.0
    for k in range(count):
        if at >= len(body) or body[at] not in (0, 8):
            raise _TruncatedError("a sample with no known time")
        told = body[at] == 8
        begins = at + (9 if told else 1)
        if begins + width > len(body):
            raise _TruncatedError("a sample that is cut off")
        now_s = struct.unpack_from("<d", body, at + 1)[0] if told else now_s + step_s
        stamps[k] = now_s
        parts += body[begins : begins + width]
        at = begins + width
    return stamps, np.frombuffer(bytes(parts), stream.dtype)


def _add(stream: _Stream, stamps_s: NDArray[np.float64], values: NDArray[np.generic]) -> None:
    if not len(stamps_s):
        return
    if not (np.abs(stamps_s) < _LONGEST_S).all():
        raise _TruncatedError(f"{stream.name} has times that cannot be")
    stream.stamps_s.append(stamps_s)
    stream.samples.append(values.reshape(len(stamps_s), -1).astype(np.float32))
    stream.last_s = float(stamps_s[-1])


def _finished(stream: _Stream, said: list[str]) -> Sampled | None:
    """Put a stream on the recorder's clock."""
    if not stream.stamps_s:
        said.append(f"the stream {stream.name} holds no samples")
        return None
    stamps_s, samples = np.concatenate(stream.stamps_s), np.concatenate(stream.samples)
    stamps_s = stamps_s + _offset_at(stream, stamps_s, said)
    order = np.argsort(stamps_s, kind="stable")
    backwards = int((np.diff(stamps_s) < 0).sum())
    if backwards:
        said.append(f"the clock of {stream.name} went back {backwards} times")
    stamps_ns = np.rint(stamps_s[order] * NS_PER_S).astype(np.int64)
    steps_s = np.diff(stamps_ns) / NS_PER_S
    for at in np.flatnonzero(steps_s > CLOCK_JUMP_S)[:5]:
        said.append(
            f"{stream.name} is silent for {steps_s[at]:.1f} s after "
            f"{(stamps_ns[at] - stamps_ns[0]) / NS_PER_S:.1f} s, or its clock was set"
        )
    rate_hz = stream.rate_hz or rate_of(stamps_ns)
    if not rate_hz:
        said.append(f"the stream {stream.name} has one sample, which tells no rate")
        return None
    return Sampled(stream.name, stream.channels, stream.unit, rate_hz, stamps_ns, samples[order])


def _offset_at(
    stream: _Stream, stamps_s: NDArray[np.float64], said: list[str]
) -> NDArray[np.float64]:
    """Tell how far the sender's clock is behind the recorder's; wrong values are left out."""
    measured = np.array([pair for pair in stream.offsets if np.isfinite(pair).all()])
    if not len(measured):
        return np.zeros(len(stamps_s))
    usual = float(np.median(measured[:, 1]))
    wrong = np.abs(measured[:, 1] - usual) > CLOCK_JUMP_S
    if wrong.any():
        said.append(
            f"{int(wrong.sum())} of {len(wrong)} measurements of the clock of {stream.name} differ "
            f"by up to {float(np.abs(measured[:, 1] - usual).max()):.1f} s from most: left out"
        )
    kept = measured[~wrong]
    kept = kept[np.argsort(kept[:, 0])]
    return np.asarray(np.interp(stamps_s, kept[:, 0], kept[:, 1]))
