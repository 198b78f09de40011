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

"""EMG of a bag as the truth that effort is measured against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.recordings.recording import Truth
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import EMG, TopicFinder
from kpm_ros.sense.emg.envelope import Envelope
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.personal_envelope import MVC_UNIT
from kpm_ros.sense.samples import ChannelChunk
from kpm_ros.wire import decode

ENVELOPE = "/emg/envelope"
JUMP_S = 1.0
"""More than this between where a sample is due and where its stamp has it is another clock."""
MOST_OF_MVC, MOST_SHARE = 1.2, 0.01
"""Playing that is above the maximum contraction more often than this has not the right maximum."""
SCALE_PERCENTILE = 99.0


class MeasuredEmg(NamedTuple):
    """The envelope of each channel, and what is to be said of it."""

    truth: Truth
    start_ns: int
    said: tuple[str, ...]

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """When each sample was measured."""
        at = np.arange(len(self.truth.values)) * (NS_PER_S / self.truth.rate_hz)
        return self.start_ns + at.astype(np.int64)


class Calibration(NamedTuple):
    """What is known of a person's EMG beside a bag: maxima, and channels that were not well."""

    maxima: Mapping[str, float]
    """Envelope of each channel at its muscle's maximum contraction."""
    envelope: str = ""
    """Settings of the envelope that they are of, in words."""
    ill: Sequence[str] = ()


NOTHING_KNOWN = Calibration({})


def measured_emg(
    bag: BagReader, finder: TopicFinder, known: Calibration = NOTHING_KNOWN
) -> MeasuredEmg:
    """Read the envelope that a bag holds, or make one of its raw samples."""
    topics = [name for name, kind in bag.topics.items() if kind == EMG and bag.counts[name]]
    ready = [name for name in topics if name.endswith(ENVELOPE)]
    topic = ready[0] if ready else finder.find(EMG)
    if not topic or not bag.counts[topic]:
        raise BagError(f"the bag {bag.folder} holds no EMG: there is nothing to measure effort by")
    chunks = list(_chunks(bag, topic))
    if not chunks:
        raise BagError(f"{topic} of the bag {bag.folder} is empty")
    channels, said = chunks[0].channels, []
    how = "envelope as it was recorded"
    if not ready:
        config = _config(known.envelope)
        if min(float(chunk.samples.min()) for chunk in chunks) >= 0:
            said.append("no sample is below 0: it was rectified before, and is only smoothed")
            config = replace(config, low_hz=0.0, high_hz=0.0, notch_hz=0.0)
        envelope = Envelope(config)
        chunks = [envelope.push_chunk(chunk) for chunk in chunks]
        how = f"envelope made here: {config.as_words()}"
    values, start_ns, jumps = _on_one_axis(chunks)
    columns = dict(zip(channels, values.T, strict=True))
    dead = [name for name, column in columns.items() if _is_dead(column)]
    if dead:
        said.append(f"{', '.join(dead)} never changes, and is left out")
    ill = [name for name in known.ill if name in columns and name not in dead]
    if ill:
        said.append(f"{', '.join(ill)} was not well, and is left out")
    for name in (*dead, *ill):
        columns[name][:] = np.nan
    unit, normalised = _normalised(columns, chunks[0].unit, known.maxima)
    truth = Truth(channels, unit, chunks[0].rate_hz, values.astype(np.float32), measured=how)
    sentences = (f"{topic}: {sentence}" for sentence in (*said, *jumps, *normalised))
    return MeasuredEmg(truth, start_ns, tuple(sentences))


def _normalised(
    columns: Mapping[str, NDArray[np.float64]], unit: str, maxima: Mapping[str, float]
) -> tuple[str, list[str]]:
    """Bring envelopes to fractions of the maximum contraction, in place; gives unit and remarks."""
    said = []
    if unit != MVC_UNIT and maxima:
        lacking = [name for name in columns if not maxima.get(name, 0) > 0]
        if lacking:
            said.append(f"{', '.join(lacking)} has no maximum contraction, and is left out")
        for name, column in columns.items():
            column /= maxima.get(name, 0) or np.nan
        unit = MVC_UNIT
    if unit == MVC_UNIT:
        over = [name for name, column in columns.items() if _is_over(column)]
        if over:
            said.append(
                f"{', '.join(over)} rises above {MOST_OF_MVC:g} of the maximum contraction: that "
                "was recorded too small, and sizes are not what they say"
            )
        return unit, said
    for column in columns.values():
        known = column[np.isfinite(column)]
        column /= (np.percentile(known, SCALE_PERCENTILE) if known.size else 0) or np.nan
    unit = f"fraction of the {SCALE_PERCENTILE:g}th percentile"
    return unit, [
        f"no maximum contraction is known, so each muscle is a {unit} of this bag: RMSE, slope and "
        "offset say little"
    ]


def _config(words: str) -> EnvelopeConfig:
    """Read the settings of an envelope as its own words have them."""
    usual = EnvelopeConfig()
    told = dict(part.rsplit(" ", 1) for part in words.split(", ")) if words else {}
    try:
        return replace(
            usual, **{name: type(getattr(usual, name))(float(v)) for name, v in told.items()}
        )
    except (AttributeError, ValueError) as error:
        raise BagError(f"{words!r} are no settings of an envelope: {error}") from None


def _chunks(bag: BagReader, topic: str) -> Iterator[ChannelChunk]:
    first: ChannelChunk | None = None
    for message in bag.messages([topic]):
        chunk = decode.channel_chunk(bag.decode(message))
        first = first or chunk
        if chunk.channels == first.channels and len(chunk.samples):
            yield replace(chunk, rate_hz=first.rate_hz)


def _on_one_axis(chunks: Sequence[ChannelChunk]) -> tuple[NDArray[np.float64], int, list[str]]:
    """Put chunks where their stamps have them; what nobody measured is not a number."""
    rate_hz, start_ns = chunks[0].rate_hz, chunks[0].stamp_ns
    places, jumps = [0], []
    for before, chunk in pairwise(chunks):
        at_s = (chunk.stamp_ns - start_ns) / NS_PER_S
        due = (before.stamp_ns - start_ns) / NS_PER_S + (
            (chunk.first_index - before.first_index) / rate_hz
        )
        if abs(at_s - due) > JUMP_S:
            jumps.append(f"the clock jumps by {at_s - due:+.1f} s at second {due:.1f}")
        places.append(round(at_s * rate_hz))
    length = max(at + len(chunk.samples) for at, chunk in zip(places, chunks, strict=True))
    if length > 2 * sum(len(chunk.samples) for chunk in chunks) + 3600 * rate_hz:
        raise BagError(
            f"the stamps of {chunks[0].name} span {length / rate_hz / 3600:.1f} hours, of which "
            "less than half was measured: they are no times of one recording"
        )
    values = np.full((length, len(chunks[0].channels)), np.nan)
    end = 0
    for at, chunk in zip(places, chunks, strict=True):
        # After a jump back, what was measured first stays.
        new = max(0, end - at) if at < end - 2 else 0
        if at < 0 or new >= len(chunk.samples):
            continue
        values[at + new : at + len(chunk.samples)] = chunk.samples[new:]
        end = max(end, at + len(chunk.samples))
    return values, start_ns, jumps


def _is_dead(column: NDArray[np.float64]) -> bool:
    known = column[np.isfinite(column)]
    return not known.size or bool(np.ptp(known) == 0)


def _is_over(column: NDArray[np.float64]) -> bool:
    known = column[np.isfinite(column)]
    return bool(known.size and (known > MOST_OF_MVC).mean() > MOST_SHARE)
