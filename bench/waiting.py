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

"""What waiting for frames is worth: error against the whole delay from exposure, both ways.

The same SIMULATED performances, in rooms with cameras anywhere, are put onto the grid by lines
between frames, which waits for the frame after each instant, and as the newest points that are
known and their age, which waits for nothing. TouchNet of one size is trained on both for several
look-aheads, with equal steps on equal data, and scored on unseen pianists in unseen rooms.

A delay is the look-ahead, what the aligner waits so that all of a second's samples leave evenly,
and what computing takes (`--compute-ms`, from BENCH=pipeline). `--draw` draws a report again.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from _report import bench_options, machine, print_table, write_report
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig, Frame
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import JOINED, KEYBOARD, NEWEST, Landmarks, PianoKeys, Streams
from kpm_ros.learn.recordings.aligned_performance import (
    align_performance,
    live_rules,
    push_delivered,
)
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.models.registry import architecture_of, find_architecture
from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.release.performance import score_of
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ as RATE_HZ
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.release.request import Performance, Request
from kpm_ros.simulate.rooms import Room, draw_room, published_room
from kpm_ros.simulate.session import SimulatedSession

PICTURE = Path("docs/waiting.svg")
PACKAGES = ("numpy", "numba", "torch")
USUAL = 31
"""Look-ahead of the model whose error is the measure, with frames joined by lines."""
LIMIT_MS = 50.0
LOOKAHEADS = {JOINED: (0, 16, 31, 48), NEWEST: (0, 12, 24, 40, 56)}
WINDOW = 1536
COUNTED_FROM = 512
"""Samples of a window before this lack a part of the past that the network remembers."""

Array = NDArray[np.float32]


class Take(NamedTuple):
    """One performance on the grid, both ways."""

    effort: Array
    rows: dict[str, Array]
    leaving_s: dict[str, float]
    """How long after its instant a sample leaves the aligner, where all of a second are even."""


def streams_of(timing: str) -> Streams:
    """What models are told with one timing."""
    hand = Landmarks("hand", find_skeleton(HAND), 3, KEYBOARD, timing=timing)
    return Streams((hand, PianoKeys()))


def make_take(job: tuple[Request, Performance, str, bool]) -> Take:
    """Let one pianist play in a room, and align it both ways; say when samples leave if asked."""
    request, part, rooms, timed = job
    torch.set_num_threads(1)
    person = Person.from_seed(request.person_seed(part.name.pianist))
    pianist = make_pianist(score_of(request, part), part.seed, person, request.body)
    seed = part.seed
    room = draw_room(seed) if rooms == "random" else published_room(seed)
    rows, leaving = {}, {}
    for timing in (JOINED, NEWEST):
        asked = {"seed": seed, "rate_hz": RATE_HZ}
        seen = align_performance(pianist, room, streams_of(timing), part.seconds, **asked)
        rows[timing] = seen.values
        if timed:
            leaving[timing] = leaving_s(pianist, room, timing, seed)
    return Take(effort_samples(pianist, part.seed, part.seconds), rows, leaving)


def leaving_s(pianist: Performer, room: Room, timing: str, seed: int) -> float:
    """Measure how long after its instant a sample leaves, as late as the latest of a second."""
    streams = streams_of(timing)
    rules = {**vars(live_rules(streams)), "registration": room.registration(), "frame": Frame(8, 7)}
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=RATE_HZ, **rules))
    session = SimulatedSession(pianist, room.cameras, 0, seed, emg=False, errors=room.errors)
    latest = np.zeros(8)
    for now_ns in range(0, len(latest) * NS_PER_S, NS_PER_S // 500):
        push_delivered(aligner, session, now_ns)
        for chunk in aligner.advance(now_ns):
            # Effort of a frame is known with the frame's last sample.
            ends_ns = aligner.grid.stamps_ns(chunk.grid_index, len(chunk))
            ends_ns = ends_ns[(chunk.grid_index + np.arange(len(chunk))) % 8 == 7]
            second = now_ns // NS_PER_S
            latest[second] = max(latest[second], *(now_ns - ends_ns) / NS_PER_S, 0.0)
    return float(np.median(latest[1:]))


@dataclass(frozen=True)
class _Shown:
    """A take as a network is fitted to it."""

    effort: Array
    rows: Array

    def values(self, start: int = 0, stop: int | None = None) -> Array:
        """Rows of the grid."""
        return self.rows[start:stop]


def train(
    card: ModelCard, takes: Sequence[Take], timing: str, steps: int, batch: int, device: str
) -> torch.nn.Module:
    """Train a network on takes with one timing."""
    shown = [_Shown(take.effort, take.rows[timing]) for take in takes]
    some = shown[:: max(1, len(shown) // 24)]
    network = architecture_of(card).initial_network(card, some, 1).to(device).train()
    values, effort = (
        torch.from_numpy(np.concatenate(parts)).to(device)
        for parts in ([one.rows for one in shown], [one.effort for one in shown])
    )
    lengths = np.array([len(one.effort) for one in shown])
    ends = np.cumsum(lengths)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, eps=1e-8)
    random = np.random.default_rng(1)
    until = WINDOW - card.lookahead
    for step in range(steps):
        rate = 2e-3 * min(1.0, (step + 1) / 40) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        take = random.integers(len(shown), size=batch)
        within = random.integers((lengths[take] - WINDOW) // 8 + 1) * 8
        start = torch.from_numpy(ends[take] - lengths[take] + within).to(device)
        at = start[:, None] + torch.arange(WINDOW, device=device)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            estimate = network(values[at].transpose(1, 2))
        off = estimate.float() - effort[at].transpose(1, 2)
        loss = off[..., COUNTED_FROM:until].square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    return network.eval()


@torch.inference_mode()
def rmse(network: torch.nn.Module, card: ModelCard, takes: Sequence[Take], device: str) -> float:
    """Root mean square of the error over takes and muscles, each take once."""
    (timing,) = {view.timing for view in card.streams.landmarks}
    found = []
    for take in takes:
        rows = torch.from_numpy(take.rows[timing]).to(device)
        estimate = network(rows.T[None])[0].T.float().cpu().numpy()
        part = slice(COUNTED_FROM, len(rows) - max(LOOKAHEADS[NEWEST] + LOOKAHEADS[JOINED]))
        found.append(float(((estimate - take.effort)[part] ** 2).mean()))
    return math.sqrt(np.mean(found))


def sweep(
    training: Sequence[Take], testing: Sequence[Take], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Train and score a model for each timing and look-ahead."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    architecture = find_architecture(options.model)
    begun = time.monotonic()
    rows = []
    jobs = [
        (timing, ahead)
        for ahead in options.lookaheads or range(100)
        for timing in LOOKAHEADS
        if options.lookaheads or ahead in LOOKAHEADS[timing]
    ]
    # What the figure needs first: if time runs out, the rest of the chart is missing.
    jobs.sort(key=lambda job: (job != (JOINED, USUAL), abs(job[1] - 24)))
    for timing, ahead in jobs:
        if time.monotonic() - begun > 60 * options.train_minutes:
            break
        card = architecture.new_card(
            streams=streams_of(timing), muscles=MUSCLES, unit="1", rate_hz=RATE_HZ, lookahead=ahead
        )
        network = train(card, training, timing, options.steps, options.batch, device)
        waited_ms = 1e3 * float(np.median([take.leaving_s[timing] for take in testing]))
        delay_ms = 1e3 * ahead / RATE_HZ + waited_ms + options.compute_ms
        error = rmse(network, card, testing, device)
        rows.append({"timing": timing, "lookahead": ahead, "delay_ms": delay_ms, "rmse": error})
        print(f"{timing} {ahead}: {delay_ms:.1f} ms, {error:.4f}", flush=True)
    return rows


def figures_of(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Say what the newest points cost at the limit, beside the usual model."""
    usual = next(r for r in rows if (r["timing"], r["lookahead"]) == (JOINED, USUAL))
    newest = [r for r in rows if r["timing"] == NEWEST and r["delay_ms"] <= LIMIT_MS]
    best = min(newest, key=lambda row: row["rmse"], default=usual)
    figures = {
        "usual_delay_ms": usual["delay_ms"],
        "usual_rmse": usual["rmse"],
        "newest_delay_ms": best["delay_ms"],
        "newest_lookahead": best["lookahead"],
        "newest_rmse": best["rmse"],
        "rmse_at_50_ms_ratio": best["rmse"] / usual["rmse"],
    }
    joined = [r for r in rows if r["timing"] == JOINED and r["delay_ms"] <= LIMIT_MS]
    if joined:
        figures["joined_at_50_ms_ratio"] = min(r["rmse"] for r in joined) / usual["rmse"]
    return (
        figures
        | {f"rmse_{r['timing']}_{r['lookahead']}": r["rmse"] for r in rows}
        | {f"delay_ms_{r['timing']}_{r['lookahead']}": r["delay_ms"] for r in rows}
    )


def draw(figures: dict[str, float], path: Path) -> None:
    """Draw the chart of a report's figures."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "waiting"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    for timing, label, mark in (
        (JOINED, "lines between frames, which wait for the next one", "o"),
        (NEWEST, "the newest points known, and their age", "s"),
    ):
        points = sorted(
            (figures[f"delay_ms_{timing}_{name.rpartition('_')[2]}"], value)
            for name, value in figures.items()
            if name.startswith(f"rmse_{timing}_")
        )
        axes.plot(*zip(*points, strict=True), marker=mark, label=label)
    axes.axvline(LIMIT_MS, color="grey", linestyle=":")
    axes.set(xlabel="whole delay from exposure, ms", ylabel="RMSE (SIMULATED pianists)")
    axes.legend(frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def takes_of(options: argparse.Namespace, pianists: int, seed: int, timed: bool) -> list[Take]:
    """Simulate some pianists, each with all tasks."""
    request = Request(pianists, options.tasks, 1, options.seconds, seed, options.body)
    jobs = [(request, part, options.rooms, timed) for part in request.performances()]
    with multiprocessing.get_context("spawn").Pool(options.workers) as pool:
        made: list[Take] = []
        for take in pool.imap_unordered(make_take, jobs):
            made.append(take)
            print(f"{len(made)} of {len(jobs)} takes", flush=True)
    return made


def main() -> None:
    """Simulate, train, score, and write the report."""
    parser = bench_options(__file__, __doc__)
    whole: dict[str, Callable[[str], Any]] = {"type": int}
    parser.add_argument("--pianists", default=4, **whole, help="to train on")
    parser.add_argument("--unseen", default=2, **whole, help="to test on")
    parser.add_argument("--tasks", default=3, **whole, help="that each of them plays once")
    parser.add_argument("--seconds", default=20, **whole, help="of each take")
    parser.add_argument("--body", default="anatomical", help="anatomical or plain")
    parser.add_argument("--rooms", default="random", choices=("random", "published"))
    parser.add_argument("--model", default="touchnet-light", help="architecture")
    parser.add_argument("--steps", default=400, **whole, help="of each training")
    parser.add_argument("--batch", default=8, **whole, help="windows a step")
    parser.add_argument("--lookaheads", default=(), nargs="*", **whole, help="in samples")
    parser.add_argument("--train-minutes", default=60.0, type=float, help="for all models")
    parser.add_argument(
        "--workers", default=len(os.sched_getaffinity(0)), **whole, help="processes that simulate"
    )
    parser.add_argument("--compute-ms", default=5.0, type=float, help="computing and transport")
    parser.add_argument("--draw", type=Path, help="a report to draw, into docs/waiting.svg")
    options = parser.parse_args()
    if options.draw:
        draw(json.loads(options.draw.read_text())["figures"], PICTURE)
        return
    here = machine()
    training = takes_of(options, options.pianists, 21, False)
    testing = takes_of(options, options.unseen, 22, True)
    rows = sweep(training, testing, options)
    head = ["timing", "look-ahead", "delay, ms", "RMSE"]
    print_table("unseen SIMULATED pianists and rooms", head, [list(row.values()) for row in rows])
    write_report(options.out, figures_of(rows), here, PACKAGES)


if __name__ == "__main__":
    main()
