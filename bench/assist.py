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

"""Whether assistance helps: SIMULATED people in exoskeletons, with and without their torque.

A pianist whose fingers are helped to spread: the same keys, times and forces are asked of the hand
(`kpm_ros/simulate/exoskeleton.py`). An elbow that lifts a weight in the soft exoskeleton that
`myo-sim` brings: the same lifts (`kpm_ros/simulate/elbow.py`). Muscles give what the exoskeleton
leaves. Effort comes as late and as far off as the pipeline's of a hand (`bench/pipeline.py`,
`bench/rooms.py`) or a body (`bench/body.py`). Unless `--no-live`, the exo node and the relay run as
processes, driven and heard over ROS by the pipeline's topics, in real time. Gain and delay are
swept offline, by the node's own object in its steps; once more by effort that is felt at the
muscle, which is less for the help. In the end every fault of `bench/faults.py` happens once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from _report import bench_options, machine, print_table, write_report
from _rigs import Rig, elbow_rig, finger_rig, scaled

from kpm_ros.act.assistance import Assistance
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.safety import Now
from kpm_ros.simulate.exoskeleton import Array, Assisted
from kpm_ros.simulate.worn_joint import Assist, stable_up_to

PACKAGES = ("numpy", "numba", "mujoco", "myo-sim", "ros-rclpy")
MS = 1_000_000
TICK_NS = 2 * MS
BEGIN_NS = 1_700_000_000_000 * MS
GAINS = (0.5, 1.0, 2.0, 4.0)
PASSES = 3
"""Passes with errors of their own: in each, what the others have brought is expected."""
QUIET = 0.1
"""Where effort is this, the estimate errs twice as much as where there is none."""
ERROR_S = 0.1
"""For how long the estimate errs to the same side."""
MOST_SHOWN = 10
"""Muscles that are shown each, whether an electrode sees it or not."""


class Outcome(NamedTuple):
    """What became of effort and movements; shares and milliseconds."""

    reduction: float
    """Of the channels' mean effort, with the tone that muscles have at rest."""
    of_each: Array
    of_all: float
    """Of every muscle, whether an electrode sees it or not."""
    of_all_each: Array
    shift_ms: float
    """By which notes or lifts are earlier or later than meant, in the median."""
    change: float
    """Of a note's mean force, or a lift's height, in the median."""


def estimated(who: Assisted, effort: Array, rmse: float, seed: int) -> Array:
    """Estimate effort with this error, which grows with effort and is another each time."""
    draw = np.random.default_rng(seed)
    keep = np.exp(-1 / (who.rate_hz * ERROR_S))
    noise = draw.normal(size=effort.shape)
    for k in range(1, len(noise)):
        noise[k] = keep * noise[k - 1] + np.sqrt(1 - keep**2) * noise[k]
    spread = QUIET + effort
    noise *= spread * rmse / np.sqrt(np.mean(spread**2))
    return np.asarray(np.maximum(effort + noise, 0.0))


def assisted(
    who: Assisted, config: AssistanceConfig, effort: Sequence[Array], delay_s: float
) -> list[Array]:
    """Torque (n, joints) of each pass whose effort comes so late, by the assistance in steps.

    The first pass is played twice: in the first of these somebody arms.
    """
    assistance = Assistance(config)
    assistance.describe(who.muscles, "simulated")
    passes = [effort[0], *effort]
    told = np.concatenate(passes)
    ticks = round(len(told) / who.rate_hz / (TICK_NS / 1e9))
    stamps = np.arange(ticks) * (TICK_NS / 1e9)
    place = np.arange(len(told)) / who.rate_hz
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
    return [found[k * who.samples : (k + 1) * who.samples] for k in range(1, len(passes))]


def judged(who: Assisted, passes: Sequence[Array], assist: Assist) -> Outcome:
    """Compare passes with the torque that is expected, and with doing it alone."""
    worked, alone = who.worked(np.mean(passes, axis=0)), who.alone
    missed = []
    for k, torque in enumerate(passes):
        others = np.mean([*passes[:k], *passes[k + 1 :]], axis=0)
        missed += who.missed(torque - others, assist)
    return Outcome(
        1 - float(worked.effort.mean() / alone.effort.mean()),
        1 - worked.effort.mean(axis=0) / alone.effort.mean(axis=0),
        1 - float(worked.all_effort.mean() / alone.all_effort.mean()),
        1 - worked.all_effort.mean(axis=0) / alone.all_effort.mean(axis=0),
        float(np.median([each.shift_ms for each in missed])),
        float(np.nanmedian([each.change for each in missed])),
    )


def felt_at_the_muscle(
    who: Assisted, config: AssistanceConfig, delay_s: float, passes: int = 5
) -> Array:
    """Torque once somebody has done a few passes by effort that is less for the help."""
    torque = np.zeros((who.samples, len(config.joints)))
    for _ in range(passes):
        effort = who.worked(torque).effort
        # Half of the way: a person takes up what changed over more than one pass.
        torque = (torque + assisted(who, config, [effort], delay_s)[0]) / 2
    return torque


def main() -> None:
    """Run everything and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--delay", type=float, default=0.06, help="of a hand's effort, in seconds")
    parser.add_argument("--error", type=float, default=0.06, help="RMSE of its estimate")
    parser.add_argument("--body-delay", type=float, default=0.19, help="of a body's effort")
    parser.add_argument("--body-error", type=float, default=0.025, help="RMSE of its estimate")
    parser.add_argument("--person", type=int, default=1, help="seed of people and what they do")
    parser.add_argument("--only", choices=["fingers", "elbow"], help="only one exoskeleton")
    parser.add_argument("--quick", action="store_true", help="without the sweep")
    parser.add_argument("--no-live", dest="live", action="store_false", help="without ROS")
    parser.add_argument(
        "--no-faults", dest="faults", action="store_false", help="without the faults of `faults`"
    )
    arguments = parser.parse_args()
    here = machine()
    figures: dict[str, float] = {}
    if arguments.only != "elbow":
        rig = finger_rig(arguments.person, arguments.delay, arguments.error)
        figures |= measured(rig, live=arguments.live, quick=arguments.quick)
    if arguments.only != "fingers":
        rig = elbow_rig(arguments.person, arguments.body_delay, arguments.body_error)
        figures |= measured(rig, live=arguments.live, quick=arguments.quick)
    if arguments.faults and arguments.live and not arguments.only:
        import faults

        # Three minutes: each happens once here, and three times in the bench of its own.
        figures["fault_to_zero_ms_max"] = faults.slowest_to_zero(faults.measure(1, []))
    print_table("SIMULATED", ["figure", "value"], [[name, each] for name, each in figures.items()])
    write_report(arguments.out, figures, here, PACKAGES)


def measured(rig: Rig, *, live: bool, quick: bool) -> dict[str, float]:
    """Measure one exoskeleton; give its figures by their names."""
    who, config = rig.worn, rig.config
    told = [estimated(who, who.alone.effort, rig.error, seed) for seed in range(PASSES)]

    def outcome(scale: float, delay_s: float) -> Outcome:
        some = scaled(config, scale)
        return judged(who, assisted(who, some, told, delay_s), rig.assist(some, delay_s))

    figures: dict[str, float] = {}
    if live:
        from _worn import drive_live

        torque, figures["live_commands"] = drive_live(rig, told)
        usual = judged(who, torque, rig.assist(config, rig.delay_s))
    else:
        usual = outcome(1.0, rig.delay_s)
    where = "over ROS" if live else "offline"
    rows = rows_of(rig, usual)
    print_table(
        f"SIMULATED {rig.who}, mean effort at the default gain, {where}",
        ["muscle", "alone", "assisted", "less by"],
        rows,
    )
    felt = who.worked(felt_at_the_muscle(who, config, rig.delay_s)).effort
    shift, change = rig.measures
    figures |= {
        "effort_reduction": usual.reduction,
        "effort_reduction_all_muscles": usual.of_all,
        "effort_reduction_felt": 1 - float(felt.mean() / who.alone.effort.mean()),
        shift: usual.shift_ms,
        change: usual.change,
        "stable_gain_margin": margin(rig, config, rig.delay_s),
    }
    figures |= {f"effort_reduction_{name.lower()}": less for name, _, _, less in rows}
    if not quick:
        figures |= sweep(rig, outcome)
    return {f"{rig.prefix}{name}": value for name, value in figures.items()}


def rows_of(rig: Rig, usual: Outcome) -> list[tuple[str, float, float, float]]:
    """Rows of a table: muscles that are seen, and all of them where they are few."""
    who = rig.worn
    effort, all_effort = (each.mean(axis=0) for each in who.alone)
    rows = list(zip(who.muscles, effort, usual.of_each, strict=True))
    if len(who.all_muscles) <= MOST_SHOWN:
        rows += zip(who.all_muscles, all_effort, usual.of_all_each, strict=True)
    return [
        (name, float(alone), float(alone * (1 - less)), float(less)) for name, alone, less in rows
    ]


def margin(rig: Rig, config: AssistanceConfig, delay_s: float) -> float:
    """By how much the largest gain may grow before a push goes on for ever."""
    return stable_up_to(rig.worn.joint, rig.assist(config, delay_s))


def sweep(rig: Rig, outcome: Callable[[float, float], Outcome]) -> dict[str, float]:
    """Try gains and delays; give each outcome, and how far gain may grow at each delay."""
    figures: dict[str, float] = {}
    rows: list[list[object]] = []
    for scale in GAINS:
        for delay_s in rig.delays_s:
            found = outcome(scale, delay_s)
            still = margin(rig, scaled(rig.config, scale), delay_s)
            ms = round(delay_s * 1000)
            rows.append(
                [
                    f"{scale:g} x, {ms} ms",
                    found.reduction,
                    found.of_all,
                    found.shift_ms,
                    found.change,
                    "oscillates" if still < 1 else f"{still:.1f} x",
                ]
            )
            figures[f"reduction_at_{scale:g}_gain_{ms}_ms"] = found.reduction
    print_table(
        f"SIMULATED {rig.who}, offline: gain and delay",
        ["gain, delay", "less effort", "all muscles", "off by, ms", "by share", "stable up to"],
        rows,
    )
    for delay_s in rig.delays_s:
        ms = round(delay_s * 1000)
        figures[f"stable_gain_margin_{ms}_ms"] = margin(rig, rig.config, delay_s)
    return figures


if __name__ == "__main__":
    main()
