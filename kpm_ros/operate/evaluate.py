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

"""`kpm evaluate`: models side by side on a data set, in the layout of the published table."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.operate import evaluate_gestures, evaluate_mia, evaluate_motion
from kpm_ros.operate.errors import UserError, needed_libraries, user_errors
from kpm_ros.operate.evaluate_dataset import DEFAULT_MODELS
from kpm_ros.operate.evaluate_output import show, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kpm_ros.learn.scores.score_table import ScoreTable
    from kpm_ros.learn.scores.takes import Take
    from kpm_ros.operate.evaluate_bag import EvaluatedBags
    from kpm_ros.operate.evaluate_dataset import EvaluatedSet

NAME = "evaluate"
PURPOSE = "compare estimated with measured effort, of data sets and of bags"
OTHER_REPORTS = {each.NAME: each for each in (evaluate_mia, evaluate_motion, evaluate_gestures)}
REPORTS = ("accuracy", *OTHER_REPORTS)
EXAMPLES = """\
examples:
  kpm evaluate DIR --models touchnet-sim mean ridge nearest
  kpm evaluate DIR --models ours=runs/touchnet runs/pianokpm --split test_cross_user
  kpm evaluate DIR --models touchnet-sim --figure excerpt.png --excerpt t1_p2_a:3-9
  kpm evaluate DIR --models published.safetensors --protocol published
                             the published table, given the published data and weights
  kpm evaluate BAG BAG --html report.html
                             recorded effort against the EMG beside it, as a page
  kpm evaluate SESSION --models ours=runs/mine --html report.html
  kpm evaluate DIR --report mia --models random nearest ours=runs/body --lengths
                             bodies: the tables of Muscles in Action, published figures beside
  kpm evaluate DIR --report motion --models pianist diffusion=runs/gesture
                             movements made of music: PianoMotion10M's scores, keys, limits
  kpm evaluate out/G07 out/G08 --report gestures
                             gestures: trained and tested by repetition, day and person

A model is a shipped one's name, a weights file, a folder that `kpm train` wrote, or one of the
baselines mean, nearest and ridge, which are fitted to the data set's training part on the spot.
LABEL=MODEL gives it another name in the table. See docs/evaluation.md.
"""

OTD_POINTS = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the data set and the models."""
    parser.add_argument(
        "data",
        type=Path,
        nargs="+",
        metavar="SOURCE",
        help="data sets' folders, bags, or folders of `kpm session`",
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=[],
        metavar="MODEL",
        help=f"what to compare (default: {' '.join(DEFAULT_MODELS)} and the shipped models)",
    )
    parser.add_argument(
        "--split",
        nargs="+",
        default=[],
        metavar="NAME",
        help="test, test_cross_user, test_cross_task (default: all that have recordings)",
    )
    parser.add_argument(
        "--split-file",
        default="",
        metavar="FILE",
        help="which of the data set's lists to go by (default: dataset_held_out.json in PianoKPM's "
        "layout, splits.json in a container)",
    )
    parser.add_argument(
        "--report",
        choices=REPORTS,
        default=REPORTS[0],
        help="accuracy: RMSE, OTD and correlation per recording, with what models cost; mia: RMSE "
        "per exercise, as Muscles in Action has it; motion: movements made of music against those "
        "played; gestures: what is told apart, how soon, and how often wrongly (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--protocol",
        choices=("continuous", "published", "windows", "clips"),
        help="continuous: stream whole recordings as live; published: separate windows of 1 s, as "
        "PianoKPM's code takes them; windows: separate windows of 3 s, with --report mia "
        "(default: continuous, with --report mia windows)",
    )
    parser.add_argument(
        "--otd-points",
        type=int,
        default=OTD_POINTS,
        metavar="N",
        help="samples of a recording that OTD is taken over, evenly drawn (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes (default: one for each core where there is enough to do); what was "
        "measured once is not measured again",
    )
    parser.add_argument(
        "--on",
        default="",
        metavar="ADDRESS",
        help="a Dask scheduler whose workers measure, such as tcp://host:8786; all see the files, "
        "and this user's cache",
    )
    parser.add_argument("--namespace", default="", help="of the topics, where a bag has several")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    parser.add_argument(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write every measure of every muscle, recording and person there",
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a report with pictures, in one file"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw an excerpt (.png, .pdf)")
    parser.add_argument(
        "--excerpt",
        metavar="NAME[:START-END]",
        help="which recording, and its seconds (default: 6 s of the first one scored)",
    )
    for report in OTHER_REPORTS.values():
        report.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load, score, print, write."""
    protocol = _check(arguments)
    if arguments.report == evaluate_gestures.NAME:
        with user_errors():
            evaluate_gestures.show_report(arguments)
        return 0
    with needed_libraries("evaluating models", "train"):
        import torch  # noqa: F401
        from geomloss import SamplesLoss  # noqa: F401
    with user_errors():
        if arguments.report == evaluate_mia.NAME:
            from kpm_ros.learn.scores import mia_report_text

            report = evaluate_mia.evaluate(arguments, protocol)
            show(arguments, report, mia_report_text)
            return 0
        if arguments.report == evaluate_motion.NAME:
            evaluate_motion.show_report(arguments)
            return 0
        table = _evaluate(arguments, protocol)
    return 0 if table.models else 1


def _check(arguments: argparse.Namespace) -> str:
    """Refuse at once what would be found out only after minutes; gives the protocol."""
    asked = OTHER_REPORTS.get(arguments.report)
    protocols = asked.PROTOCOLS if asked else ("continuous", "published")
    protocol: str = arguments.protocol or protocols[0]
    if protocol not in protocols:
        raise UserError(
            f"--report {arguments.report} has the protocols {' and '.join(protocols)}, not "
            f"{protocol}"
        )
    for name, report in OTHER_REPORTS.items():
        if name == arguments.report:
            report.check(arguments)
        else:
            report.refuse_without(arguments)
    if arguments.workers is not None and arguments.workers < 1:
        raise UserError(f"--workers must be at least 1, not {arguments.workers}")
    if arguments.otd_points < 1:
        raise UserError(f"--otd-points must be at least 1, not {arguments.otd_points}")
    if arguments.excerpt and not arguments.figure:
        raise UserError("--excerpt says what --figure FILE is to show: give that, too")
    if arguments.figure and arguments.figure.suffix not in (".png", ".pdf", ".svg"):
        raise UserError(f"{arguments.figure} is to be a picture: .png, .pdf or .svg")
    return protocol


def _evaluate(arguments: argparse.Namespace, protocol: str) -> ScoreTable:
    """Score every source, and write what was asked for."""
    from kpm_ros.learn.scores import score_table_text
    from kpm_ros.learn.scores.merged_tables import merged

    sources = _sources(arguments, protocol)
    table = merged({name: one.score() for name, one in sources.items()})
    said = [sentence for one in sources.values() for sentence in one.said]
    for sentence in said:
        print(sentence, file=sys.stderr)
    show(arguments, table, score_table_text)
    if arguments.csv:
        from kpm_ros.learn.scores.takes_csv import as_csv

        write(arguments.csv, as_csv(table.takes))
    if arguments.html:
        write(arguments.html, _page(table, sources, said))
    for one in sources.values():
        one.draw()
    return table


def _sources(
    arguments: argparse.Namespace, protocol: str
) -> dict[str, EvaluatedSet | EvaluatedBags]:
    """Tell data sets and bags apart; all bags together are one source."""
    from kpm_ros.core.session_file import is_session
    from kpm_ros.operate.evaluate_bag import EvaluatedBags
    from kpm_ros.operate.evaluate_dataset import EvaluatedSet
    from kpm_ros.replay.bag_file import is_bag

    arguments.data = [path.expanduser() for path in arguments.data]
    bags = [path for path in arguments.data if is_bag(path) or is_session(path)]
    sources: dict[str, EvaluatedSet | EvaluatedBags] = {
        str(path): EvaluatedSet(arguments, path, protocol)
        for path in arguments.data
        if path not in bags
    }
    if bags:
        sources["bags"] = EvaluatedBags(arguments, bags)
    return sources


def _page(
    table: ScoreTable, sources: Mapping[str, EvaluatedSet | EvaluatedBags], said: Sequence[str]
) -> str:
    """Write the report; each take is shown by the source that it is of."""
    from kpm_ros.learn.reports.page import of_table, render
    from kpm_ros.learn.reports.session import section_of

    def source_of(take: Take) -> EvaluatedSet | EvaluatedBags:
        return sources.get(take.test_set.partition(" of ")[2]) or next(iter(sources.values()))

    delays = {stage: ms for one in sources.values() for stage, ms in one.delays.items()}
    return render(
        of_table(
            table,
            lambda take, *span: source_of(take).show(take, *span),
            lambda take, *span: source_of(take).look(take, *span),
            delays,
            said,
            [section_of(session) for one in sources.values() for session in one.sessions.values()],
        )
    )
