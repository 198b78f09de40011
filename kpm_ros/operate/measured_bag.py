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

"""One bag, measured: its effort, or effort made again, against the EMG recorded beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.importing.emg_truth import EmgRules, EmgTruth
from kpm_ros.learn.recordings.cache import DigestCache
from kpm_ros.learn.scores.metrics import OTD_POINTS
from kpm_ros.learn.scores.take_cache import TakeCache, take_key
from kpm_ros.learn.scores.take_figures import measure
from kpm_ros.learn.scores.takes import Take
from kpm_ros.nodes.models import model_path, sha256
from kpm_ros.operate.bag_efforts import BagEfforts, ModelFacts
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.measurement import STAGES
from kpm_ros.operate.picture_sources import labels_of
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.effort import Effort

TEST_SET = "recorded"
NEAREST_NS = NS_PER_S // 2000
"""An effort sample further off than this describes another instant."""
QUANTILES = 100
"""Parts that a stage's delays are kept in: all that percentiles and pictures need."""


@dataclass(frozen=True)
class BagFigures:
    """What was measured of one bag."""

    takes: tuple[Take, ...]
    said: tuple[str, ...]
    """What is to be known of it, in sentences."""
    models: Mapping[str, ModelFacts]
    delays_ms: Mapping[str, tuple[float, ...]]
    """Of each stage of the live path, quantiles from the least to the most."""
    simulated: bool

    def as_plain(self) -> dict[str, Any]:
        """Put it in the form of JSON."""
        return {
            **vars(self),
            "takes": [take.as_plain() for take in self.takes],
            "models": {name: list(facts) for name, facts in self.models.items()},
        }

    @classmethod
    def from_plain(cls, raw: Mapping[str, Any]) -> BagFigures:
        """Read back what `as_plain` gave and JSON kept."""
        return cls(
            takes=tuple(Take.from_plain(one) for one in raw["takes"]),
            said=tuple(raw["said"]),
            models={
                name: ModelFacts(about, tuple(inputs), lookahead_s, trained_on)
                for name, (about, inputs, lookahead_s, trained_on) in raw["models"].items()
            },
            delays_ms={stage: tuple(values) for stage, values in raw["delays_ms"].items()},
            simulated=raw["simulated"],
        )


@dataclass(frozen=True)
class NamedBag:
    """One bag, and what it is called."""

    stem: str
    path: Path
    person: str = ""
    task: str = ""
    rules: EmgRules = field(default_factory=EmgRules)
    """How its EMG becomes effort."""
    simulated: bool = False
    namespace: str = ""


@dataclass(frozen=True)
class BagWork:
    """How bags are measured; it is sent to the processes that do so."""

    bags: tuple[NamedBag, ...]
    models: tuple[str, ...] = ()
    otd_points: int = OTD_POINTS

    def open(self, root: Path) -> None:
        """Nothing is to be made ready."""

    def parts(self) -> Sequence[NamedBag]:
        """List the bags."""
        return self.bags

    def make(self, part: NamedBag, root: Path) -> bool:
        """Measure one, unless it was before; a bag that cannot be used is found out later, too."""
        try:
            self.figures(part, TakeCache(root))
        except (BagError, UserError, ValueError):
            return False
        return True

    def finish(self, root: Path) -> None:
        """Nothing is left to be done."""

    def figures(self, part: NamedBag, kept: TakeCache) -> BagFigures:
        """Measure one bag, unless it was measured before."""
        return kept.get(self._key(part), lambda: self._measured(part), BagFigures.from_plain)

    def estimates(self, bag: BagEfforts) -> dict[str, Effort]:
        """Give effort as it was recorded, or as the models that were asked for make it again."""
        found = bag.replayed(self.models) if self.models else bag.recorded()
        if not found:
            raise BagError(
                "it holds no effort: name a model that is to make some of it, with --models"
            )
        return found

    def _key(self, part: NamedBag) -> str:
        path = part.path
        files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
        digests = DigestCache(path if path.is_dir() else path.parent)
        models = {name: sha256(model_path(word)) for name, word in labels_of(self.models).items()}
        content = [digests.get(file) for file in files]
        about = {**vars(part), "path": "", "rules": repr(part.rules)}
        return take_key("bag", content, models, about, self.otd_points)

    def _measured(self, part: NamedBag) -> BagFigures:
        with BagEfforts(part.path, part.namespace) as bag:
            efforts = self.estimates(bag)
            emg = bag.measured(part.rules)
            muscles = [name for name in bag.muscles if name in emg.truth.muscles]
            if not muscles:
                raise BagError(
                    f"its effort is of {', '.join(bag.muscles)}, and its EMG of "
                    f"{', '.join(emg.truth.muscles)}: no name is in both"
                )
            takes = [
                self._take(part, name, effort, emg, bag.muscles, muscles)
                for name, effort in efforts.items()
            ]
            said = list(emg.said)
            if emg.truth.unit != bag.unit:
                said.append(f"effort is in {bag.unit}, EMG in {emg.truth.unit}")
            delays = {} if self.models else _quantiles(bag.traces())
            made_up = part.simulated or recorded_with.simulated(bag.facts)
            return BagFigures(tuple(takes), tuple(said), bag.models, delays, made_up)

    def _take(
        self,
        bag: NamedBag,
        model: str,
        effort: Effort,
        emg: EmgTruth,
        estimated: Sequence[str],
        muscles: Sequence[str],
    ) -> Take:
        columns = [emg.truth.muscles.index(name) for name in muscles]
        truth = np.asarray(emg.truth.values)[:, columns]
        at = at_instants(effort, emg.stamps_ns)[:, [list(estimated).index(n) for n in muscles]]
        figures = measure(truth, at, muscles, emg.truth.rate_hz, self.otd_points)
        if not figures.muscles:
            raise BagError(f"no effort of {model} is valid while EMG was measured")
        seconds = np.arange(int(emg.truth.duration_s) + 1) * NS_PER_S + emg.start_ns
        valid = (effort.flags & Flag.INVALID) == 0
        counts, _ = np.histogram(effort.stamps_ns[valid], seconds)
        shares = tuple(float(round(x, 2)) for x in np.clip(counts / 2000, 0, 1))
        return Take(model, TEST_SET, bag.stem, bag.person, bag.task, figures, shares)


def at_instants(effort: Effort, stamps_ns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Give the effort nearest to each instant; not numbers where none, or no valid one, is near."""
    order = np.argsort(effort.stamps_ns, kind="stable")
    known = effort.stamps_ns[order]
    after = np.clip(np.searchsorted(known, stamps_ns), 1, max(1, len(known) - 1))
    before = after - 1
    after = np.minimum(after, len(known) - 1)
    nearer = stamps_ns - known[before] <= known[after] - stamps_ns
    nearest = order[np.where(nearer, before, after)]
    near = np.abs(effort.stamps_ns[nearest] - stamps_ns) <= NEAREST_NS
    near &= (effort.flags[nearest] & Flag.INVALID) == 0
    return np.where(near[:, None], effort.effort[nearest], np.float32(np.nan))


def _quantiles(traces: Sequence[Any]) -> dict[str, tuple[float, ...]]:
    found = {}
    for stage, (first, last) in STAGES.items():
        ends = [(getattr(trace, first), getattr(trace, last)) for trace in traces]
        values = [(b - a) / 1e6 for a, b in ends if a and b]
        if values:
            steps = np.quantile(values, np.linspace(0, 1, QUANTILES + 1))
            found[stage] = tuple(float(f"{value:.4g}") for value in steps)
    return found
