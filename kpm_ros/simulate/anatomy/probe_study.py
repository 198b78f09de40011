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

"""Measures what docs/anatomy.md says of the anatomical hand: answers, corrections, passages, speed.

`python -m kpm_ros.simulate.anatomy.probe_study` prints its tables as they stand there; with
`--figure` it also draws the acceptance figure. All of it is simulated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.anatomy.corrections import AS_PACKAGED, Corrections
from kpm_ros.simulate.anatomy.periodic import SmoothMotion, resampled, smooth_motion
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.anatomy.probe_figure import draw
from kpm_ros.simulate.anatomy.probes import (
    SPREAD_JOINT,
    ActivationSummary,
    Array,
    Probe,
    summarise_activation,
)
from kpm_ros.simulate.anatomy.statics import CHANNELS, CUTOFF_HZ, TONE, Activations
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.hand import FINGER_NAMES
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist

HELD_N = 8.0
FORCES_N = (0.0, 2.0, 4.0, 8.0, 12.0, 16.0, 20.0)
SPREADS_DEG = (0.0, 5.0, 10.0, 15.0, 20.0)
MEASURED_STRENGTH_SHARE = 0.37
"""Of the index finger's outward force at rest, what is left when it is spread as far as it goes."""
_PEOPLE = (1, 2, 3)
_RATE_HZ = 250.0


class PlayedScore:
    """One person's passage: posture, force and what the muscles did."""

    def __init__(self, probe: Probe, score: Score, seed: int = 1) -> None:
        """Play it with this hand."""
        self.probe = probe
        player = Pianist(score, seed, probe.body.person, AnatomicalHand(probe.body))
        count = round(player.period_s * _RATE_HZ)
        times = np.arange(count) * (player.period_s / count)
        self.rate_hz = count / player.period_s
        self.posture: Array = player.posture(times)
        self.force: Array = player.force(times)
        muscles = probe.muscles
        self.found = muscles.all_activations(self.posture, self.force, self.rate_hz)
        motion = smooth_motion(self.posture, self.rate_hz, CUTOFF_HZ, count)
        least = TONE * muscles.rest(self.force)
        activation = muscles.steady(motion, self.force).activation
        self.at_tone: Array = (activation < 1.0001 * least).mean(axis=0)
        """Part of the time that each muscle does nothing but keep its tone."""

    @property
    def summary(self) -> ActivationSummary:
        """Sum it up."""
        return summarise_activation(self.found, self.force)


def _table(head: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    """Print a table as Markdown."""
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        cells = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        print("| " + " | ".join(cells) + " |")
    print()


def _own(probe: Probe, channel: str, found: Activations) -> list[float]:
    """Take one channel out of all muscles."""
    return [float(value) for value in probe.channels(found)[:, MUSCLES.index(channel)]]


def print_levers(probe: Probe) -> None:
    """Print the lever arms of the muscles behind the channels, in millimetres."""
    print("## Levers of the muscles behind the channels, hand on five keys, in mm\n")
    joints = {
        "ADM": ("mcp5_flexion_r", "mcp5_abduction_r"),
        "PB": ("cmc_flexion_r", "cmc_abduction_r"),
        "1DI": ("mcp2_flexion_r", "mcp2_abduction_r"),
        "2DI": ("mcp3_flexion_r", "mcp3_abduction_r"),
        "3DI": ("mcp3_flexion_r", "mcp3_abduction_r"),
        "4DI": ("mcp4_flexion_r", "mcp4_abduction_r"),
    }
    posture = probe.on_keys[None]
    pull = probe.muscles.mechanics.pulls(posture)[0] * 1000.0
    names, muscles = probe.body.joint_names, probe.body.muscle_names
    _table(
        ("channel", "muscle", "flexion", "abduction"),
        (
            (c, CHANNELS[c], *(float(pull[muscles.index(CHANNELS[c]), names.index(j)]) for j in js))
            for c, js in joints.items()
        ),
    )


def print_answers(probe: Probe) -> None:
    """Print what every channel answers to."""
    print(f"## Rise of activation when one finger holds a key with {HELD_N:g} N\n")
    matrix = probe.responses(HELD_N)
    _table(
        ("", *FINGER_NAMES), ((c, *(float(v) for v in matrix[k])) for k, c in enumerate(MUSCLES))
    )
    print("## Activation when a channel's own finger holds a key, by force in N\n")
    fingers = dict(zip(MUSCLES, (4, 0, 1, 2, 2, 3), strict=True))
    _table(
        ("", *(f"{n:g}" for n in FORCES_N)),
        ((c, *_own(probe, c, probe.press(fingers[c], np.array(FORCES_N)))) for c in MUSCLES),
    )
    print("## Activation when a channel's own finger is held spread, by degrees\n")
    angles = np.deg2rad(SPREADS_DEG)
    _table(
        ("", "joint", *(f"{n:g}" for n in SPREADS_DEG)),
        ((c, SPREAD_JOINT[c][0], *_own(probe, c, probe.spread(c, angles))) for c in MUSCLES),
    )
    strength = probe.outward_strength(np.deg2rad([0.0, 30.0]))
    print(
        f"Outward strength of the index finger, spread as far as it goes, relative to rest: "
        f"{strength[1] / strength[0]:.2f} (measured on people: {MEASURED_STRENGTH_SHARE})\n"
    )


def print_passages(people: Sequence[Person]) -> None:
    """Print how the muscles of several people summarise_activation in whole pieces."""
    print("## Passages\n")
    head = ("piece", "person", "residual", "mean", "95 %", "at tone", "at 0 or 1")
    scores = {"five-finger study": five_finger_study(), "random study": random_study(3, 40.0)}

    def rows() -> Iterator[Sequence[object]]:
        for number, person in enumerate(people):
            probe = Probe(person)
            own = [probe.body.muscle_names.index(name) for name in CHANNELS.values()]
            for name, score in scores.items():
                played = PlayedScore(probe, score, number)
                p = played.summary
                parts = (p.mean[own], p.high[own], played.at_tone[own])
                shown = (" ".join(f"{value:.2f}" for value in part) for part in parts)
                yield name, number, p.residual_share, *shown, float(p.pinned[own].max())

    _table(head, rows())


def print_effects() -> None:
    """Print what leaving out each correction does."""
    print("## Without one correction\n")
    variants = {"all made": Corrections()}
    variants |= {f.name: Corrections().without(f.name) for f in fields(Corrections)}
    variants["none made"] = AS_PACKAGED
    angles = np.deg2rad([0.0, 20.0])
    reference: Array | None = None

    def rows() -> Iterator[Sequence[object]]:
        nonlocal reference
        for name, corrections in variants.items():
            probe = Probe(Person(), corrections)
            played = PlayedScore(probe, five_finger_study())
            six = probe.channels(played.found)
            reference = six if reference is None else reference
            spread = [np.diff(_own(probe, c, probe.spread(c, angles)))[0] for c in ("1DI", "ADM")]
            alike = _alike(six, reference)
            torque = float(np.abs(played.found.torque).sum(axis=1).mean())
            share, mean = played.summary.residual_share, float(six.mean())
            yield name, share, torque, mean, alike, *(float(v) for v in spread)

    head = ("without", "residual", "torque", "mean", "correlation", "1DI at 20°", "ADM at 20°")
    _table(head, rows())


def _alike(one: Array, other: Array) -> float:
    """Mean correlation of the channels that move at all."""
    moving = np.flatnonzero(one.std(axis=0) > 0)
    return float(np.mean([np.corrcoef(one[:, k], other[:, k])[0, 1] for k in moving]))


def print_speed(played: PlayedScore) -> None:
    """Print what each step costs."""
    print("## CPU time, in microseconds a frame\n")
    muscles, body = played.probe.muscles, played.probe.body
    count = len(played.posture)
    motion = smooth_motion(played.posture, played.rate_hz, CUTOFF_HZ, count)
    part = SmoothMotion(*(track[:2000] for track in motion))
    force = played.force[:2000]
    steps = {
        "landmarks": lambda: body.landmarks(part.value),
        "smoothing, speed, acceleration": lambda: smooth_motion(
            part.value, played.rate_hz, CUTOFF_HZ, 2000
        ),
        "torques, levers and gains": lambda: muscles.mechanics.demand(part, force),
        "the same and optimisation": lambda: muscles.steady(part, force),
        "all of it": lambda: muscles.all_activations(part.value, force, played.rate_hz),
        "interpolation": lambda: resampled(part.value, 8000),
    }

    def rows() -> Iterator[Sequence[object]]:
        for name, step in steps.items():
            began = time.process_time()
            step()
            yield name, f"{(time.process_time() - began) / 2000 * 1e6:.1f}"

    _table(("step", "µs"), rows())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="where to draw the acceptance figure (PNG)")
    parser.add_argument("--quick", action="store_true", help="leave out passages and corrections")
    chosen = parser.parse_args()
    probe = Probe()
    print("All figures are of a SIMULATED hand.\n")
    print_levers(probe)
    print_answers(probe)
    if not chosen.quick:
        print_passages([Person(), *(Person.from_seed(seed) for seed in _PEOPLE)])
        print_effects()
        print_speed(PlayedScore(probe, five_finger_study()))
    if chosen.figure:
        played = PlayedScore(probe, five_finger_study())
        draw(chosen.figure, probe, played.found, played.force, played.rate_hz)


if __name__ == "__main__":
    main()
