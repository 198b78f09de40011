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

"""Writes the measured figures on the pages from docs/bench/*.json; `python tools/figures.py`.

Those files are what `make bench` writes. `python tools/figures.py --from out/bench` takes new ones
first. Each table has its place on a page, between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs" / "bench"
USED = ("pipeline", "estimate", "faults", "body", "rooms", "people", "gestures", "assist")

Report = Mapping[str, Mapping[str, object]]
Figures = Mapping[str, float]

# What README shows: words, benchmark, figure, how it is written.
ROWS = (
    ("effort samples a second, simulated devices", "pipeline", "effort_rate_hz", "{:.0f}"),
    ("of them lost", "pipeline", "effort_lost", "{:.0f}"),
    ("exposure to effort, p50", "pipeline", "exposure_to_effort_p50_ms", "{:.0f} ms"),
    ("exposure to effort, p99", "pipeline", "exposure_to_effort_p99_ms", "{:.0f} ms"),
    (
        "the same with a model of pictures, which waits for both cameras' frames, p50",
        "pipeline",
        "pictures_exposure_to_effort_p50_ms",
        "{:.0f} ms",
    ),
    (
        "... that looks 0 ahead, p50",
        "pipeline",
        "causal_exposure_to_effort_p50_ms",
        "{:.0f} ms",
    ),
    ("compute and transport alone, p99", "pipeline", "compute_p99_ms", "{:.0f} ms"),
    ("synchronizer and inference together", "pipeline", "estimator_cores", "{:.2f} cores"),
    ("our reader, of an executor callback's cost", "pipeline", "consumer_cost_ratio", "{:.2f}"),
    ("our publisher, of a 2 kHz timer's cost", "pipeline", "publisher_cost_ratio", "{:.2f}"),
    (
        "streaming PianoKPM Net in 10 ms hops, of the published manner's cost",
        "estimate",
        "cost_ratio_hop10",
        "{:.2f}",
    ),
    ("one 10 ms hop of it, p99", "estimate", "hop10_p99_ms", "{:.1f} ms"),
    ("streaming TouchNet, of PianoKPM Net's cost", "estimate", "touch_cost_ratio", "{:.2f}"),
    ("largest difference from one pass", "estimate", "max_abs_error", "{:.0e}"),
    (
        "simulated pianists unseen, cameras where most were: RMSE",
        "rooms",
        "rmse_published_room",
        "{:.3f}",
    ),
    ("... cameras anywhere around the piano", "rooms", "rmse_other_rooms", "{:.3f}"),
    ("... one camera", "rooms", "rmse_one_camera", "{:.3f}"),
    ("... always saying a person's own mean", "rooms", "rmse_own_mean", "{:.3f}"),
    (
        "keys' borders in a real video, off at the 95th percentile",
        "rooms",
        "keyboard_error_mm_p95_real",
        "{:.1f} mm",
    ),
    (
        "nine real people, glove to ten EMG envelopes: RMSE on a person whom it never met",
        "people",
        "rmse_unseen",
        "{:.3f}",
    ),
    ("... with 100 s of the person", "people", "rmse_100s", "{:.3f}"),
    ("... ridge regression with the same 100 s", "people", "rmse_ridge_100s", "{:.3f}"),
    ("... with 300 s of the person", "people", "rmse_300s", "{:.3f}"),
    (
        "... of the truth of people unseen, within intervals of 90 %",
        "people",
        "interval_coverage_unseen",
        "{:.2f}",
    ),
    (
        "a body, simulated people and exercises unseen: RMSE on people",
        "body",
        "rmse_person_ours",
        "{:.3f}",
    ),
    ("... of the Transformer of Muscles in Action", "body", "rmse_person_transformer", "{:.3f}"),
    ("... on exercises", "body", "rmse_exercise_ours", "{:.3f}"),
    ("... of the Transformer", "body", "rmse_exercise_transformer", "{:.3f}"),
    (
        "a body: exposure to effort, of it 150 ms look-ahead, p50",
        "body",
        "exposure_to_effort_p50_ms",
        "{:.0f} ms",
    ),
    ("... synchronizer and inference together", "body", "estimator_cores", "{:.2f} cores"),
    (
        "... camera and tracker, at 30 pictures a second",
        "body",
        "camera_tracker_cores",
        "{:.2f} cores",
    ),
    (
        "the simulated body in a real walk: error of leg joints' moments, of their range",
        "body",
        "walk_moment_error_fraction",
        "{:.3f}",
    ),
    ("... correlation with the walk's EMG, ten muscles", "body", "walk_emg_correlation", "{:.2f}"),
    ("simulating a body, times real time on one core", "body", "realtime_factor", "{:.1f}"),
    (
        "a SIMULATED pianist in an exoskeleton, default gains: effort of six muscles less by",
        "assist",
        "effort_reduction",
        "{:.2f}",
    ),
    ("... of all forty", "assist", "effort_reduction_all_muscles", "{:.2f}"),
    ("... notes off by, median", "assist", "note_shift_ms", "{:.1f} ms"),
    ("... force on keys off by, median", "assist", "force_change_fraction", "{:.3f}"),
    ("... gains may grow until a finger swings for ever", "assist", "stable_gain_margin", "{:.1f}"),
    (
        "gestures of people never met (real, 8 motions), by window, LDA 73 %",
        "gestures",
        "window_8_unseen_person",
        "{:.0f} %",
    ),
    ("... of the same day", "gestures", "window_8_same_day", "{:.0f} %"),
)

# What docs/estimator.md shows: words, and how they are made of the figures.
COST_ROWS = (
    ("published manner", "{published_cpu_s_per_s:.3f}"),
    ("stream, 10 ms hops", "{streaming_cpu_s_per_s:.3f}"),
    (
        "**ratio**",
        "**{cost_ratio_hop10:.2f}** ({cost_ratio_hop10_min:.2f} to {cost_ratio_hop10_max:.2f})",
    ),
    (
        "decoder alone, speed-up over the loop",
        "{decoder_speedup:.1f} ({decoder_speedup_min:.1f} to {decoder_speedup_max:.1f})",
    ),
    (
        "hop of 1, 5, 10, 20, 50 ms, median",
        "{hop1_p50_ms:.2f}, {hop5_p50_ms:.2f}, {hop10_p50_ms:.2f}, {hop20_p50_ms:.2f}, "
        "{hop50_p50_ms:.2f} ms",
    ),
    (
        "hop of 10 ms, other work between hops has emptied the caches",
        "{hop10_cold_p50_ms:.2f} ms",
    ),
    (
        "TouchNet's stream, of PianoKPM Net's",
        "{touch_cost_ratio:.3f} ({touch_cost_ratio_min:.3f} to {touch_cost_ratio_max:.3f})",
    ),
    ("largest difference from one pass", "{max_abs_error:.0e}"),
)

# What docs/rooms.md shows: whose error, and its figures in the usual room, moved by 10 and 20 cm,
# in other rooms, and with one camera.
ROOMS_ROWS = (
    ("a person's own mean", "rmse_own_mean", "", "", "", ""),
    (
        "`touchnet-sim-rooms`",
        "rmse_published_room",
        "",
        "",
        "rmse_other_rooms",
        "rmse_one_camera",
    ),
    (
        "`touchnet-sim`, of pictures",
        *(f"rmse_before_moved_{moved}_cm" for moved in (1, 10, 20)),
        "rmse_before_other_rooms",
        "",
    ),
    (
        "`pianokpm-sim`, of pictures",
        *(f"rmse_pianokpm_moved_{moved}_cm" for moved in (1, 10, 20)),
        "rmse_pianokpm_other_rooms",
        "",
    ),
    (
        "the same by virtual views",
        "rmse_pianokpm_virtual_published_room",
        "",
        "",
        "rmse_pianokpm_virtual_other_rooms",
        "",
    ),
)

# What docs/safety.md shows: words, and which of the faults in bench/faults.py they are.
TO_ZERO = (
    ("a camera is dead", "camera.*_dead"),
    ("a camera stands still", "camera.*_frozen"),
    ("a camera tells impossible landmarks", "camera.*_landmark"),
    ("a camera's stamps are 1 s off", "camera.*_stamps_a_second"),
    ("a camera is knocked, while somebody plays", "camera_is_knocked"),
    ("the piano is gone, a note down (`keys_missing_s` is 1 s)", "piano_went"),
    ("the estimator is stopped for 0.5 s or 3 s", "cannot_catch_up"),
    ("the clock creeps, or stands still", "clock_that_(creeps|stands)"),
    ("a second publisher of effort: of no info, of the estimator's, of another order", "rival"),
    ("bytes on `effort` that are no message", "bytes_that_are_no_effort"),
)
WELL = (
    ("a camera that was dead, or stood still", "camera.*_(dead|frozen)"),
    ("a camera that told impossible landmarks", "camera.*_landmark"),
    ("a camera whose stamps were 1 s off", "camera.*_stamps_a_second"),
    ("a camera that was knocked, and is found again", "camera_is_knocked"),
    ("30 % of frames lost; a stall of 200 ms", "thirty_percent|stalls"),
    ("the piano gone in the middle of a note; 2000 events a second", "piano_went|note_storm"),
    ("synchronizer or estimator stopped for 0.1 s", "moment_without"),
    ("estimator stopped for 0.5 s or 3 s", "cannot_catch_up"),
    ("estimator left a tenth of the processor", "lasting_overload"),
    ("the clock stepped by 1 s or -1 s; ran ten times as fast", "step_of_the_clock|hurries"),
    ("the clock crept, or stood still", "clock_that_(creeps|stands)"),
    ("nonsense, or bytes that are no messages, on every topic", "nonsense|no_messages"),
    ("bytes on `effort` that are no message", "bytes_that_are_no_effort"),
    ("a second publisher of a camera", "two_cameras"),
    ("a second publisher of effort, or of its info", "rival|publisher_of_infos"),
    ("a second publisher of aligned samples", "echo_of_the_aligned"),
)


def report(name: str, folder: Path) -> Report:
    """Read one benchmark's report; one that is not there is an error that names it."""
    path = folder / f"{name}.json"
    if not path.is_file():
        raise SystemExit(f"there is no {path}: run make bench BENCH={name}")
    found: Report = json.loads(path.read_text("utf-8"))
    return found


def machine_of(reports: Report) -> str:
    """Say where figures are from."""
    machine = reports["machine"]
    return f"{machine['cpu']}, {machine['cores']} cores"


def readme_table(folder: Path) -> str:
    """Rows of README."""
    lines = ["| figure | value | from |", "|---|---|---|"]
    for words, name, figure, form in ROWS:
        value = form.format(report(name, folder)["figures"][figure])
        lines.append(f"| {words} | {value} | `make bench BENCH={name}` |")
    where = machine_of(report("pipeline", folder))
    return "\n".join([*lines, "", f"Machine: {where}; simulated devices."])


def cost_table(folder: Path) -> str:
    """Rows of docs/estimator.md."""
    figures = report("estimate", folder)["figures"]
    lines = ["| CPU seconds per second of signal, median (least to most) | |", "|---|---|"]
    lines += [f"| {words} | {form.format(**figures)} |" for words, form in COST_ROWS]
    return "\n".join(lines)


def faults_tables(folder: Path) -> str:
    """Tables of docs/safety.md."""
    faults = report("faults", folder)
    figures: Figures = faults["figures"]  # type: ignore[assignment]
    zero = {n: v for n, v in figures.items() if n.endswith("_to_zero_ms")}
    well = {
        name: value
        for name, value in figures.items()
        if name.endswith("_ms") and name not in zero and not name.startswith("slowest")
    }
    lines = ["| what happens | no torque any more after | at most |", "|---|---|---|"]
    for words, medians in _of(TO_ZERO, zero):
        most = max(figures[f"{name}_most"] for name in medians)
        lines.append(f"| {words} | {_span(medians)} | {most:.0f} ms |")
    fastest = max(v for n, v in figures.items() if n.endswith("_nm_s_most"))
    lines += [
        "",
        "From the beginning of the fault to the last command with any torque, medians. At ten",
        f"times real time torque changed by {fastest:.3f} Nm/s at most, where 3 is allowed.",
        "",
        "| after | effort is well again within |",
        "|---|---|",
    ]
    lines += [f"| {words} | {_span(medians)} |" for words, medians in _of(WELL, well)]
    lines += [
        "",
        "From the end of the fault to the first sample without any flag, medians.",
        f"`make bench BENCH=faults`, three runs of each; {machine_of(faults)}; simulated devices.",
    ]
    return "\n".join(lines)


def rooms_table(folder: Path) -> str:
    """Table of docs/rooms.md."""
    rooms = report("rooms", folder)
    figures: Figures = rooms["figures"]  # type: ignore[assignment]
    lines = [
        "| RMSE | usual room | moved by 10 cm | by 20 cm | other rooms | one camera |",
        "|---|---|---|---|---|---|",
    ]
    for words, *names in ROOMS_ROWS:
        cells = (f"{figures[name]:.3f}" if name else "" for name in names)
        lines.append(f"| {words} | {' | '.join(cells)} |")
    points = "; ".join(
        f"{figures[f'points_error_mm_p50_{n}_cameras']:.0f} and "
        f"{figures[f'points_error_mm_p95_{n}_cameras']:.0f} mm with {words}"
        for n, words in ((1, "one camera"), (2, "two"), (3, "three"))
    )
    other, one, left, virtual = (
        figures[f"ratio_{name}"]
        for name in ("other_rooms", "one_camera", "left_hand", "pianokpm_virtual")
    )
    at_50, noticed, flagged = (
        figures[name] for name in ("rmse_at_50_ms_ratio", "unfamiliar_detected", "familiar_flagged")
    )
    return "\n".join(
        [
            *lines,
            "",
            f"Other rooms, of two or three cameras: {other:.2f} times the usual room's error;",
            f"one camera: {one:.2f} times. A left hand's is {left:.2f} times the right one's;",
            f"PianoKPM Net's by virtual views in other rooms is {virtual:.2f} times its own.",
            f"Points in space are off by {points}",
            "(medians and 95th percentiles).",
            f"Within 50 ms of exposure, newest points have {at_50:.3f} times the error of lines",
            "between frames at their usual delay ([both](timing.md#the-newest-points)). Of what is",
            f"unfamiliar {noticed:.2f} is noticed within 5 s; flagged is {flagged:.3f} of familiar",
            "time (`make bench BENCH=unfamiliar`).",
            "`make bench BENCH=rooms`: SIMULATED pianists and rooms that no model has met.",
        ]
    )


GESTURE_ROWS = (
    ("same day", "same_day"),
    ("later days, trained on the first", "later_days"),
    ("the same, with one repetition of that day", "recalibrated"),
    ("a person who was never seen", "unseen_person"),
)


def gestures_table(folder: Path) -> str:
    """Write how well gestures are told apart: ours, and the baseline of the same run."""
    figures = report("gestures", folder)["figures"]

    def both(place: str, prefix: str = "") -> str:
        window, trial = (figures[f"{prefix}{unit}_{place}"] for unit in ("window", "trial"))
        return f"{window:.1f} / {trial:.1f}"

    lines = [
        "| window / execution, % | 8 motions | baseline | 22 motions | baseline |",
        "|---|---|---|---|---|",
    ]
    for words, protocol in GESTURE_ROWS:
        cells = [
            both(f"{motions}_{protocol}", prefix)
            for motions in (8, 22)
            for prefix in ("", "lda_baseline_")
        ]
        lines.append(f"| {' | '.join([words, *cells])} |")

    def live(word: str) -> str:
        usual, nine = (
            f"{figures[f'{what}found_fraction{word}']:.0%} of executions found with "
            f"{figures[f'{what}false_activations_per_hour{word}']:.0f} false activations an hour"
            for what in ("usual_", "")
        )
        seconds = 3600 * figures[f"tested_hours{word}"]
        return f"in {seconds:.0f} s {usual}, or, surer of them, {nine}"

    words = (
        "Live, 8 motions of the same day, each after a recorded rest that it is joined to: decided "
        f"{figures['decision_ms_p50']:.0f} ms after the execution's beginning (median); "
        f"{live('')}. Each repetition tested in turn, {live('_each_repetition')}."
    )
    lines += ["", *textwrap.wrap(words, 100, break_on_hyphens=False)]
    return "\n".join(lines)


def _of(rows: tuple[tuple[str, str], ...], figures: Figures) -> list[tuple[str, Figures]]:
    """Sort figures into rows; one that belongs to none, or to two, is an error that names it."""
    left = dict(figures)
    sorted_in = []
    for words, pattern in rows:
        mine = {name: left.pop(name) for name in list(left) if re.search(pattern, name)}
        if not mine:
            raise SystemExit(f"bench/faults.py measures nothing for the row {words!r}")
        sorted_in.append((words, mine))
    if left:
        raise SystemExit(f"tools/figures.py has no row for {', '.join(left)}")
    return sorted_in


def _span(figures: Figures) -> str:
    least, most = (f"{limit(figures.values()):.0f}" for limit in (min, max))
    return f"{least} ms" if least == most else f"{least} to {most} ms"


PLACES: Mapping[str, tuple[str, Callable[[Path], str]]] = {
    "figures": ("README.md", readme_table),
    "estimate": ("docs/estimator.md", cost_table),
    "faults": ("docs/safety.md", faults_tables),
    "rooms": ("docs/rooms.md", rooms_table),
    "gestures": ("docs/gestures.md", gestures_table),
}
"""Each table's page."""


def filled(name: str, page: str, folder: Path = REPORTS) -> str:
    """Put a table in its place on a page."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{PLACES[name][0]} has no place for the table {name}: {begin} ... {end}")
    return f"{before}{begin}\n{PLACES[name][1](folder)}\n{end}{after}"


def main(words: list[str] | None = None) -> None:
    """Take new reports if there are any, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, help="folder of new reports")
    source = parser.parse_args(words).source
    if source is not None:
        for name in USED:
            report(name, source)
            shutil.copy(source / f"{name}.json", REPORTS)
    for name, (file, _) in PLACES.items():
        page = ROOT / file
        page.write_text(filled(name, page.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
