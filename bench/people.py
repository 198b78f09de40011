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

"""How fast a model learns a person: real people who are left out in turn, and SIMULATED ones.

Real ones are those of NinaPro's database 1 in `--data`, by the protocol that is used there: test on
repetitions 2, 5 and 7; 100 s of a person are repetition 1, 300 s repetitions 1, 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _people import coverage_figures, ridge_error, simulated_people, within_intervals
from _report import ROOT, bench_options, machine, print_table, write_report
from rich.progress import track

from kpm_ros.learn.adaptation.adapting import adapt
from kpm_ros.learn.adaptation.gained import Score, score_of
from kpm_ros.learn.adaptation.steps import to_movement
from kpm_ros.learn.adaptation.takes import Part, shortened
from kpm_ros.learn.importing.archives import TEST_TAKES, Archive, person_of
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.models.card import ModelCard
from kpm_ros.models.kernel.features import draw_directions
from kpm_ros.models.kernel.fitting import fit_people, summed
from kpm_ros.models.own_scale import movement_of, usual_card
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained

OWN = {"10s": ("1",), "30s": ("1",), "100s": ("1",), "300s": ("1", "3", "4")}
"""Takes of the person that a model is adapted to."""
LIMITS = {"10s": 10.0, "30s": 30.0}


class Person:
    """One person's takes, by repetition."""

    def __init__(self, path: Path) -> None:
        self.name = person_of(path)
        self.recordings = Archive(path, self.name).take().recordings

    def parts(self, card: ModelCard, takes: Sequence[str], tested: bool = True) -> list[Part]:
        """Give some takes, or all others."""
        chosen = [one for one in self.recordings if (one.take in takes) == tested]
        grids = [GridRecording.of(one, card) for one in chosen]
        return [Part(one, one.known[0][0], one.known[-1][1]) for one in grids]


def main() -> None:
    """Leave every person out in turn."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "../shared/data/glove_emg")
    parser.add_argument("--people", type=int, default=0, help="of them, to be quick (0: all)")
    parser.add_argument("--simulated", type=int, default=6, help="SIMULATED people")
    options = parser.parse_args()
    described = machine()
    files = sorted(options.data.glob("*.npz"))
    figures: dict[str, float] = {}
    if len(files) > 2:
        figures |= real_people([Person(path) for path in files], options.people or len(files))
    else:
        print(f"{options.data} holds no recordings of people: only SIMULATED ones are measured")
    if options.simulated:
        figures |= simulated_people(options.simulated)
        print(f"  SIMULATED: 100 s of a person take away {figures['sim_gain_100s']:.0%} of RMSE")
    write_report(options.out, figures, described, ("numpy", "scipy"))


def real_people(people: Sequence[Person], count: int) -> dict[str, float]:
    """Adapt to each person a model that all others have made."""
    first = people[0].recordings[0]
    card = find_architecture("kernel").new_card(
        streams=first.streams,
        muscles=first.truth.muscles,
        unit=first.truth.unit,
        rate_hz=round(first.truth.rate_hz),
    )
    every = {one.name: one.parts(card, (), tested=False) for one in people}
    card = usual_card(card, {name: movement_of(card, parts) for name, parts in every.items()})
    drawn = draw_directions(card, 0)
    sums = {
        name: summed(name, card, drawn, parts)
        for name, parts in track(every.items(), "movements of all people")
    }
    scores: dict[str, list[Score]] = {name: [] for name in ("as_it_is", "unseen", *OWN)}
    ridge, rows = [], []
    within = {}
    for person in track(people[:count], "people left out"):
        others = [one for name, one in sums.items() if name != person.name]
        base = Trained(*fit_people(card, others, drawn))
        tests = person.parts(card, TEST_TAKES)
        others_takes = person.parts(card, TEST_TAKES, tested=False)
        models = {"as_it_is": base, "unseen": to_movement(base, others_takes)}
        for name, takes in OWN.items():
            own = shortened(person.parts(card, takes), LIMITS.get(name, np.inf))
            models[name] = adapt(base, own, [one.recording.recording.task for one in own]).model
        checked = {name: [part.check(model) for part in tests] for name, model in models.items()}
        for name, model in models.items():
            scores[name].append(score_of(model, checked[name]))
        within[person.name] = within_intervals(base, checked["unseen"])
        ridge.append(ridge_error(person.parts(card, OWN["100s"]), tests))
        last = [scores[name][-1].rmse for name in scores]
        rows.append((person.name, *last, ridge[-1], float(within[person.name].mean())))
    print_table("RMSE of each person", ("person", *scores, "ridge 100s", "within"), rows)
    for name, found in scores.items():
        print(f"  {name}: RMSE {mean(found).rmse:.4f}, r {mean(found).correlation:.3f}")
    told = coverage_figures("interval_coverage_unseen", within, card.muscles)
    return {
        "rmse_unseen": mean(scores["unseen"]).rmse,
        "r_unseen": mean(scores["unseen"]).correlation,
        "rmse_unseen_no_movement": mean(scores["as_it_is"]).rmse,
        **{f"rmse_{name}": mean(scores[name]).rmse for name in OWN},
        **{f"r_{name}": mean(scores[name]).correlation for name in OWN},
        "rmse_ridge_100s": float(np.mean(ridge)),
        **told,
        "within_100s_mean": mean(scores["100s"]).coverage,
        "people": float(count),
    }


def mean(scores: Sequence[Score]) -> Score:
    """Average over people."""
    return Score(*np.mean(np.array(scores), axis=0).tolist())


if __name__ == "__main__":
    main()
