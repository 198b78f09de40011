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

"""What looking costs the pipeline, what the viewer drops, and how many notes are matched rightly.

The demo runs with the viewer and without it in turn: the cost is the difference of the processor
time of the pipeline's own nodes. Notes are matched between real performances and what is made of
them (another tempo, mistakes, a passage left out), so that it is known which note is which; beside
ours stands parangonar's matcher, on one pianist's (`_beside` are ours on the same). With `--match`,
a folder of the Vienna 4x22 corpus's .match files, pianists are matched with each other as well.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from _report import ROOT, bench_options, machine, print_table, write_report

from kpm_ros.learn.comparing.edited import Pairs, another_tempo, left_out, mistakes
from kpm_ros.learn.comparing.matching import match_scores
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.sense.midi.score import Note, Score, read_midi

MIDI = ROOT.parent / "shared" / "data" / "midi"
PACKAGES = ("rerun-sdk", "parangonar", "partitura", "numpy", "ros-rclpy")
EDITS: dict[str, Callable[[Score], tuple[Score, Pairs]]] = {
    "twice as fast": lambda score: another_tempo(score, 0.5),
    "half as fast": lambda score: another_tempo(score, 2.0),
    "mistakes in a tenth": mistakes,
    "a passage left out": lambda score: left_out(score, 0.4, 0.6),
}
FIRST_PIANIST = "_p01"
"""parangonar, which takes seconds for each, is compared on one pianist's performances."""
NOT_THE_PIPELINES = ("view", "demo", "total", "simulator")
Matcher = Callable[[Score, Score], Pairs]


def main() -> None:
    """Measure, print, write."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--repeats", type=int, default=3, help="demos of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each")
    parser.add_argument("--match", type=Path, help="folder of .match files")
    arguments = parser.parse_args()
    here = machine()
    figures: dict[str, float] = {}
    if MIDI.is_dir():
        figures |= _notes(_edited(sorted(MIDI.glob("*.mid"))), "note_match_fraction")
    else:
        print(f"notes: skipped, no real performances in {MIDI}")
    if arguments.match:
        figures |= _notes(_matched(arguments.match), "pianists_match_fraction")
    figures |= _cost(arguments.repeats, arguments.seconds)
    print_table("looking at a run, and matching notes", ("figure", "value"), figures.items())
    write_report(arguments.out, figures, here, PACKAGES)


def _cost(repeats: int, seconds: float) -> dict[str, float]:
    """Run the demo with the viewer and without."""
    cores: dict[bool, list[float]] = {False: [], True: []}
    dropped = []
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(repeats):
            for shown in (False, True):
                out = Path(folder) / "demo"
                command = [sys.executable, "-m", "kpm_ros.cli", "demo", "--seconds", str(seconds)]
                command += ["--out", str(out)]
                command += [f"view:={folder}/run.rrd"] if shown else []
                subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
                used = json.loads((out / "summary.json").read_text())["cpu_cores"]
                cores[shown].append(
                    sum(value for name, value in used.items() if name not in NOT_THE_PIPELINES)
                )
                if shown:
                    dropped.append(_dropped(out / "bag"))
    differences = [b - a for a, b in zip(cores[False], cores[True], strict=True)]
    return {
        "view_cost_cores": statistics.median(differences),
        "view_cost_cores_least": min(differences),
        "view_cost_cores_most": max(differences),
        "view_cost_ratio": statistics.median(cores[True]) / statistics.median(cores[False]),
        "view_drop_fraction": max(dropped),
    }


def _dropped(bag: Path) -> float:
    """Read what the viewer said last of how much it dropped."""
    said = 0.0
    with BagReader(bag) as reader:
        for message in reader.messages(["/diagnostics"]):
            for status in reader.decode(message).status:
                if str(status.name).endswith("view"):
                    values = {str(one.key): str(one.value) for one in status.values}
                    said = float(values.get("dropped_fraction", said))
    return said


def _edited(paths: Sequence[Path]) -> Iterator[tuple[str, Score, Score, Pairs]]:
    for path in paths:
        score = read_midi(path)
        for name, edit in EDITS.items():
            yield name, score, *edit(score)


def _matched(folder: Path) -> Iterator[tuple[str, Score, Score, Pairs]]:
    """Pair the pianists of each piece, each with the next."""
    for piece in sorted({path.name.rsplit("_p", 1)[0] for path in folder.glob("*.match")}):
        played = [_read_match(path) for path in sorted(folder.glob(f"{piece}_p*.match"))]
        for (one, of_one), (other, of_other) in pairwise(played):
            truth = {(of_one[note], of_other[note]) for note in of_one.keys() & of_other.keys()}
            yield piece, one, other, truth


def _read_match(path: Path) -> tuple[Score, dict[str, int]]:
    """Read a performance, and which of its notes each note of the score is."""
    text = path.read_text()
    units = int(re.search(r"midiClockUnits,(\d+)", text)[1])  # type: ignore[index]
    rate = int(re.search(r"midiClockRate,(\d+)", text)[1])  # type: ignore[index]
    second = rate / 1e6 / units
    found: list[tuple[Note, str]] = []
    for line in text.splitlines():
        note = re.search(r"(?:^insertion-|\)-)note\(\w+,(\d+),(\d+),(\d+),(\d+),", line)
        if note:
            pitch, on, off, velocity = map(int, note.groups())
            name = re.match(r"snote\(([^,]+),", line)
            length = max(off - on, 1) * second
            found.append((Note(on * second, length, pitch, velocity), name[1] if name else ""))
    found.sort(key=lambda entry: (entry[0].onset_s, entry[0].pitch))
    numbers = {name: k for k, (_, name) in enumerate(found) if name}
    return Score.of([note for note, _ in found], name=path.stem), numbers


def _notes(cases: Iterator[tuple[str, Score, Score, Pairs]], figure: str) -> dict[str, float]:
    """Match every case, the first of each piece with parangonar as well: true pairs found."""
    right: dict[str, list[tuple[int, int, int]]] = {}
    for name, one, other, truth in cases:
        matchers: dict[str, Matcher] = {"": _ours}
        if one.name.endswith(FIRST_PIANIST):
            matchers |= {"_beside": _ours, "_parangonar": _parangonar}
        for which, matcher in matchers.items():
            found = matcher(one, other)
            counts = len(found & truth), len(truth), len(found)
            right.setdefault(which, []).append(counts)
        print(f"{figure}: {one.name}, {name}", flush=True)
    figures = {}
    for which, counted in right.items():
        hits, truths, founds = (sum(column) for column in zip(*counted, strict=True))
        figures[f"{figure}{which}"] = hits / truths
        figures[f"{figure}{which}_worst"] = min(hit / all_of for hit, all_of, _ in counted)
        figures[f"{figure}{which}_precision"] = hits / max(1, founds)
    return figures


def _ours(one: Score, other: Score) -> Pairs:
    return {(int(a), int(b)) for a, b in match_scores(one, other).pairs}


def _parangonar(one: Score, other: Score) -> Pairs:
    from parangonar import AutomaticNoteMatcher

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = AutomaticNoteMatcher()(_array(one, "s", "beat"), _array(other, "p", "sec"))
    return {
        (int(pair["score_id"][1:]), int(pair["performance_id"][1:]))
        for pair in found
        if pair["label"] == "match"
    }


def _array(score: Score, letter: str, unit: str) -> np.ndarray:
    """Write notes as parangonar takes them: of the first, seconds stand for beats."""
    fields = [(f"onset_{unit}", "f4"), (f"duration_{unit}", "f4"), ("pitch", "i4")]
    notes = np.zeros(len(score.notes), dtype=[*fields, ("velocity", "i4"), ("id", "U16")])
    for k, note in enumerate(score.notes):
        notes[k] = (note.onset_s, note.duration_s, note.pitch, note.velocity, f"{letter}{k}")
    return notes


if __name__ == "__main__":
    main()
