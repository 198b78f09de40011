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

"""Whether assistance helps: a SIMULATED pianist in an exoskeleton, with and without its torque.

The same keys, times and forces are asked of the hand; muscles give what the exoskeleton leaves
(`kpm_ros/simulate/exoskeleton.py`). Effort comes as late and as far off as the pipeline's
(`bench/pipeline.py`, `bench/rooms.py`). Unless `--no-live`, the exo node and the relay run as
processes, driven and heard over ROS by the pipeline's topics, in real time. Gain and delay are
swept offline, by the node's own object in its steps; once more by effort that is felt at the
muscle, which is less for the help.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _report import machine, print_table, write_report

from kpm_ros.act.assistance import Assistance
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.safety import Now
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.exoskeleton import (
    STEP_S,
    WORN,
    Array,
    Assist,
    AssistedHand,
    Finger,
    displaced,
    stable_up_to,
)
from kpm_ros.simulate.person import Person

OUT = Path("out/bench")
PACKAGES = ("numpy", "numba", "mujoco", "myo-sim", "ros-rclpy")
MS = 1_000_000
TICK_NS = 2 * MS
BEGIN_NS = 1_700_000_000_000 * MS
GAINS = (0.5, 1.0, 2.0, 4.0)
DELAYS_S = (0.0, 0.06, 0.12)
PASSES = 3
"""Passes with errors of their own: in each, the pianist expects what the others have brought."""
QUIET = 0.1
"""Where effort is this, the estimate errs twice as much as where there is none."""
ERROR_S = 0.1
"""For how long the estimate errs to the same side."""


class Outcome(NamedTuple):
    """What became of effort and notes; shares and milliseconds."""

    reduction: float
    """Of the channels' mean effort, with the tone that muscles have at rest."""
    of_each: Array
    of_all: float
    """Of every muscle of the hand, whether an electrode sees it or not."""
    shift_ms: float
    """By which notes are earlier or later than meant, in the median."""
    force_change: float
    """Of a note's mean force, in the median."""


def estimated(hand: AssistedHand, effort: Array, rmse: float, seed: int) -> Array:
    """Estimate effort with this error, which grows with effort and is another each time."""
    draw = np.random.default_rng(seed)
    keep = np.exp(-1 / (hand.rate_hz * ERROR_S))
    noise = draw.normal(size=effort.shape)
    for k in range(1, len(noise)):
        noise[k] = keep * noise[k - 1] + np.sqrt(1 - keep**2) * noise[k]
    spread = QUIET + effort
    noise *= spread * rmse / np.sqrt(np.mean(spread**2))
    return np.asarray(np.maximum(effort + noise, 0.0))


def assisted(
    hand: AssistedHand, config: AssistanceConfig, effort: Sequence[Array], delay_s: float
) -> list[Array]:
    """Torque (n, joints) of each pass whose effort comes so late, by the assistance in steps.

    The first pass is played twice: in the first of these somebody arms.
    """
    assistance = Assistance(config)
    assistance.describe(hand.muscles, "simulated")
    passes = [effort[0], *effort]
    told = np.concatenate(passes)
    ticks = round(len(told) / hand.rate_hz / (TICK_NS / 1e9))
    stamps = np.arange(ticks) * (TICK_NS / 1e9)
    place = np.arange(len(told)) / hand.rate_hz
    rows = np.stack([np.interp(stamps, place, column) for column in told.T], axis=1)
    late = round(delay_s * 1e9 / TICK_NS)
    torque = np.zeros((ticks, len(config.joints)))
    for tick in range(late, ticks):
        now = Now(BEGIN_NS + tick * TICK_NS, tick * TICK_NS)
        described = BEGIN_NS + (tick - late) * TICK_NS
        assistance.push_effort([described], rows[tick - late : tick - late + 1], [0], now)
        if not assistance.armed and not assistance.missing(now):
            assistance.arm(now, "the bench")
        torque[tick] = assistance.command(now).torque_nm
    found = np.stack([np.interp(place, stamps, column) for column in torque.T], axis=1)
    return [found[k * hand.samples : (k + 1) * hand.samples] for k in range(1, len(passes))]


def judged(hand: AssistedHand, passes: Sequence[Array], assist: Assist) -> Outcome:
    """Compare passes with the torque that the pianist expects, and with playing alone."""
    expected = np.mean(passes, axis=0)
    worked = hand.worked(expected)
    alone = hand.alone
    shifts, changes = [], []
    for k, torque in enumerate(passes):
        others = np.mean([*passes[:k], *passes[k + 1 :]], axis=0)
        shift, change = notes_of(hand, torque - others, assist)
        shifts += shift
        changes += change
    return Outcome(
        1 - float(worked.effort.mean() / alone.effort.mean()),
        1 - worked.effort.mean(axis=0) / alone.effort.mean(axis=0),
        1 - float(worked.all_effort.mean() / alone.all_effort.mean()),
        float(np.median(shifts)),
        float(np.median(changes)),
    )


def notes_of(
    hand: AssistedHand, unexpected: Array, assist: Assist
) -> tuple[list[float], list[float]]:
    """By how much each note comes at another time, in ms, and with another force, as a share."""
    finger, strokes = Finger(), hand.pianist.plan.strokes
    fine = np.arange(0, hand.pianist.period_s, STEP_S)
    shifts, changes = [], []
    for f in range(len(WORN)):
        mine = np.flatnonzero(strokes.finger == f)
        if not len(mine):
            continue
        down = np.zeros(len(fine), np.bool_)
        for note in mine:
            down |= (fine >= strokes.onset_s[note]) & (fine < strokes.release_s[note])
        push = np.interp(fine, hand.times_s, unexpected[:, f])
        angle = displaced(finger, push, down, assist)
        force = np.interp(fine, hand.times_s, hand.force_n[:, f])
        for note in mine:
            half_way = (strokes.press_s[note] + strokes.onset_s[note]) / 2
            way = angle[np.searchsorted(fine, half_way) % len(fine)] * finger.length_m
            speed = 1.875 * KEY_DIP_M / (strokes.onset_s[note] - strokes.press_s[note])
            shifts.append(abs(way) / speed * 1000)
            held = (fine >= strokes.onset_s[note]) & (fine < strokes.release_s[note])
            if held.any():
                more = finger.key_bed_n_m * finger.length_m * angle[held].mean()
                changes.append(abs(more) / force[held].mean())
    return shifts, changes


KEY_DIP_M = 0.01


def scaled(config: AssistanceConfig, scale: float) -> AssistanceConfig:
    """Gains so many times as large."""
    gain = {
        joint: {muscle: value * scale for muscle, value in row.items()}
        for joint, row in config.gain.items()
    }
    return replace(config, gain=gain)


def felt_at_the_muscle(
    hand: AssistedHand, config: AssistanceConfig, delay_s: float, passes: int = 5
) -> Array:
    """Torque once the pianist has played a few passes by effort that is less for the help."""
    torque = np.zeros((hand.samples, len(WORN)))
    for _ in range(passes):
        effort = hand.worked(torque).effort
        # Half of the way: a person takes up what changed over more than one pass.
        torque = (torque + assisted(hand, config, [effort], delay_s)[0]) / 2
    return torque


def margin(config: AssistanceConfig, delay_s: float) -> float:
    """By how much the largest gain may grow before a push goes on for ever."""
    return stable_up_to(Finger(), Assist(most_of(config), delay_s, config.smoothing_s))


def most_of(config: AssistanceConfig) -> float:
    """Give the largest gain of any joint from all of its muscles."""
    return max(sum(map(abs, row.values())) for row in config.gain.values())


def main() -> None:
    """Run everything and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.06, help="of effort, in seconds")
    parser.add_argument("--error", type=float, default=0.06, help="RMSE of the estimate of effort")
    parser.add_argument("--person", type=int, default=1, help="seed of the pianist and the study")
    parser.add_argument("--quick", action="store_true", help="without the sweep")
    parser.add_argument("--no-live", dest="live", action="store_false", help="without ROS")
    parser.add_argument("--out", type=Path, default=OUT / "assist.json")
    arguments = parser.parse_args()
    here = machine()
    hand = AssistedHand(Person.from_seed(arguments.person), random_study(arguments.person, 15.0))
    config = AssistanceConfig()
    told = [estimated(hand, hand.alone.effort, arguments.error, seed) for seed in range(PASSES)]

    def outcome(scale: float, delay_s: float) -> Outcome:
        some = scaled(config, scale)
        assist = Assist(most_of(some), delay_s, some.smoothing_s)
        return judged(hand, assisted(hand, some, told, delay_s), assist)

    usual = outcome(1.0, arguments.delay)
    figures: dict[str, float] = {}
    if arguments.live:
        from _worn import drive_live

        torque, figures["live_commands"] = drive_live(hand, told, arguments.delay)
        usual = judged(hand, torque, Assist(most_of(config), arguments.delay, config.smoothing_s))
    rows = [
        [muscle, float(a), float(b), float(c)]
        for muscle, a, c, b in zip(
            hand.muscles,
            hand.alone.effort.mean(axis=0),
            usual.of_each,
            hand.alone.effort.mean(axis=0) * (1 - usual.of_each),
            strict=True,
        )
    ]
    where = "over ROS" if arguments.live else "offline"
    print_table(
        f"SIMULATED pianist, mean effort at the default gain, {where}",
        ["muscle", "alone", "assisted", "less by"],
        rows,
    )
    felt = hand.worked(felt_at_the_muscle(hand, config, arguments.delay)).effort
    figures |= {
        "effort_reduction": usual.reduction,
        "effort_reduction_all_muscles": usual.of_all,
        "effort_reduction_felt": 1 - float(felt.mean() / hand.alone.effort.mean()),
        "note_shift_ms": usual.shift_ms,
        "force_change_fraction": usual.force_change,
        "stable_gain_margin": margin(config, arguments.delay),
    }
    figures |= {
        f"effort_reduction_{muscle.lower()}": float(part)
        for muscle, part in zip(hand.muscles, usual.of_each, strict=True)
    }
    if not arguments.quick:
        figures |= sweep(config, outcome)
    print_table("SIMULATED", ["figure", "value"], [[name, each] for name, each in figures.items()])
    write_report(arguments.out, figures, here, PACKAGES)


def sweep(config: AssistanceConfig, outcome: object) -> dict[str, float]:
    """Try gains and delays; give each outcome, and how far gain may grow at each delay."""
    figures: dict[str, float] = {}
    rows = []
    for scale in GAINS:
        for delay_s in DELAYS_S:
            found = outcome(scale, delay_s)  # type: ignore[operator]
            still = margin(scaled(config, scale), delay_s)
            ms = round(delay_s * 1000)
            rows.append(
                [
                    f"{scale:g} x, {ms} ms",
                    found.reduction,
                    found.of_all,
                    found.shift_ms,
                    found.force_change,
                    "oscillates" if still < 1 else f"{still:.1f} x",
                ]
            )
            figures[f"reduction_at_{scale:g}_gain_{ms}_ms"] = found.reduction
    print_table(
        "SIMULATED, offline: gain and delay",
        ["gain, delay", "less effort", "all muscles", "notes, ms", "force", "stable up to"],
        rows,
    )
    for delay_s in DELAYS_S:
        figures[f"stable_gain_margin_{round(delay_s * 1000)}_ms"] = margin(config, delay_s)
    return figures


if __name__ == "__main__":
    main()
