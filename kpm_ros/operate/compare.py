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

"""`kpm compare`: two performances of one piece, side by side."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.core.registration import Registration
    from kpm_ros.learn.comparing.performance import MuscleTraces, Performance
    from kpm_ros.replay.effort import Effort

NAME = "compare"
PURPOSE = "put two performances of one piece side by side: notes, bars, muscles"
EXAMPLES = """\
examples:
  kpm compare expert.mid mine.mid                       notes alone, by MIDI
  kpm compare expert_bag my_bag --out mine.html         with the effort of the muscles
  kpm compare expert.mid mine.mid --score piece.musicxml    by the score's own bars
  kpm compare expert_bag my_bag --csv notes.csv         every note as a line

Notes are matched one by one, whatever the tempo; wrong notes and repeats left out are told. Late
and early are against the tempo of the notes around, louder and softer against the whole.
"""
MIDI_ENDINGS = (".mid", ".midi", ".smf")
MOST_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for two performances, and what is to be made of them."""
    for name, whose in (("expert", "the performance to compare with"), ("mine", "the other one")):
        parser.add_argument(
            name, type=Path, metavar=name.upper(), help=f"{whose}: a MIDI file, or a bag"
        )
    parser.add_argument(
        "--registration",
        type=Path,
        metavar="FILE",
        help="where cameras stood (`kpm calibrate` wrote it), for bags that do not say: fingers "
        "are then those that were seen on the keys",
    )
    parser.add_argument(
        "--score",
        type=Path,
        metavar="FILE",
        help="the piece as MusicXML, MEI or Humdrum: bars are then its own (default: the bars of "
        "EXPERT's MIDI file, or passages of 4 s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("comparison.html"),
        metavar="FILE.html",
        help="where the page goes (default: %(default)s)",
    )
    parser.add_argument("--csv", type=Path, metavar="FILE.csv", help="every note as a line")
    parser.add_argument("--namespace", default="", help="of the bags' topics (default: any)")


def run(arguments: argparse.Namespace) -> int:
    """Match, compare, say the worst, write the page."""
    from kpm_ros.core.atomic_files import write_output
    from kpm_ros.core.registration import Registration
    from kpm_ros.learn.comparing.advice import bar_differences, worst
    from kpm_ros.learn.comparing.bars import find_bars
    from kpm_ros.learn.comparing.differences import compare, with_fingers
    from kpm_ros.learn.comparing.fingers import usual_fingers
    from kpm_ros.learn.comparing.note_table import as_csv
    from kpm_ros.learn.comparing.report import report_of, sentences
    from kpm_ros.learn.reports.page import render
    from kpm_ros.operate.evaluate_output import progress
    from kpm_ros.sense.midi.score import read_voices

    with user_errors():
        told = arguments.registration
        registration = Registration.read(told) if told else None
        with progress(2, "reading") as tell:
            first = _read(arguments.expert, arguments.namespace, registration)
            tell(first.title)
            second = _read(arguments.mine, arguments.namespace, registration)
            tell(second.title)
        midi = arguments.expert if _is_midi(arguments.expert) else None
        differences = compare(first, second)
        if differences.fingers is None:
            fingers = usual_fingers(first.score, read_voices(midi) if midi else ())
            differences = with_fingers(differences, fingers)
        bars = find_bars(first, arguments.score, midi)
        by_bar = bar_differences(differences, bars)
        for sentence in sentences(differences):
            print(sentence)
        for bar in worst(by_bar, MOST_SHOWN):
            print(f"  {bar.name} ({bar.begin_s:.1f} s): {bar.sentence}")
        page = render(report_of(differences, bars, by_bar))
        write_output(arguments.out, page.encode())
        print(f"all bars, notes and chords in {arguments.out}")
        if arguments.csv:
            write_output(arguments.csv, as_csv(differences, bars).encode())
            print(f"every note in {arguments.csv}")
    return 0


def _is_midi(path: Path) -> bool:
    return path.suffix.casefold() in MIDI_ENDINGS


def _read(path: Path, namespace: str, registration: Registration | None) -> Performance:
    """Read a MIDI file, or a bag with the effort that it holds."""
    from kpm_ros.core.foreign_files import printable
    from kpm_ros.learn.comparing.performance import Performance
    from kpm_ros.sense.midi.score import read_midi

    if _is_midi(path):
        return Performance(printable(path.name), read_midi(path))
    return _read_bag(path, namespace, registration)


def _read_bag(path: Path, namespace: str, registration: Registration | None) -> Performance:
    from kpm_ros.core.foreign_files import printable
    from kpm_ros.core.grid import NS_PER_S
    from kpm_ros.learn.comparing.fingers import seen_fingers
    from kpm_ros.learn.comparing.performance import Performance
    from kpm_ros.operate.bag_efforts import BagEfforts
    from kpm_ros.operate.replay import replay_errors
    from kpm_ros.replay import recorded_with
    from kpm_ros.replay.bag import BagError
    from kpm_ros.replay.bag_hands import read_hands
    from kpm_ros.replay.bag_reader import BagReader

    with replay_errors(), ExitStack() as stack:
        bag = stack.enter_context(BagEfforts(path, namespace))
        plain = stack.enter_context(BagReader(path))
        if plain.span_ns is None:
            raise UserError(f"the bag {path} holds no message")
        begin_ns = plain.span_ns[0]
        score = bag.played(begin_ns)
        if not score.notes:
            raise UserError(f"the bag {path} holds no note: nothing can be compared")
        recorded = list(bag.recorded().values())
        traces = _traces(recorded[0], bag.muscles, begin_ns) if recorded else None
        simulated = recorded_with.simulated(plain.facts)
    try:
        hands = read_hands(path, namespace, registration=registration)
        fingers = seen_fingers(score, hands.motion, (begin_ns - hands.start_ns) / NS_PER_S)
    except BagError as error:
        print(f"fingers were not seen: {error}")
        fingers = None
    return Performance(printable(str(path)), score, traces, simulated, fingers)


def _traces(effort: Effort, muscles: tuple[str, ...], begin_ns: int) -> MuscleTraces:
    from kpm_ros.core.grid import NS_PER_S
    from kpm_ros.learn.comparing.performance import MuscleTraces

    return MuscleTraces(
        (effort.stamps_ns - begin_ns) / NS_PER_S,
        effort.where_valid(muscles),
        muscles,
    )
