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

"""Others publish on the pipeline's topics: nonsense, floods, and rivals of the real thing."""

from __future__ import annotations

import array
import time
from contextlib import suppress
from itertools import count, cycle
from random import Random

import numpy as np
import pytest
from kpm_ros.msg import (
    AlignedSamples,
    EffortInfo,
    KeyEvent,
    KeyMotion,
    Landmarks,
    MuscleEffort,
)

from kpm_ros.core.grid import Grid
from kpm_ros.estimate.effort_info import described, new_stream
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.wire import decode
from support.intruder import Intruder, Rival
from support.waiting import wait_for
from support.witness import recovery_ms, time_to_zero_ms

S = 1_000_000_000
HOUR = 3600 * S
NAN, HUGE = float("nan"), 1e30
GRID = Grid(1024)


def floats(*values, times=1):
    return array.array("f", list(values) * times)


def landmarks(points, index=0, view="top"):
    return Landmarks(
        view=view, index=index, points=points, skeleton="mediapipe-hand", confidence=1.0
    )


def motion(**changes):
    return KeyMotion(**{"rate_hz": 1000.0, "first_note": 21, "keys": 88, **changes})


def aligned(samples, **changes):
    """Samples of the right size that say they are of an hour from now."""
    grid_index = GRID.first_at(time.time_ns() + HOUR)
    message = AlignedSamples(
        **{
            "grid_index": grid_index,
            "rate_hz": 1024.0,
            "count": samples,
            "streams": ["top", "right", "keys"],
            "columns": [42, 42, 88],
            "values": floats(0.5, times=172 * samples),
            "missing": array.array("I", [0] * samples),
            "flags": array.array("B", bytes(samples)),
            **changes,
        }
    )
    message.header.stamp = outgoing.time_message(GRID.stamp_ns(grid_index))
    return message


def nonsense():
    """What none of the topics can mean, as (topic, message, how far its stamp is ahead)."""
    hand, events, depth = "camera/top/landmarks", "keys/events", "keys/motion"
    return [
        (hand, landmarks(floats(0.5, times=7)), 0),
        (hand, landmarks(floats(0.5, times=60)), 0),
        (hand, landmarks(floats(0.5, times=60_000)), 0),
        (hand, landmarks(floats(NAN, times=63)), 0),
        (hand, landmarks(floats(HUGE, times=63)), 0),
        (hand, landmarks(floats(0.5, times=63), view="nowhere"), 0),
        (hand, landmarks(floats(0.5, times=63), index=2**64 - 1), HOUR),
        (hand, Landmarks(view="top", skeleton="s" * 10_000, points=floats(0.5, times=63)), 0),
        (events, KeyEvent(kind=99, note=60), 0),
        (events, KeyEvent(kind=1, note=255, velocity=127), HOUR),
        (depth, motion(depth=floats(0.0, times=87)), 0),
        (depth, motion(depth=floats(0.0, times=88), keys=0), 0),
        (depth, motion(depth=floats(NAN, times=88)), 0),
        (depth, motion(depth=floats(HUGE, times=88)), 0),
        (depth, motion(depth=floats(0.0, times=88), rate_hz=NAN), 0),
        (depth, motion(depth=floats(0.0, times=88), rate_hz=-1.0), 0),
        (depth, motion(depth=floats(0.0, times=88), rate_hz=HUGE), 0),
        (depth, motion(depth=floats(0.0, times=88), rate_hz=1e-30), 0),
        (depth, motion(depth=floats(0.0, times=88), first_note=255), 0),
        (depth, motion(depth=floats(0.0, times=88), first_index=2**64 - 1), HOUR),
        ("aligned", aligned(10), None),
        ("aligned", aligned(0), None),
        ("aligned", aligned(10, count=4_000_000_000), None),
        ("aligned", aligned(10, columns=[42, 42, 4_000_000_000]), None),
        ("aligned", aligned(10, values=floats(NAN, times=1720)), None),
        ("aligned", aligned(10, rate_hz=NAN), None),
        ("aligned", aligned(10, grid_index=2**63 - 1), None),
        ("aligned", aligned(1100, first_index=2**64 - 1), None),
    ]


def test_a_flood_of_nonsense_is_refused_and_changes_nothing(stage, record_property):
    witness = stage.witness
    with Intruder(stage) as intruder:
        sent, messages = 0, cycle(nonsense())
        while sent < 2000:
            for _ in range(20):
                intruder.send(*next(messages))
                sent += 1
            time.sleep(0.01)  # the flood's rate is the fault
        ended_ns = time.time_ns()
        for node in ("synchronizer", "inference"):
            witness.wait_for_report(node, "several publishers")
            witness.wait_for_figure(node, "refused_messages")
    recovery_ms(record_property, witness, ended_ns)
    stage.assert_valid()
    stage.assert_no_gap()


def test_two_cameras_under_one_name_are_said_and_do_no_harm(stage, record_property):
    """The second one sees the same hand a little to the right."""
    witness = stage.witness
    with Intruder(stage) as intruder:

        def twice(sample):
            if isinstance(sample, LandmarkFrame) and sample.points is not None:
                points = sample.points + np.float32(0.1)
                message = landmarks(floats(*points.ravel().tolist()), sample.index, sample.view)
                intruder.send(f"camera/{sample.view}/landmarks", message, ahead_ns=-20_000_000)
            return sample

        with stage.altered(twice):
            witness.wait_for_report("synchronizer", "/landmarks has several publishers")
    recovery_ms(record_property, witness, time.time_ns())
    stage.assert_valid()
    stage.assert_no_gap()


def digest_of_nobody(stage, intruder):
    return 12345


def digest_of_the_estimator(stage, intruder):
    return stage.witness.reader.info.digest


def digest_of_another_order(stage, intruder):
    """Say that the muscles are the other way round."""
    card = published_card(muscles=MUSCLES[::-1])
    info = EffortInfo(**described(card, "", new_stream()))
    intruder.send("effort/info", info)
    return info.digest


@pytest.mark.parametrize(
    "digest", [digest_of_nobody, digest_of_the_estimator, digest_of_another_order]
)
def test_a_rival_of_the_estimator_stops_assistance(stage, record_property, digest):
    """Its effort is large and says that it is valid; torque does not follow it."""
    witness = stage.witness
    with Intruder(stage) as intruder, witness.not_trusting():
        index, info_digest = count(), digest(stage, intruder)

        def send():
            message = MuscleEffort(
                index=next(index), info_digest=info_digest, effort=floats(9.0, times=6)
            )
            intruder.send("effort", message, ahead_ns=-5_000_000)

        intruder.stand_ready("effort", MuscleEffort)
        began_ns = time.time_ns()
        with Rival(send):
            moved_ns = time_to_zero_ms(record_property, witness, began_ns)
            witness.wait_for_news("exo")
            assert witness.values("exo")["reason"] == "a second publisher sends effort"
            assert witness.moved_ns == moved_ns
    recovery_ms(record_property, witness, time.time_ns())
    stage.wait_for_torque()


def test_a_second_publisher_of_infos_is_said_and_moves_nothing(stage, record_property):
    """It sends no effort: the estimator's own is still what it was."""
    witness = stage.witness

    def acting():
        return witness.values("exo")["state"] in ("active", "ramping")

    with Intruder(stage) as intruder:
        digest_of_another_order(stage, intruder)
        witness.wait_for_report("exo", "effort/info has several publishers")
        wait_for(acting, "assistance to go on")
        # What nobody can use is refused in words.
        intruder.send("effort/info", EffortInfo(muscles=[str(n) for n in range(60_000)]))
        intruder.send("effort/info", EffortInfo(muscles=["ADM", "ADM"]))
        witness.wait_for_figure("exo", "refused_messages")
        wait_for(acting, "assistance to go on")
    recovery_ms(record_property, witness, time.time_ns())
    stage.assert_valid()
    stage.assert_no_gap()


def malformed(random):
    """Bytes that are no message, or one that nobody means."""
    return random.choice(
        (
            b"",
            b"\0\1\0\1",
            b"\0\1\0\0" + b"\xff" * 100,
            b"\0\1\0\0" + random.randbytes(random.randrange(300)),
        )
    )


SENSES = {
    "camera/top/landmarks": Landmarks,
    "keys/events": KeyEvent,
    "keys/motion": KeyMotion,
    "aligned": AlignedSamples,
    "effort/info": EffortInfo,
}


def test_bytes_that_are_no_messages_change_nothing(stage, record_property):
    witness, random = stage.witness, Random(1)
    with Intruder(stage) as intruder:
        for _ in range(60):
            for topic, kind in SENSES.items():
                with suppress(Exception):  # some, the middleware does not even send
                    intruder.send_bytes(topic, kind, malformed(random))
            time.sleep(0.005)  # the flood's rate is the fault
        ended_ns = time.time_ns()
        for node in ("synchronizer", "inference", "exo"):
            witness.wait_for_figure(node, "refused_messages")
    recovery_ms(record_property, witness, ended_ns)
    stage.assert_valid()
    stage.assert_no_gap()


def test_bytes_that_are_no_effort_stop_assistance_and_nothing_else(stage, record_property):
    witness, random = stage.witness, Random(2)
    with Intruder(stage) as intruder:

        def send():
            with suppress(Exception):
                intruder.send_bytes("effort", MuscleEffort, malformed(random))

        intruder.stand_ready("effort", MuscleEffort)
        began_ns = time.time_ns()
        with Rival(send):
            moved_ns = time_to_zero_ms(record_property, witness, began_ns)
            witness.wait_for_figure("exo", "refused unreadable")
            assert witness.moved_ns == moved_ns
    recovery_ms(record_property, witness, time.time_ns())
    stage.wait_for_torque()
    stage.assert_valid()
    stage.assert_no_gap()


class Echo:
    """Plays the aligned samples of half a second to a second ago into the live graph."""

    def __init__(self, stage, intruder):
        self._intruder = intruder
        self._recent = []
        self._real = PolledSubscription(
            stage.node, AlignedSamples, f"/{stage.namespace}/aligned", qos.of("aligned")
        )

    def sound(self):
        """Send what is due; give how many were sent."""
        taken = [
            (decode.time_ns(message.header.stamp), message) for message, _ in self._real.take()
        ]
        now_ns, sent = time.time_ns(), 0
        self._recent.extend(entry for entry in taken if entry[0] > now_ns - S // 2)
        while self._recent and self._recent[0][0] < now_ns - S:
            self._intruder.send("aligned", self._recent.pop(0)[1], ahead_ns=None)
            sent += 1
        return sent

    def close(self):
        self._real.close()


def test_an_echo_of_the_aligned_samples_leaves_no_effort_to_act_on(stage, record_property):
    """A bag of a moment ago is played into the live graph.

    Each echo breaks the stream off, so the network never gets warm: effort is invalid where the
    echoes leave gaps, and silent where they do not. Torque is zero, and stays so.
    """
    witness = stage.witness
    with Intruder(stage) as intruder, witness.not_trusting():
        echo = Echo(stage, intruder)
        quiet, place = 0, witness.taken

        def unfit():
            """Whether a hundred echoes in a row have gone by without anything to act on."""
            nonlocal quiet, place
            sounded, seen = echo.sound(), witness.since(place)
            place += len(seen)
            fit = seen.valid.any() or any(witness.torque) or witness.reader.status().ready
            quiet = 0 if fit else quiet + sounded
            return quiet >= 100

        wait_for(unfit, "no effort to act on, and no torque")

        def said():
            echo.sound()
            return "several publishers" in witness.message("inference")

        wait_for(said, "the echo to be reported")
        echo.close()
    recovery_ms(record_property, witness, time.time_ns())
    stage.wait_for_torque()
