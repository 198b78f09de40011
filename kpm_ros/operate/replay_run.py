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

"""One replay: what it needs, the run itself with its progress, and what is said about it."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from kpm_ros import graph, pipeline_nodes
from kpm_ros.align.aligner import Aligner
from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registered_streams import sensed
from kpm_ros.core.settings import values_of
from kpm_ros.core.text_tables import text_table
from kpm_ros.estimate.two_hands import estimate_by_hand
from kpm_ros.models.card import ModelCard
from kpm_ros.nodes import models
from kpm_ros.operate import preflight
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.progress import progress
from kpm_ros.operate.replay_choices import Choices
from kpm_ros.operate.replay_verdict import Verdict, verdict
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.replay import offline, recorded_with
from kpm_ros.replay.bag import require_free, whole_bag
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.compare import Fingerprints, compare
from kpm_ros.replay.effort import (
    Effort,
    EffortBagWriter,
    effort_topics,
    joined,
    read_effort,
    save_npz,
)
from kpm_ros.replay.topics import (
    ALIGNED,
    EFFORT,
    EFFORT_CHUNK,
    RECEIPTS,
    TopicFinder,
)
from kpm_ros.wire.inputs import Input

CHOSEN_HERE = ("model", "registration", "period_s", "begin_with", "hop_s", "pacing")
"""Parameters that a replay has its own way of, or that change no sample."""

DEFAULT_NAMESPACE = PipelineOptions().namespace


class ReplayRun:
    """Runs one recording through the pipeline's objects and tells what came of it."""

    def __init__(self, choices: Choices) -> None:
        """Open the bag and find its topics; what cannot be replayed is refused here."""
        self._stack = ExitStack()
        self._bag = self._stack.enter_context(BagReader(choices.bag))
        namespace = choices.namespace or DEFAULT_NAMESPACE
        live = recorded_with.model(self._bag.facts, namespace)
        model = choices.model or live or PipelineOptions().model
        self._choices = choices = dataclasses.replace(choices, model=model)
        self._sha256 = models.sha256(models.model_path(choices.model))
        hand = choices.hand or recorded_with.hand(self._bag.facts, namespace)
        self._card = models.read_card_of_hand(choices.model, hand)
        self._finder = TopicFinder(self._bag, choices.namespace, choices.topics)
        self._read_parameters(hand)
        self._aligned: str | None = None
        self._inputs: dict[str, Input] = {}
        if choices.from_aligned:
            self._aligned = self._finder.require(ALIGNED)
        else:
            shown = sensed(self._card.streams, self._aligner_config.registration)
            self._inputs = self._finder.inputs(shown)
        self._aligner = Aligner(self._aligner_config)
        self._grid = Fingerprints(self._card.rate_hz)
        self._chunks: list[EffortChunk] = []
        self._effort: Effort | None = None

    @property
    def card(self) -> ModelCard:
        """Of the model that is run."""
        return self._card

    def check_comparable(self) -> None:
        """See that the bag holds effort, and of this model."""
        if self._finder.find(EFFORT_CHUNK) is None:
            self._finder.require(EFFORT)
        for other in self._other_models():
            own = recorded_with.named(self._choices.model, self._sha256)
            raise UserError(
                f"the effort in the bag was made by the model {other}, not by {own}: give that "
                "model with --model"
            )

    def run(self) -> str:
        """Replay the whole bag, and sum it up."""
        self._check_out()
        estimate = self._estimate()
        began = time.perf_counter()
        start_ns, end_ns = self._bag.span_ns or (0, 0)
        length_s = (end_ns - start_ns) / NS_PER_S
        with progress("replaying", round(length_s), "s") as bar:

            def tell(now_ns: int) -> None:
                bar.at(round((now_ns - start_ns) / NS_PER_S), round(length_s))

            replay = offline.Replay(self._bag, self._card, tell)
            self._chunks = list(estimate(self._grid_samples(replay)))
        took_s = time.perf_counter() - began
        self._effort = joined(self._chunks, len(self._card.muscles))
        return self._summary(replay.counts, self._effort, length_s, took_s)

    def compare(self) -> Verdict:
        """Compare with the run in the bag: its grid where it has one, and its effort."""
        assert self._effort is not None
        recorded = read_effort(self._bag, self._finder, len(self._card.muscles))
        against = functools.partial(
            compare,
            second=recorded,
            card=models.read_card(self._choices.model),
            tolerance=self._choices.tolerance,
        )
        aligned = None if self._choices.from_aligned else self._finder.find(ALIGNED)
        if aligned is None or not self._bag.counts[aligned]:
            return verdict(None, against(self._effort))
        live = Fingerprints(self._card.rate_hz)
        replay = offline.Replay(self._bag, self._card)
        again = self._estimate()(live.watch(replay.read_aligned(aligned)))
        estimated = against(joined(again, len(self._card.muscles)))
        grid = self._grid.compare(live)
        return verdict(grid, estimated, against(self._effort, other_inputs=grid.other_inputs))

    def save(self) -> None:
        """Write the effort where the user wants it, if anywhere: all of it, or nothing."""
        out = self._choices.out
        assert self._effort is not None
        if out is not None and out.suffix == ".npz":
            save_npz(out, self._effort, self._card, self._sha256)
        elif out is not None:
            namespace = self._choices.namespace or DEFAULT_NAMESPACE
            with whole_bag(out, effort_topics(namespace)) as bag:
                writer = EffortBagWriter(bag, namespace, self._card, self._sha256)
                for chunk in self._chunks:
                    writer.write(chunk)

    def close(self) -> None:
        """Close the bag."""
        self._stack.close()

    def _other_models(self) -> list[str]:
        """Models that made the recorded effort, and are not the one that makes it now."""
        found = recorded_with.effort_models(self._bag, self._finder)
        return [
            recorded_with.named(m, sha256) for sha256, m in found.items() if sha256 != self._sha256
        ]

    def _told_by_the_bag(self) -> list[str]:
        """What is recorded of how the live run was made, and in what this replay differs."""
        rows = recorded_with.described(self._bag.facts)
        rows += [
            ("model", f"this is not the live run's: that was {m}") for m in self._other_models()
        ]
        namespace = self._choices.namespace or DEFAULT_NAMESPACE
        found = recorded_with.differences(self._bag.facts, namespace, self._in_force)
        rows += [("parameter", f"{difference} in the live run") for difference in found]
        return text_table(rows, indent="  ").splitlines()

    def _read_parameters(self, hand: str) -> None:
        namespace = self._choices.namespace or DEFAULT_NAMESPACE
        options = PipelineOptions(params_file=self._choices.params_file, namespace=namespace)
        table = preflight.read_parameters(Path(pipeline_nodes.params_file(options)).expanduser())
        file = self._choices.registration
        recorded = None if file else recorded_with.registration(self._bag.facts)
        chosen = {"model": self._choices.model, "hand": hand}
        suited = graph.suited("synchronizer", options, self._card.streams)
        live = recorded_with.parameters(self._bag.facts, namespace, "synchronizer")
        as_live = {name: live.get(name, value) for name, value in suited.items()}
        synchronizer = preflight.settings_of(
            "synchronizer", namespace, table, {**as_live, **chosen, "registration": file}
        )
        self._inference = preflight.settings_of("inference", namespace, table, chosen)
        self._in_force = {
            name: {k: v for k, v in values_of(of).items() if k not in CHOSEN_HERE}
            for name, of in (("synchronizer", synchronizer), ("inference", self._inference))
        }
        # Longer chunks than live: the samples are the same, and the network takes them for less.
        self._aligner_config = dataclasses.replace(
            models.aligner_config(synchronizer, recorded), hop_s=offline.LOOK_S
        )

    def _grid_samples(self, replay: offline.Replay) -> Iterator[AlignedChunk]:
        if self._aligned is not None:
            return replay.read_aligned(self._aligned)
        receipts = self._finder.find(RECEIPTS)
        return self._grid.watch(replay.align(self._inputs, self._aligner, receipts))

    def _estimate(self) -> Callable[[Iterable[AlignedChunk]], Iterator[EffortChunk]]:
        """How grid samples become effort: streamed, as live, or in whole stretches on a device."""
        device = self._choices.device
        if not device:
            return functools.partial(offline.stream, models.estimator(self._inference))
        from kpm_ros.estimate.batched import estimate_whole

        card, tensors = models.load(self._choices.model)

        def whole(chunks: Iterable[AlignedChunk]) -> Iterator[EffortChunk]:
            make = functools.partial(models.around, card=card, settings=self._inference)
            return estimate_whole(list(chunks), card, tensors, make, device)

        return functools.partial(estimate_by_hand, card, self._inference.hand, whole)

    def _check_out(self) -> None:
        """Refuse a place that cannot be written to before anything is computed."""
        out = self._choices.out
        if out is None:
            return
        if out.suffix == ".npz" and (out.is_dir() or not out.parent.is_dir()):
            raise UserError(f"out is {str(out)!r}, but a file cannot be written there")
        if out.suffix != ".npz" and out.resolve() == self._choices.bag.resolve():
            raise UserError(f"out is {str(out)!r}, the bag that is replayed; choose another")
        if out.suffix != ".npz":
            require_free(out)

    def _summary(
        self, counts: offline.ReplayCounts, effort: Effort, length_s: float, took_s: float
    ) -> str:
        if not len(effort):
            raise UserError(self._why_nothing(counts))
        topics = (self._aligned,) if self._aligned else tuple(self._inputs)
        valid = float(((effort.flags & Flag.INVALID) == 0).mean())
        lines = [
            f"{length_s:.1f} s of {self._choices.bag} in {took_s:.2f} s: "
            f"{length_s / took_s:.1f} x real time",
            f"  read      {counts.messages} messages of {', '.join(filter(None, topics))}",
            f"  refused   {self._refused(counts)}",
            f"  effort    {len(effort)} samples by {self._card.name}, {valid:.2%} valid",
        ]
        if counts.silences:
            lines.insert(2, f"  silences  {counts.silences} were too long to be filled: skipped")
        if counts.unheard or counts.lacking:
            lines.insert(
                2,
                f"  live      {counts.unheard} messages did not reach the run, and are left out; "
                f"{counts.lacking} that did are not in the bag",
            )
        lines += self._told_by_the_bag()
        if self._choices.out is not None:
            lines.append(f"  written   {self._choices.out}")
        return "\n".join(lines) + "\n"

    def _refused(self, counts: offline.ReplayCounts) -> str:
        found = self._aligner.counts
        return (
            f"{counts.refused + found.refused} not usable, {found.future} from the future; "
            f"{found.late} came after their instant"
        )

    def _why_nothing(self, counts: offline.ReplayCounts) -> str:
        reason = "it is too short"
        if self._aligner.counts.future * 2 > counts.messages:
            reason = (
                "most messages are stamped later than they were received, so that stamps and "
                "times of receipt are of different clocks"
            )
        return (
            f"no effort came of the {counts.messages} messages in {self._choices.bag} "
            f"({self._refused(counts)}): {reason}"
        )
