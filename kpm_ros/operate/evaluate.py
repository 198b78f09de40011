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
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.atomic_files import write_output
from kpm_ros.core.provenance import processor, versions
from kpm_ros.operate import evaluate_mia
from kpm_ros.operate.errors import UserError, user_errors

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.score_table import ScoreTable
    from kpm_ros.learn.scores.scored_models import ScoredModel
    from kpm_ros.learn.scores.scoring import Listener

NAME = "evaluate"
PURPOSE = "score models on a data set: RMSE, OTD, correlation, cost, look-ahead"
REPORTS = ("accuracy", evaluate_mia.NAME)
EXAMPLES = """\
examples:
  kpm evaluate DIR --models touchnet-sim mean ridge nearest
  kpm evaluate DIR --models ours=runs/touchnet runs/pianokpm --split test_cross_user
  kpm evaluate DIR --models touchnet-sim --figure excerpt.png --excerpt t1_p2_a:3-9
  kpm evaluate DIR --models published.safetensors --protocol published
                             the published table, given the published data and weights
  kpm evaluate DIR --report mia --models random nearest ours=runs/body --lengths
                             bodies: the tables of Muscles in Action, published figures beside

A model is a shipped one's name, a weights file, a folder that `kpm train` wrote, or one of the
baselines mean, nearest and ridge, which are fitted to the data set's training part on the spot.
LABEL=MODEL gives it another name in the table. See docs/accuracy.md.
"""

DEFAULT_MODELS = ("mean", "ridge")
OTD_POINTS = 2000
PACKAGES = ("kpm_ros", "numpy", "torch", "geomloss", "numba")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the data set and the models."""
    parser.add_argument("data", type=Path, metavar="DIR", help="a data set's folder")
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
        "per exercise, as Muscles in Action has it (default: %(default)s)",
    )
    parser.add_argument(
        "--protocol",
        choices=("continuous", "published", "windows"),
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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there, too")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw an excerpt (.png, .pdf)")
    parser.add_argument(
        "--excerpt",
        metavar="NAME[:START-END]",
        help="which recording, and its seconds (default: 6 s of the first one scored)",
    )
    evaluate_mia.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Load, score, print, write."""
    protocol = _check(arguments)
    try:
        import torch  # noqa: F401
        from geomloss import SamplesLoss  # noqa: F401
    except ModuleNotFoundError as error:
        raise UserError(
            f"evaluating models needs the library {error.name}, which comes with `make setup` or "
            "`pip install kpm_ros[train]`"
        ) from None
    with user_errors():
        if arguments.report == evaluate_mia.NAME:
            from kpm_ros.learn.scores import mia_report_text

            report = evaluate_mia.evaluate(arguments, protocol)
            _show(arguments, report, mia_report_text)
            return 0
        table = _evaluate(arguments, protocol)
    return 0 if table.models else 1


def _check(arguments: argparse.Namespace) -> str:
    """Refuse at once what would be found out only after minutes; gives the protocol."""
    mia = arguments.report == evaluate_mia.NAME
    protocols = evaluate_mia.PROTOCOLS if mia else ("continuous", "published")
    protocol: str = arguments.protocol or protocols[0]
    if protocol not in protocols:
        raise UserError(
            f"--report {arguments.report} has the protocols {' and '.join(protocols)}, not "
            f"{protocol}"
        )
    if mia:
        evaluate_mia.check(arguments)
    else:
        evaluate_mia.refuse_without(arguments)
    if arguments.otd_points < 1:
        raise UserError(f"--otd-points must be at least 1, not {arguments.otd_points}")
    if arguments.excerpt and not arguments.figure:
        raise UserError("--excerpt says what --figure FILE is to show: give that, too")
    if arguments.figure and arguments.figure.suffix not in (".png", ".pdf", ".svg"):
        raise UserError(f"{arguments.figure} is to be a picture: .png, .pdf or .svg")
    return protocol


def _evaluate(arguments: argparse.Namespace, protocol: str) -> ScoreTable:
    from kpm_ros.learn.recordings.dataset_readers import open_dataset
    from kpm_ros.learn.scores import score_table_text
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.score_table import ScoreTable
    from kpm_ros.learn.scores.scoring import check_models, choose_splits, compare

    dataset = open_dataset(arguments.data.expanduser(), arguments.split_file)
    if dataset.left_out:
        print(dataset.left_out_sentence, file=sys.stderr)
    splits = choose_splits(dataset, arguments.split)
    excerpt = Excerpt.parse(arguments.excerpt or dataset.splits[splits[0]][0])
    if arguments.figure:
        excerpt = excerpt.check(dataset.recording(excerpt.name))
    models = _models(arguments.models, dataset)
    check_models(dataset, models)
    steps = len(models) * sum(len(dataset.splits[split]) for split in splits) + 1
    with progress(steps) as listener:
        rows = compare(dataset, models, splits, protocol, arguments.otd_points, listener)
    table = ScoreTable(
        simulated=dataset.simulated,
        data=dataset.description,
        fingerprint=dataset.fingerprint,
        split_file=dataset.split_file,
        protocol=protocol,
        otd_points=arguments.otd_points,
        models=rows,
        cpu=processor(),
        versions=versions(PACKAGES),
        command=shlex.join(["kpm", *sys.argv[1:]]),
    )
    _show(arguments, table, score_table_text)
    if arguments.figure:
        draw(arguments.figure, dataset, models, excerpt, protocol)
    return table


def _show(arguments: argparse.Namespace, report: Any, text: Any) -> None:
    """Print a report, and write it where it is asked for."""
    print(text.as_text(report), end="")
    if arguments.json:
        _write(arguments.json, report.to_json())
    if arguments.markdown:
        _write(arguments.markdown, text.as_markdown(report))


def _models(words: Sequence[str], dataset: DataSet) -> list[ScoredModel]:
    """Load what was asked for, or what everyone would ask for."""
    from kpm_ros.learn.scores.scored_models import find_scored_model

    if words:
        return [find_scored_model(word, dataset) for word in words]
    return fitting_models(DEFAULT_MODELS, dataset)


def fitting_models(baselines: Sequence[str], dataset: DataSet) -> list[ScoredModel]:
    """Fit baselines, and load all shipped models, as far as they fit the data set."""
    from kpm_ros.core.resources import config_dir
    from kpm_ros.learn.scores.protocols import check_fit
    from kpm_ros.learn.scores.scored_models import find_scored_model

    shipped = sorted(path.stem for path in (config_dir() / "models").glob("*.safetensors"))
    found = [find_scored_model(word, dataset) for word in (*baselines, *shipped)]
    fitting = []
    for one in found:
        # Those that are shipped were not asked for: what is of other data says nothing here.
        with suppress(ValueError):
            check_fit(one.model.card, dataset, one.name)
            fitting.append(one)
    return fitting


def draw(
    path: Path, dataset: DataSet, models: Sequence[ScoredModel], excerpt: Excerpt, protocol: str
) -> None:
    """Draw what each model makes of an excerpt; a recording is estimated from its beginning."""
    from kpm_ros.learn.recordings.on_grid import GridRecording
    from kpm_ros.learn.scores.excerpt_plot import Estimated, draw_excerpt
    from kpm_ros.learn.scores.protocols import PROTOCOLS

    recording = dataset.recording(excerpt.name)
    _, estimate = PROTOCOLS[protocol]
    estimates = {}
    for one in models:
        on_grid = GridRecording.of(recording, one.model.card)
        estimates[one.name] = Estimated(on_grid.rate_hz, estimate(one.model, on_grid))
    shown = GridRecording(recording, dataset.streams, dataset.grid_rate_hz)
    draw_excerpt(path, shown, excerpt, estimates, dataset.simulated)
    print(f"picture in {path}")


@contextmanager
def progress(steps: int) -> Iterator[Listener]:
    """Show a bar that moves with each step told."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from kpm_ros.operate.console import Console

    bars = Progress(
        TextColumn("scoring"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total}"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
    )
    with bars:
        task = bars.add_task("", total=steps)
        yield lambda what: bars.update(task, advance=1, description=what)


def _write(path: Path, text: str) -> None:
    write_output(path, text.encode())
    print(f"written to {path}")
