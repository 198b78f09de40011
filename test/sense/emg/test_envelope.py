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

"""The envelope follows a muscle's effort, with the delay it states, whatever the chunks are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import signal

from kpm_ros.sense.connection import NS_PER_S
from kpm_ros.sense.emg.emg_csv import EmgCsv, EmgCsvConfig
from kpm_ros.sense.emg.emg_stream import EmgStream
from kpm_ros.sense.emg.envelope import Envelope, delay_s, design
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.samples import ChannelChunk

START_NS = 1_700_000_000 * NS_PER_S
SETTINGS = [
    (EnvelopeConfig(), 2000.0),
    (EnvelopeConfig(), 1000.0),
    (EnvelopeConfig(low_hz=0, high_hz=0, notch_hz=0), 1000.0),
    (EnvelopeConfig(smooth_hz=3, smooth_order=4), 2000.0),
    (EnvelopeConfig(low_hz=60, high_hz=200, notch_hz=60), 1000.0),
]


def chunk(samples: NDArray[np.float64], rate_hz: float, first_index: int = 0) -> ChannelChunk:
    stamp_ns = START_NS + round(first_index / rate_hz * NS_PER_S)
    names = tuple(f"emg{n}" for n in range(samples.shape[1]))
    return ChannelChunk(
        "emg", stamp_ns, first_index, rate_hz, names, "uV", samples.astype(np.float32)
    )


def split(whole: ChannelChunk, cuts: Sequence[int]) -> list[ChannelChunk]:
    edges = [0, *sorted({c for c in cuts if 0 < c < len(whole.samples)}), len(whole.samples)]
    return [
        replace(
            whole,
            stamp_ns=whole.stamp_ns + round(a / whole.rate_hz * NS_PER_S),
            first_index=whole.first_index + a,
            samples=whole.samples[a:b],
        )
        for a, b in pairwise(edges)
    ]


def muscle(effort: NDArray[np.float64], channels: int = 1, seed: int = 1) -> NDArray[np.float64]:
    """Noise as loud as the effort, in microvolts."""
    noise = np.random.default_rng(seed).standard_normal((len(effort), channels))
    return noise * effort[:, None] * 100


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 999), max_size=60))
def test_the_numbers_are_the_same_to_the_last_bit_however_samples_are_split(
    cuts: list[int],
) -> None:
    whole = chunk(muscle(np.ones(1000), channels=3) + 5000, 2000.0)
    expected = Envelope(EnvelopeConfig()).push_chunk(whole).samples
    envelope = Envelope(EnvelopeConfig())
    parts = [envelope.push_chunk(part).samples for part in split(whole, cuts)]
    assert np.concatenate(parts).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("config", "rate_hz"), SETTINGS)
def test_the_stated_delay_is_the_one_measured(config: EnvelopeConfig, rate_hz: float) -> None:
    time_s = np.arange(round(40 * rate_hz)) / rate_hz
    effort = 1 + 0.8 * np.sin(2 * np.pi * 0.5 * time_s)
    envelope = Envelope(config)
    smooth = envelope.push_chunk(chunk(muscle(effort, channels=40), rate_hz)).samples.mean(axis=1)
    turn = np.exp(-2j * np.pi * 0.5 * time_s)
    lag_s = np.angle(np.sum(effort * turn) / np.sum(smooth * turn)) / (2 * np.pi * 0.5)
    assert lag_s == pytest.approx(envelope.delay_s, abs=0.006)
    assert envelope.delay_s == delay_s(config, rate_hz)


def test_the_stamp_is_the_instant_the_envelope_describes() -> None:
    envelope = Envelope(EnvelopeConfig())
    raw = chunk(muscle(np.ones(100)), 2000.0, first_index=7)
    smooth = envelope.push_chunk(raw)
    assert raw.stamp_ns - smooth.stamp_ns == round(envelope.delay_s * NS_PER_S)
    assert (smooth.first_index, smooth.unit, smooth.rate_hz) == (7, "uV", 2000.0)


def test_twice_the_effort_is_twice_the_envelope() -> None:
    envelope = [
        Envelope(EnvelopeConfig()).push_chunk(chunk(muscle(np.full(8000, effort)), 2000.0)).samples
        for effort in (1.0, 2.0)
    ]
    np.testing.assert_allclose(envelope[1][4000:], 2 * envelope[0][4000:], rtol=1e-5)
    assert envelope[0][4000:].mean() == pytest.approx(100 * np.sqrt(2 / np.pi) * 0.66, rel=0.15)


@pytest.mark.parametrize("mains_hz", [50.0, 60.0])
def test_the_mains_are_taken_out_and_their_multiples_too(mains_hz: float) -> None:
    time_s = np.arange(8000) / 2000
    hum = sum(np.sin(2 * np.pi * mains_hz * k * time_s) * 100 / k for k in (1, 2, 3))
    config = EnvelopeConfig(notch_hz=mains_hz)
    smooth = Envelope(config).push_chunk(chunk(np.asarray(hum)[:, None], 2000.0)).samples
    assert smooth[6000:].max() < 1.0
    other = Envelope(replace(config, notch_hz=0.0)).push_chunk(
        chunk(np.asarray(hum)[:, None], 2000.0)
    )
    assert other.samples[6000:].min() > 30.0


def test_offset_and_drift_are_no_effort() -> None:
    drifting = 6000 + np.linspace(0, 300, 4000)[:, None]
    smooth = Envelope(EnvelopeConfig()).push_chunk(chunk(drifting, 2000.0)).samples
    assert smooth.max() < 0.5


def test_a_narrow_hole_is_bridged_and_a_wide_one_begins_anew() -> None:
    whole = chunk(muscle(np.ones(6000)), 2000.0)
    unbroken = Envelope(EnvelopeConfig()).push_chunk(whole).samples
    before, _, after = split(whole, [3000, 3040])
    envelope = Envelope(EnvelopeConfig())
    envelope.push_chunk(before)
    bridged = envelope.push_chunk(after).samples
    assert envelope.restarts == 0
    assert np.abs(bridged - unbroken[3040:]).max() < 0.35 * unbroken.max()
    np.testing.assert_allclose(bridged[1000:], unbroken[4040:], rtol=0.02)

    before, _, after = split(whole, [3000, 3400])
    envelope = Envelope(EnvelopeConfig())
    envelope.push_chunk(before)
    anew = envelope.push_chunk(after).samples
    assert envelope.restarts == 1
    alone = Envelope(EnvelopeConfig()).push_chunk(after).samples
    assert anew.tobytes() == alone.tobytes()


def test_a_bridge_follows_the_drift_so_that_no_step_is_taken_for_effort() -> None:
    whole = chunk(np.linspace(0, 20_000, 4000)[:, None], 2000.0)
    before, _, after = split(whole, [2000, 2150])
    envelope = Envelope(EnvelopeConfig())
    envelope.push_chunk(before)
    assert envelope.push_chunk(after).samples.max() < 5.0


def test_a_measured_rate_that_settles_does_not_disturb_but_another_rate_does() -> None:
    envelope = Envelope(EnvelopeConfig())
    envelope.push_chunk(chunk(muscle(np.ones(100)), 2000.0))
    envelope.push_chunk(chunk(muscle(np.ones(100)), 1992.8, first_index=100))
    assert envelope.restarts == 0
    delay = envelope.delay_s
    envelope.push_chunk(chunk(muscle(np.ones(100)), 1000.0, first_index=200))
    assert envelope.restarts == 1
    assert envelope.delay_s != delay


def test_the_envelope_is_never_below_zero() -> None:
    effort = np.repeat([0, 1, 0, 1, 0], 2000)
    smooth = (
        Envelope(EnvelopeConfig(smooth_order=4)).push_chunk(chunk(muscle(effort), 2000.0)).samples
    )
    assert smooth.min() == 0.0


def test_the_filters_pass_the_band_and_nothing_else() -> None:
    band, _ = design(EnvelopeConfig(notch_hz=0), 2000.0)
    gain = np.abs(signal.sosfreqz(band, [2.0, 20.0, 100.0, 450.0, 900.0], fs=2000.0)[1])
    np.testing.assert_allclose(gain, [0, 0.7071, 1.0, 0.7071, 0], atol=0.01)


def test_a_band_above_half_the_rate_is_narrowed_to_what_there_is() -> None:
    assert (
        Envelope(EnvelopeConfig()).push_chunk(chunk(muscle(np.ones(500)), 250.0)).samples.max() > 10
    )


@pytest.mark.parametrize(
    ("config", "rate_hz", "said"),
    [
        (EnvelopeConfig(smooth_hz=100), 200.0, "smooth_hz is 100, but must be .* below 90"),
        (EnvelopeConfig(low_hz=150), 250.0, "low_hz is 150, but must be below 112.5"),
        (EnvelopeConfig(low_hz=60, high_hz=50), 250.0, "low_hz is 60, but must be below 50"),
    ],
)
def test_filters_that_cannot_be_made_are_refused(
    config: EnvelopeConfig, rate_hz: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Envelope(config).push_chunk(chunk(muscle(np.ones(10)), rate_hz))


def test_the_envelope_of_the_real_recording_moves_with_the_hand(shared: Path) -> None:
    device = EmgCsv(EmgCsvConfig(str(shared / "data" / "emg" / "exg_1745109913.csv")))
    stream, envelope = EmgStream(device), Envelope(EnvelopeConfig(notch_hz=60))
    smooth = np.concatenate(
        [
            envelope.push_chunk(part).samples
            for now_ns in range(START_NS, START_NS + 64 * NS_PER_S, 100_000_000)
            for part in stream.poll(now_ns)
        ]
    )
    assert np.isfinite(smooth).all()
    settled = smooth[500:]
    assert (np.percentile(settled, 95, axis=0) > 1.5 * np.percentile(settled, 20, axis=0)).all()
