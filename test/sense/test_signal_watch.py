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

"""How signals are judged: cameras, keys, each electrode, each muscle's strength."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.session_file import Session, SignalCheck, Step
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.sense.signal_watch import EMG, KEYS, SignalWatch
from kpm_ros.sense.take_check import fault_of

S = 1_000_000_000
VIEW = "camera/front/landmarks"
RATE_HZ, CHUNK = 1000.0, 100
NAMES = ("FDS", "EDC")


def emg(watch: SignalWatch, seconds: float, shape, unit: str = "uV", start_s: float = 0.0) -> None:
    """Send EMG whose second channel is a function of time; the first is a quiet muscle."""
    noise = np.random.default_rng(0)
    for k in range(round(seconds * RATE_HZ / CHUNK)):
        times = start_s + (k * CHUNK + np.arange(CHUNK)) / RATE_HZ
        samples = np.stack([noise.normal(0, 20, CHUNK), shape(times, noise)], axis=1)
        stamp_ns, first = round(times[0] * 1e9), round(times[0] * RATE_HZ)
        samples = samples.astype(np.float32)
        chunk = ChannelChunk("emg", stamp_ns, first, RATE_HZ, NAMES, unit, samples)
        watch.push_emg(chunk, round(times[-1] * 1e9))


def quiet(times, noise):
    return noise.normal(0, 20, len(times))


def of_channels(watch: SignalWatch, now_s: float) -> dict[str, str]:
    return {check.channel: check.state for check in watch.checks(round(now_s * S)) if check.channel}


@pytest.mark.parametrize(
    ("shape", "state", "said"),
    [
        (quiet, "good", ""),
        (lambda times, noise: np.zeros(len(times)), "dead", "cable is plugged in"),
        (
            lambda times, noise: np.clip(noise.normal(0, 900, len(times)), -500, 500),
            "saturated",
            "lower the amplifier's gain",
        ),
        (lambda times, noise: 400 * np.sin(2 * np.pi * 50 * times), "disconnected", "it hums"),
    ],
)
def test_each_electrode_is_judged_and_said_how_to_mend(shape, state, said):
    watch = SignalWatch([], keys=False)
    emg(watch, 3.0, shape)
    assert of_channels(watch, 3.0) == {"FDS": "good", "EDC": state}
    sentences = [check.said for check in watch.checks(3 * S) if check.said]
    assert all(said in sentence and "EMG channel EDC is" in sentence for sentence in sentences)
    assert len(sentences) == (state != "good")


def test_a_channel_that_was_ill_for_a_moment_can_still_be_used():
    def once(times, noise):
        return quiet(times, noise) * (not 2.0 <= times[0] < 3.0)

    watch = SignalWatch([], keys=False)
    emg(watch, 10.0, once)
    assert of_channels(watch, 10.0)["EDC"] == "good"
    watch.begin(10 * S)
    emg(watch, 3.0, lambda times, noise: np.zeros(len(times)), start_s=10.0)
    assert of_channels(watch, 13.0)["EDC"] == "dead", "what was before no longer counts"


def test_strength_is_what_was_held_since_the_watch_began_anew():
    def contracted(times, noise):
        return noise.normal(0, 400 if 2.0 <= times[0] < 4.0 else 20, len(times))

    watch = SignalWatch([], keys=False)
    emg(watch, 5.0, contracted)
    assert watch.strongest["EDC"] == pytest.approx(400 * (2 / np.pi) ** 0.5, rel=0.15)
    assert watch.typical["EDC"] < 40
    watch.begin(5 * S)
    assert watch.strongest == {}
    assert watch.typical == {}
    emg(watch, 2.0, quiet, start_s=5.0)
    assert watch.strongest["EDC"] < 40


def test_each_signal_is_missing_lost_weak_or_good():
    watch = SignalWatch([VIEW], emg=False)
    states = lambda now_s: {c.signal: c.state for c in watch.checks(round(now_s * S))}  # noqa: E731
    assert states(1.0) == {VIEW: "missing", KEYS: "missing"}
    points = np.zeros((33, 3), np.float32)
    for k in range(20):
        found = points if k % 2 else None
        watch.push_frame(VIEW, LandmarkFrame(k, "front", k, found, 1.0), k * S // 10)
        watch.push_key_event(k == 3, k * S // 10)
    assert states(2.0) == {VIEW: "weak", KEYS: "good"}
    assert watch.notes == 1
    assert "in 50% of its pictures" in watch.checks(2 * S)[0].said
    assert watch.lost(3 * S) == ""
    assert "nothing has come from camera/front/landmarks for 8.1 s" in watch.lost(10 * S)
    assert states(10.0) == {VIEW: "lost", KEYS: "lost"}


def test_filters_that_a_rate_has_no_room_for_are_refused_in_words():
    chunk = ChannelChunk("emg", 0, 0, 10.0, ("a",), "uV", np.zeros((5, 1), np.float32))
    with pytest.raises(ValueError, match="at 10 samples per second"):
        SignalWatch([]).push_emg(chunk, S)


def test_only_what_spoils_a_take_has_it_repeated():
    steps = (Step("rest", "rest", 5.0, "Rest."), Step("task", "grip", 5.0, "Grip."))
    session = Session("P1", "grip", steps)
    rest, grip = session.new_take(1), session.new_take(2)
    weak = SignalCheck(VIEW, "weak", said="nobody is in sight")
    ill = [SignalCheck(EMG, "dead", name, f"{name} is dead") for name in NAMES]
    assert fault_of(steps[0], [weak], rest, session) == ""
    assert fault_of(steps[1], [weak], grip, session) == "nobody is in sight"
    assert fault_of(steps[1], [*ill[:1], SignalCheck(EMG, "good", "EDC")], grip, session) == ""
    assert "no EMG channel is well; FDS is dead" in fault_of(steps[1], ill, grip, session)
