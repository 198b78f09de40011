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

"""Gestures of three people's armbands: what is told apart, how soon, and how often wrongly.

Data: ../shared/data/gestures, or another folder of such files. Windows of 200 ms every 50 ms, as
its protocol has it, with Hudgins' features and linear discriminant analysis beside ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from _report import ROOT, bench_options, machine, print_table, write_report
from scipy.stats import chi2

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.learn.gestures.armband_files import read_armband
from kpm_ros.learn.gestures.armband_turn import turn_between, turned
from kpm_ros.learn.gestures.executions import ExecutionSet
from kpm_ros.learn.gestures.gesture_protocols import PROTOCOLS
from kpm_ros.learn.gestures.gesture_report import (
    SURE,
    hear_protocol,
    summed,
    told_of,
    when_found,
)
from kpm_ros.learn.gestures.gesture_scores import GestureScores, Outcome, hear, outcomes
from kpm_ros.learn.gestures.training import TrainingSettings, train, train_baseline

DATA = ROOT.parent / "shared/data/gestures"
TESTED = ("same_day", "later_days", "recalibrated", "unseen_person")
MOTIONS = (8, 22)
FOUND = 0.9
STEP_S = 0.05
"""Of the protocol's windows; live, there are more."""

Trainer = Callable[[ExecutionSet], GestureModel]
TRAINERS: dict[str, Trainer] = {
    "": partial(train, settings=TrainingSettings(step_s=STEP_S)),
    "lda_baseline_": train_baseline,
}


def accuracy(recorded: ExecutionSet, motions: int) -> Iterator[tuple[str, float]]:
    """By window and by vote over a trial, in per cent."""
    for protocol in TESTED:
        for name, trainer in TRAINERS.items():
            found = summed(told_of(hear_protocol(trainer, recorded, protocol)))
            yield f"{name}window_{motions}_{protocol}", 100 * found.window_accuracy
            yield f"{name}trial_{motions}_{protocol}", 100 * found.execution_accuracy


def decisions(recorded: ExecutionSet) -> Iterator[tuple[str, float]]:
    """What begins, as live: windows every 20 ms, a recorded rest before each execution.

    At the shipped settings, and where nine of ten executions are found; the same of every
    repetition in turn, which is four times as much to judge by.
    """
    for protocol, word in (("same_day", ""), ("each_repetition", "_each_repetition")):
        tested = hear_protocol(train, recorded, protocol)
        usual = summed(told_of(tested))
        sure, at_nine = when_found(tested, FOUND)
        yield f"false_activations_per_hour{word}", at_nine.false_activations_per_hour
        yield f"found_fraction{word}", at_nine.found
        yield f"sure{word}", sure
        yield f"usual_false_activations_per_hour{word}", usual.false_activations_per_hour
        for name, scored in (("", at_nine), ("usual_", usual)):
            low, high = interval(scored)
            yield f"{name}false_activations_per_hour_low{word}", low
            yield f"{name}false_activations_per_hour_high{word}", high
        yield f"usual_found_fraction{word}", usual.found
        yield f"tested_hours{word}", usual.seconds / 3600
        yield f"decision_ms_p50{word}", usual.decision_ms
        yield f"at_found_decision_ms_p50{word}", at_nine.decision_ms
        yield f"active_error_fraction{word}", usual.active_error
        yield f"instability_fraction{word}", usual.instability
        yield f"rejected_fraction{word}", usual.rejected
        for sure in SURE:
            some = summed(told_of(tested, sure))
            yield f"found_fraction{word}_sure_{sure}", some.found
            yield f"false_activations_per_hour{word}_sure_{sure}", some.false_activations_per_hour
            yield f"decision_ms_p50{word}_sure_{sure}", some.decision_ms


def interval(scores: GestureScores) -> tuple[float, float]:
    """Between which rates an hour the false activations lie, with 95 %, as rare events do."""
    hours = scores.seconds / 3600
    count = round(scores.false_activations_per_hour * hours)
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return float(low / hours), float(chi2.ppf(0.975, 2 * count + 2) / 2 / hours)


def turned_armband(recorded: ExecutionSet) -> Iterator[tuple[str, float]]:
    """One repetition of a later day, on which the armband sits an electrode further.

    The real channels are moved on by one: as they are, and with the turn that is found.
    """
    told: dict[str, list[list[Outcome]]] = {"unnoticed": [], "found": []}
    right = []
    for split in PROTOCOLS["recalibrated"](recorded):
        day = split.tested.executions[0].day
        first = split.trained.where(lambda each, day=day: each.day != day)
        today = turned(split.trained.where(lambda each, day=day: each.day == day), 1)
        turn = turn_between(first, today)
        right.append(turn == 1)
        for name, by in (("unnoticed", 0), ("found", turn)):
            model = TRAINERS[""](turned(first, by).and_(today))
            told[name].append(outcomes(model, hear(model, turned(split.tested, 1))))
    yield "turns_found_fraction", sum(right) / len(right)
    for name, some in told.items():
        yield f"window_8_turned_{name}", 100 * summed(some).window_accuracy
        yield f"trial_8_turned_{name}", 100 * summed(some).execution_accuracy


def main() -> None:
    """Train and test in every protocol."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR")
    options = parser.parse_args()
    described = machine()
    figures: dict[str, float] = {}
    for motions in MOTIONS:
        figures |= dict(accuracy(read_armband(options.data, motions), motions))
    few = read_armband(options.data, MOTIONS[0])
    figures |= dict(turned_armband(few))
    figures |= dict(decisions(few))
    rows = [
        (
            f"{protocol} {motions}",
            *(
                figures[f"{name}{unit}_{motions}_{protocol}"]
                for unit in ("window", "trial")
                for name in TRAINERS
            ),
        )
        for motions in MOTIONS
        for protocol in TESTED
    ]
    head = ("per cent", "window", "Hudgins + LDA", "trial", "Hudgins + LDA")
    print_table("accuracy", head, rows)
    for word in ("", "_each_repetition"):
        named = ("found_fraction", "false_activations_per_hour", "decision_ms_p50")
        curve = [(sure, *(figures[f"{name}{word}_sure_{sure}"] for name in named)) for sure in SURE]
        seconds = round(3600 * figures[f"tested_hours{word}"])
        print_table(f"begins when so sure, {seconds} s tested", ("sure", *named), curve)
    for name, value in figures.items():
        if "_sure_" not in name and not name.startswith(("window", "trial", "lda")):
            print(f"  {name}: {value:.4g}")
    write_report(options.out, figures, described, ("numpy", "scikit-learn"))


if __name__ == "__main__":
    main()
