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

"""Recordings of the simulated devices, and of what a live run would have made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.core.streams import Streams
from kpm_ros.estimate.effort_info import described, with_arrays
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card, published_streams
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.weight_files import load_model, random_tensors, save_model
from kpm_ros.replay.definitions import known_types
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession

MS = 1_000_000
S = 1000 * MS
T0 = 1_700_000_000 * S
USUAL = {
    "top": "/kpm/camera/top/landmarks",
    "right": "/kpm/camera/right/landmarks",
    "events": "/kpm/keys/events",
    "motion": "/kpm/keys/motion",
    "aligned": "/kpm/aligned",
    "chunks": "/kpm/effort/chunks",
    "singles": "/kpm/effort",
    "info": "/kpm/effort/info",
}
TYPES = {
    LandmarkFrame: "Landmarks",
    KeyEvent: "KeyEvent",
    KeyMotionChunk: "KeyMotion",
    AlignedChunk: "AlignedSamples",
    EffortChunk: "MuscleEffortChunk",
}

Entry = tuple[str, int, Any, str]
"""One message to record: topic, when it was received, the message, its type."""


def small_model(folder: Path, seed: int = 0, **fields: Any) -> tuple[Path, ModelCard]:
    """Write a light model with random weights."""
    card = published_card(name="light", architecture="pianokpm-light", **fields)
    path = folder / f"light_{seed}.safetensors"
    save_model(path, card, random_tensors(card, seed))
    return path, card


def played(seconds: float = 2.0) -> list[Delivery]:
    """What the simulated devices deliver, in the order of receipt."""
    session = SimulatedSession(Pianist(five_finger_study()), default_cameras(), T0, emg=False)
    return list(session.advance(T0 + round(seconds * S)))


def entries(deliveries: Sequence[Delivery], names: Mapping[str, str] = USUAL) -> list[Entry]:
    """Deliveries as messages, received when they were delivered."""
    return [entry(delivery.sample, delivery.deliver_ns, names) for delivery in deliveries]


def entry(
    sample: Any,
    received_ns: int,
    names: Mapping[str, str] = USUAL,
    streams: Streams | None = None,
) -> Entry:
    """A sample as a message."""
    if isinstance(sample, LandmarkFrame):
        role = sample.view
    else:
        roles = {KeyEvent: "events", KeyMotionChunk: "motion"}
        roles |= {AlignedChunk: "aligned", EffortChunk: "chunks"}
        role = roles[type(sample)]
    kind = f"kpm_ros/msg/{TYPES[type(sample)]}"
    fields = _fields(sample, streams or published_streams())
    return names[role], received_ns, make(kind, **fields), kind


def live(
    deliveries: Sequence[Delivery],
    model: Path,
    start: int = 0,
    alter: Callable[[EffortChunk], EffortChunk] = lambda chunk: chunk,
    lost: Sequence[int] = (),
) -> list[Entry]:
    """What a live run records besides its inputs: the grid and effort, taken in small hops.

    The inference node begins `start` chunks late, and never gets the `lost` ones; `alter` may
    change what it gives.
    """

    card, tensors = load_model(model)
    aligner = Aligner(AlignerConfig(streams=card.streams, rate_hz=card.rate_hz))
    estimator = EffortEstimator(card, architecture_of(card).stream(card, tensors))
    waiting = list(deliveries)
    made: list[Entry] = []
    chunks = 0
    for now_ns in range(T0, waiting[-1].deliver_ns + 1, 2 * MS):
        while waiting and waiting[0].deliver_ns <= now_ns:
            push(aligner, waiting.pop(0))
        for chunk in aligner.advance(now_ns):
            made.append(entry(chunk, now_ns, streams=card.streams))
            reaches = chunks >= start and chunks not in lost
            chunks += 1
            effort = estimator.push(chunk) if reaches else None
            if effort is not None:
                made.append(entry(alter(effort), now_ns))
    return made


def push(aligner: Aligner, delivery: Delivery) -> None:
    """Hand a delivery to an aligner."""
    received_ns, sample = delivery
    if isinstance(sample, LandmarkFrame):
        aligner.push_frame(sample, received_ns)
    elif isinstance(sample, KeyEvent):
        aligner.push_key_event(sample, received_ns)
    else:
        assert not isinstance(sample, ChannelChunk)
        aligner.push_key_motion(sample, received_ns)


def info(card: ModelCard, sha256: str, received_ns: int = T0) -> Entry:
    """The description of an effort stream."""
    kind = "kpm_ros/msg/EffortInfo"
    fields = with_arrays(described(card, sha256, stream=1))
    message = make(kind, header=header(received_ns), **fields)
    return USUAL["info"], received_ns, message, kind


def write(
    folder: Path,
    messages: Sequence[Entry],
    storage: str = "mcap",
    compression: CompressionMode | None = None,
) -> Path:
    """Write a bag with other means than the package's own."""
    plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
    writer = Writer(folder, version=8, storage_plugin=plugin)
    if compression is not None:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        topics = dict.fromkeys((topic, kind) for topic, _, _, kind in messages)
        connections = {
            topic: writer.add_connection(topic, kind, typestore=known_types())
            for topic, kind in topics
        }
        for topic, received_ns, message, kind in sorted(messages, key=lambda one: one[1]):
            data = known_types().serialize_cdr(message, kind)
            writer.write(connections[topic], received_ns, data)
    return folder


def make(kind: str, /, **values: Any) -> Any:
    """Make a message."""
    return known_types().types[kind](**values)


def _time(stamp_ns: int) -> Any:
    return make("builtin_interfaces/msg/Time", sec=stamp_ns // S, nanosec=stamp_ns % S)


def header(stamp_ns: int, frame_id: str = "") -> Any:
    return make("std_msgs/msg/Header", stamp=_time(stamp_ns), frame_id=frame_id)


def _flat(values: np.ndarray | None) -> np.ndarray:
    return np.zeros(0, np.float32) if values is None else values.astype(np.float32).reshape(-1)


def _fields(sample: Any, streams: Streams) -> dict[str, Any]:
    fields = {name: getattr(sample, name) for name in sample.__dataclass_fields__}
    fields["header"] = header(fields.pop("stamp_ns"), fields.pop("frame_id", ""))
    if isinstance(sample, LandmarkFrame):
        fields["image_width"], fields["image_height"] = fields.pop("image_size")
        fields |= {
            name: _flat(getattr(sample, name)) for name in ("points", "metres", "visibility")
        }
        fields["processed"] = _time(fields.pop("processed_ns"))
    elif isinstance(sample, KeyEvent):
        fields["kind"] = int(sample.kind)
    elif isinstance(sample, KeyMotionChunk):
        fields["keys"], fields["depth"] = sample.depth.shape[1], _flat(sample.depth)
    else:
        trace = asdict(fields.pop("trace"))
        times = {name.removesuffix("_ns"): _time(value) for name, value in trace.items()}
        fields["trace"] = make("kpm_ros/msg/LatencyTrace", **times)
    if isinstance(sample, AlignedChunk):
        fields |= {
            "count": len(sample),
            "streams": list(streams.names),
            "columns": np.array([stream.width for stream in streams], np.uint32),
            "values": _flat(sample.values),
        }
    if isinstance(sample, EffortChunk):
        fields |= {
            "info_digest": 1,
            "rate_hz": 2000.0,
            "muscles": sample.effort.shape[1],
            "effort": _flat(sample.effort),
        }
    return fields
