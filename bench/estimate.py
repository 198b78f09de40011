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

"""What the streaming estimator costs, beside the published manner of evaluating the network.

The published manner takes whole seconds, each from zero, runs the layers with torch and the decoder
as a loop over the samples. Both run on one thread, with the same weights and signal, in turns.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from _isa import RESTRICTIONS, restrict
from _report import ROOT, machine, print_table, write_report
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.layers import (
    CONV,
    LANE_CONV,
    LINEAR,
    MIX,
    STILL_CONV,
    run_decoder,
    run_layers,
)
from kpm_ros.models.pianokpm.network import PianoKPMNet, build_network
from kpm_ros.models.pianokpm.plan import make_plan
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import structure_of
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.streaming_network import StreamingNetwork
from kpm_ros.models.weight_files import load_model, random_tensors

Array = NDArray[np.float32]
HOPS_MS = (1, 5, 10, 20, 50)
KINDS = {
    CONV: "convolution",
    STILL_CONV: "convolution, resting keys",
    LANE_CONV: "convolution in lanes",
    MIX: "two linear layers",
    LINEAR: "linear layer",
}


def made_up_signal(card: ModelCard, seconds: int) -> tuple[Array, Array]:
    """Make pose frames (frames, P) at 60 Hz and keys (samples, K) with eight strokes a second."""
    random = np.random.default_rng(0)
    widths = [part.stop - part.start for part in card.streams.senses.values()]
    steps = random.normal(0, 0.01, (60 * seconds, widths[0]))
    frames = 0.5 + np.cumsum(steps, axis=0) * 0.2
    keys = np.zeros((card.rate_hz * seconds, widths[1]), np.float32)
    down, hold = card.rate_hz // 30, card.rate_hz // 8
    stroke = np.concatenate([np.linspace(0, 1, down), np.ones(hold), np.linspace(1, 0, down)])
    for start in range(0, len(keys), card.rate_hz // 8):
        part = keys[start : start + len(stroke), random.integers(widths[1])]
        part[:] = stroke[: len(part)]
    return frames.astype(np.float32), keys


def draw_out(frames: Array, samples: int) -> Array:
    """Draw one window's frames out to samples, by straight lines with both ends pinned."""
    at = np.linspace(0, len(frames) - 1, samples)
    known = np.arange(len(frames))
    columns = [np.interp(at, known, column) for column in frames.T]
    return np.stack(columns, axis=1).astype(np.float32)


@torch.inference_mode()
def published_manner(network: PianoKPMNet, frames: Array, keys: Array) -> None:
    """Evaluate one window as the published code does: from zero, sample after sample."""
    pose = torch.nn.functional.interpolate(
        torch.from_numpy(frames.T.copy())[None], len(keys), mode="linear", align_corners=True
    )
    network(torch.cat((pose, torch.from_numpy(keys.T.copy())[None]), dim=1))


def hops(samples: int, rate_hz: int, hop_ms: float) -> Iterator[slice]:
    """Cut a number of samples where whole hops end."""
    size = rate_hz * hop_ms / 1000
    edges = np.unique((np.arange(1, samples / size + 1) * size).astype(int))
    start = 0
    for end in (*edges[edges < samples], samples):
        yield slice(start, int(end))
        start = int(end)


def cpu_seconds(action: Callable[[], object]) -> float:
    """Time an action in CPU seconds of this thread."""
    start = time.thread_time()
    action()
    return time.thread_time() - start


class Bench:
    """One model, one signal, and both manners of evaluating it."""

    def __init__(self, card: ModelCard, tensors: dict[str, Array], seconds: int) -> None:
        self.card, self.tensors, self.seconds = card, tensors, seconds
        self.structure, self.plan = structure_of(card), make_plan(card, tensors)
        self.network = build_network(card, tensors)
        self.stream = PianoKPMStream(card, tensors)
        self.stream.warm_up()
        touch = replace(card, architecture="touchnet")
        self.touch = architecture_of(touch).stream(touch, random_tensors(touch))
        self.touch.warm_up()
        self.frames, self.keys = made_up_signal(card, seconds)
        rate = card.rate_hz
        self.windows = [
            (self.frames[60 * s : 60 * (s + 1)], self.keys[rate * s : rate * (s + 1)])
            for s in range(seconds)
        ]
        pose = np.concatenate([draw_out(frames, rate) for frames, _ in self.windows])
        self.values = np.concatenate([pose, self.keys], axis=1)

    def push_second(
        self, second: int, hop_ms: float, stream: StreamingNetwork | None = None
    ) -> None:
        """Push one second of signal in hops, to the stream in question or another."""
        rate = self.card.rate_hz
        start = rate * second
        for part in hops(rate, rate, hop_ms):
            self.push(slice(start + part.start, start + part.stop), stream)

    def costs(self) -> tuple[float, float]:
        """Take both manners' CPU seconds per second of signal, second by second in turns."""
        self.stream.reset(0)
        plain = ours = 0.0
        for second, window in enumerate(self.windows):
            plain += cpu_seconds(lambda w=window: published_manner(self.network, *w))
            ours += cpu_seconds(lambda s=second: self.push_second(s, 10))
        return plain / self.seconds, ours / self.seconds

    def touch_costs(self) -> tuple[float, float]:
        """Take CPU seconds per second of signal of the streamed network, and of TouchNet."""
        totals = [0.0, 0.0]
        for stream in (self.stream, self.touch):
            stream.reset(0)
        for second in range(self.seconds):
            for i, stream in enumerate((self.stream, self.touch)):
                totals[i] += cpu_seconds(lambda s=second, one=stream: self.push_second(s, 10, one))
        return totals[0] / self.seconds, totals[1] / self.seconds

    @torch.inference_mode()
    def decoder_costs(self) -> tuple[float, float]:
        """Take CPU seconds per second of signal of the plain decoder loop, and of ours."""
        rate, plan = self.card.rate_hz, self.plan
        features = np.random.default_rng(0).normal(0, 1, (rate, self.structure.features))
        features = features.astype(np.float32)
        first = self.tensors["decoder.linear1.weight"][:, : self.structure.features].T.copy()
        previous = np.zeros(len(self.card.muscles), np.float32)
        effort = np.empty((rate, len(previous)), np.float32)
        slope = np.float32(self.structure.slope)

        def ours() -> None:
            for part in hops(rate, rate, 10):
                drive = features[part] @ first + self.tensors["decoder.linear1.bias"]
                run_decoder(
                    len(drive), drive, previous, plan.weights, plan.decoder_weights,
                    plan.decoder_params, slope, effort[part],
                )  # fmt: skip

        rows = torch.from_numpy(features.T.copy())[None]
        plain = cpu_seconds(lambda: self.network.decode_in_sequence(rows))
        return plain, cpu_seconds(ours)

    def hop_times_ms(self, hop_ms: float) -> Array:
        """Time every hop of the signal."""
        self.stream.reset(0)
        times = []
        for part in hops(len(self.values), self.card.rate_hz, hop_ms):
            start = time.perf_counter()
            self.push(part)
            times.append(time.perf_counter() - start)
        return np.array(times) * 1000

    def cold_hop_times_ms(self, count: int = 100) -> Array:
        """Time 10 ms hops between which other work has filled the caches, as it does live."""
        self.stream.reset(0)
        other = np.zeros(20_000_000, np.float32)
        times = []
        for part in itertools.islice(hops(len(self.values), self.card.rate_hz, 10), count):
            other += 1
            times.append(cpu_seconds(lambda p=part: self.push(p)))
        return np.array(times) * 1000

    def push(self, part: slice, stream: StreamingNetwork | None = None) -> None:
        """Push one part of the signal."""
        (stream or self.stream).push(self.values[part])

    def layer_costs(self) -> list[tuple[str, float]]:
        """Take CPU seconds per second of signal of each layer at a 10 ms hop."""
        plan, rows = self.plan, round(self.card.rate_hz / 100)
        memory = np.zeros(plan.memory_size, np.float32)
        scratch = np.zeros((2, plan.scratch_size), np.float32)

        def cost(count: int) -> float:
            layers = plan.layers[:count]
            arguments = (layers, plan.weights, plan.params, memory, *scratch, 1000, rows, False)
            times = [cpu_seconds(lambda: run_layers(*arguments)) for _ in range(300)]
            return float(np.median(times)) * self.card.rate_hz / rows

        up_to = [cost(count) for count in range(len(plan.layers) + 1)]
        names = [
            f"{KINDS[int(layer['kind'])]} {layer['width']} to {layer['out']}"
            + (f", kernel {layer['kernel']}" if layer["kernel"] > 1 else "")
            for layer in plan.layers
        ]
        return list(zip(names, np.diff(up_to).tolist(), strict=True))

    @torch.inference_mode()
    def largest_difference(self) -> float:
        """Compare the stream, hop by hop, with one pass over the whole signal."""
        self.stream.reset(0)
        parts = [
            self.stream.push(self.values[part])
            for part in hops(len(self.values), self.card.rate_hz, 10)
        ]
        ours = np.concatenate([*parts, self.stream.flush()])
        values = torch.from_numpy(self.values.T.copy())[None]
        return float(np.abs(self.network(values)[0].T.numpy() - ours).max())


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=5, help="length of the signal")
    parser.add_argument("--repeats", type=int, default=7, help="times that both manners take turns")
    parser.add_argument("--model", type=Path, help="weights file; without one, random weights")
    parser.add_argument("--isa", choices=RESTRICTIONS, help="instructions used at most")
    parser.add_argument("--out", type=Path, help="default: out/bench/estimate[_ISA].json")
    arguments = parser.parse_args()
    if arguments.isa:
        restrict(arguments.isa)
    restricted = f"_{arguments.isa}" if arguments.isa else ""
    out = arguments.out or ROOT / "out" / "bench" / f"estimate{restricted}.json"
    torch.set_num_threads(1)
    described = machine() | {"torch_uses": torch.backends.cpu.get_cpu_capability()}
    card = published_card()
    tensors = random_tensors(card)
    if arguments.model:
        card, tensors = load_model(arguments.model)
    bench = Bench(card, tensors, max(2, arguments.seconds))
    bench.costs()
    costs = np.array([bench.costs() for _ in range(arguments.repeats)])
    decoders = np.array([bench.decoder_costs() for _ in range(arguments.repeats)])
    touch = np.array([bench.touch_costs() for _ in range(arguments.repeats)])
    touch_ratios = touch[:, 1] / touch[:, 0]
    ratios, speedups = costs[:, 1] / costs[:, 0], decoders[:, 0] / decoders[:, 1]
    figures = {
        "cost_ratio_hop10": float(np.median(ratios)),
        "cost_ratio_hop10_min": float(ratios.min()),
        "cost_ratio_hop10_max": float(ratios.max()),
        "published_cpu_s_per_s": float(np.median(costs[:, 0])),
        "streaming_cpu_s_per_s": float(np.median(costs[:, 1])),
        "touch_cost_ratio": float(np.median(touch_ratios)),
        "touch_cost_ratio_min": float(touch_ratios.min()),
        "touch_cost_ratio_max": float(touch_ratios.max()),
        "touch_cpu_s_per_s": float(np.median(touch[:, 1])),
        "decoder_speedup": float(np.median(speedups)),
        "decoder_speedup_min": float(speedups.min()),
        "decoder_speedup_max": float(speedups.max()),
    }
    rows = [
        ("published manner", *np.quantile(costs[:, 0], (0.5, 0, 1))),
        ("streaming, 10 ms hops", *np.quantile(costs[:, 1], (0.5, 0, 1))),
        ("ratio", *np.quantile(ratios, (0.5, 0, 1))),
        ("TouchNet, 10 ms hops", *np.quantile(touch[:, 1], (0.5, 0, 1))),
        ("TouchNet to streaming", *np.quantile(touch_ratios, (0.5, 0, 1))),
        ("published decoder loop", *np.quantile(decoders[:, 0], (0.5, 0, 1))),
        ("compiled decoder loop", *np.quantile(decoders[:, 1], (0.5, 0, 1))),
        ("decoder speed-up", *np.quantile(speedups, (0.5, 0, 1))),
    ]
    head = ("", "median", "least", "most")
    print_table("CPU seconds per second of signal, one thread", head, rows)
    rows = []
    for hop in HOPS_MS:
        times = np.concatenate([bench.hop_times_ms(hop) for _ in range(2)])
        p50, p99 = np.quantile(times, (0.5, 0.99))
        rows.append(
            (f"{hop} ms", float(p50), float(p99), float(times.sum() / 2000 / bench.seconds))
        )
        figures |= {f"hop{hop}_p50_ms": float(p50), f"hop{hop}_p99_ms": float(p99)}
    cold = bench.cold_hop_times_ms()
    rows.append(("10 ms, cold caches", *(float(q) for q in np.quantile(cold, (0.5, 0.99))), ""))
    figures["hop10_cold_p50_ms"] = float(np.median(cold))
    print_table("time of one hop", ("hop", "p50 ms", "p99 ms", "s per s"), rows)
    layer_costs = bench.layer_costs()
    total = sum(cost for _, cost in layer_costs)
    rows = [(name, cost * 1000, 100 * cost / total) for name, cost in layer_costs]
    print_table("cost by layer, before the decoder's loop", ("", "ms per s", "%"), rows)
    figures["max_abs_error"] = bench.largest_difference()
    print(f"\nlargest difference from one pass over the whole: {figures['max_abs_error']:.2e}")
    figures = {f"{name}{restricted}": value for name, value in figures.items()}
    write_report(out, figures, described, ("kpm_ros", "numpy", "numba", "torch"))


if __name__ == "__main__":
    main()
