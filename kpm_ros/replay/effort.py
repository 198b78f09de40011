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

"""Effort as a whole: all samples of a run, from a bag or from a replay, into a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.chunks import EFFORT_RATE_HZ, EffortChunk
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.foreign_files import read_arrays, reading
from kpm_ros.core.grid import Grid
from kpm_ros.core.hands import where_valid
from kpm_ros.estimate import effort_info
from kpm_ros.models.card import ModelCard
from kpm_ros.replay.bag import BagError, BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.definitions import known_types
from kpm_ros.replay.topics import EFFORT, EFFORT_CHUNK, EFFORT_INFO, TopicFinder
from kpm_ros.wire import decode
from kpm_ros.wire.encode import Encoder

GRID = Grid(EFFORT_RATE_HZ)

TOPICS = {
    "effort": BagTopic(EFFORT, depth=200, reliable=False),
    "effort/chunks": BagTopic(EFFORT_CHUNK, depth=50),
    "effort/info": BagTopic(EFFORT_INFO, depth=1, latched=True),
}
"""The topics of a bag of effort, as the inference node offers them."""


@dataclass(frozen=True)
class Effort:
    """Effort samples in the order in which they were given."""

    stamps_ns: NDArray[np.int64]
    index: NDArray[np.int64]
    effort: NDArray[np.float32]
    """(samples, muscles)"""
    flags: NDArray[FlagBits]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.stamps_ns)

    def where_valid(self, muscles: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Effort of these muscles that may be acted on; the rest is NaN."""
        return where_valid(self.effort, self.flags, muscles)


def joined(chunks: Iterable[EffortChunk], muscles: int) -> Effort:
    """Put chunks in a row."""
    # An empty one in front, so that no chunks at all are a recording, too.
    stamps, index = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    effort, flags = [np.zeros((0, muscles), np.float32)], [np.zeros(0, FlagBits)]
    for chunk in chunks:
        stamps.append(_stamps(chunk))
        index.append(np.arange(chunk.first_index, chunk.first_index + len(chunk)))
        effort.append(chunk.effort)
        flags.append(chunk.flags)
    return Effort(
        np.concatenate(stamps), np.concatenate(index), np.concatenate(effort), np.concatenate(flags)
    )


def read_effort(bag: BagReader, finder: TopicFinder, muscles: int) -> Effort:
    """Read the effort that a bag holds: its chunks, or the single samples where it has none."""
    topic = finder.find(EFFORT_CHUNK) or finder.require(EFFORT)
    read = _read_chunks if bag.topics[topic] == EFFORT_CHUNK else _read_singles
    chunks = list(read(bag, topic))
    if not chunks:
        raise BagError(f"{topic} of the bag {bag.folder} holds no effort")
    widths = {chunk.effort.shape[1] for chunk in chunks}
    if widths != {muscles}:
        other = min(widths - {muscles})
        raise BagError(
            f"{topic} of the bag {bag.folder} is effort of {other} muscles, but the model gives "
            f"{muscles}"
        )
    return joined(chunks, muscles)


def _read_chunks(bag: BagReader, topic: str) -> Iterator[EffortChunk]:
    for message in bag.messages([topic]):
        try:
            yield decode.effort_chunk(bag.decode(message))
        except decode.RefusedMessageError as error:
            raise BagError(f"{topic} of the bag {bag.folder}: {error}") from None


def _read_singles(bag: BagReader, topic: str) -> Iterator[EffortChunk]:
    for message in bag.messages([topic]):
        sample = bag.decode(message)
        yield EffortChunk(
            decode.time_ns(sample.header.stamp),
            sample.index,
            np.array(sample.effort, np.float32)[None],
            np.array([sample.flags], FlagBits),
        )


def _stamps(chunk: EffortChunk) -> NDArray[np.int64]:
    return GRID.stamps_ns(GRID.last_at(chunk.stamp_ns), len(chunk))


def save_npz(path: Path, effort: Effort, card: ModelCard, model_sha256: str) -> None:
    """Write effort as arrays that NumPy reads, with what they mean, whole or not at all."""
    arrays = asdict(effort) | {
        "muscles": np.array(card.muscles),
        "unit": np.array(card.unit),
        "rate_hz": np.array(float(EFFORT_RATE_HZ)),
        "model": np.array(card.name),
        "model_sha256": np.array(model_sha256),
    }
    try:
        with atomic_file(path) as file:
            np.savez(file, **arrays)
    except OSError as error:
        raise BagError(f"{path} cannot be written: {error.strerror or error}") from None


def load_npz(path: Path) -> Effort:
    """Read back what `save_npz` wrote."""
    names = ("stamps_ns", "index", "effort", "flags")
    with reading(path, "effort that a replay has written", BagError):
        arrays = read_arrays(path)
        return Effort(*(arrays[name] for name in names))


class EffortBagWriter:
    """Writes effort as the inference node publishes it; use it in a `with` block."""

    def __init__(self, bag: BagWriter, namespace: str, card: ModelCard, model_sha256: str) -> None:
        """Announce the stream at its first chunk."""
        self._bag = bag
        self._prefix = f"/{namespace}"
        self._info = effort_info.described(card, model_sha256, effort_info.NOT_LIVE)
        self._announced = False

    def write(self, chunk: EffortChunk) -> None:
        """Append a chunk, as one message and as one a sample."""
        at_ns = chunk.trace.aligned_ns
        if not self._announced:
            self._announced = True
            info = effort_info.with_arrays(self._info)
            self._put("effort/info", at_ns, _ENCODER.effort_info(at_ns, info))
        stamps_ns = _stamps(chunk).tolist()
        for i, stamp_ns in enumerate(stamps_ns):
            sample = {
                "header": _ENCODER.header(stamp_ns),
                "index": chunk.first_index + i,
                "info_digest": self._info["digest"],
                "flags": int(chunk.flags[i]),
                "effort": chunk.effort[i],
            }
            self._put("effort", at_ns, _make(EFFORT, sample))
        self._put("effort/chunks", at_ns, _ENCODER.effort_chunk(chunk, self._info["digest"]))

    def _put(self, name: str, at_ns: int, message: Any) -> None:
        data = known_types().serialize_cdr(message, TOPICS[name].type)
        self._bag.write(f"{self._prefix}/{name}", at_ns, data)


def effort_topics(namespace: str) -> Mapping[str, BagTopic]:
    """Topics of a bag of effort in a namespace."""
    return {f"/{namespace}/{name}": topic for name, topic in TOPICS.items()}


def _make(kind: str, fields: Mapping[str, Any]) -> Any:
    return known_types().types[kind](**fields)


_ENCODER = Encoder(_make)
