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

"""Compares the simulated body with a walk that others measured.

`python -m kpm_ros.simulate.exerciser.measured_walk FOLDER` prints the tables of docs/exerciser.md.
The folder holds the walk of OpenSim's example3DWalking: joint angles, reaction forces, the moments
that OpenSim's inverse dynamics gave for its own model, envelopes of ten leg muscles' EMG, markers.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.exerciser.coordinates import COORDINATES
from kpm_ros.simulate.exerciser.exercising_person import GRAVITY, ExercisingPerson
from kpm_ros.simulate.exerciser.exertion import Exertion
from kpm_ros.simulate.exerciser.figure import Figure, exert
from kpm_ros.simulate.exerciser.ground import FootForces
from kpm_ros.simulate.exerciser.mechanics import RATE_HZ
from kpm_ros.simulate.exerciser.opensim_files import Table, read_markers, read_table
from kpm_ros.simulate.exerciser.walker import TO_WORLD, measure_walker, postures

Array = NDArray[np.float64]

WALK = "example3DWalking"
SAGITTAL = ("hip_flexion", "knee", "ankle")
JOINTS = (*SAGITTAL, "hip_adduction", "hip_rotation")
_THEIR_JOINTS = {"knee": "knee_angle", "ankle": "ankle_angle"}
SEEN_BY_EMG: dict[str, tuple[str, ...]] = {
    "soleus": ("soleus",),
    "gastrocnemius": ("gasmed", "gaslat"),
    "tibialis_anterior": ("tibant",),
    "medial_hamstrings": ("semiten", "semimem"),
    "biceps_femoris": ("bflh",),
    "vastus_lateralis": ("vaslat",),
    "vastus_medius": ("vasmed",),
    "rectus_femoris": ("recfem",),
    "gluteus_maximus": ("glmax1", "glmax2", "glmax3"),
    "gluteus_medius": ("glmed1", "glmed2", "glmed3"),
}
"""The model's muscles behind each measured channel, all of the right leg."""
OTHER_EMG = "exampleEMGTracking_emg.sto"
SEEN_BY_OTHER_EMG: dict[str, str] = {
    "soleus": "soleus",
    "gastrocnemius": "gastrocnemius",
    "tibialis_anterior": "tibialis_anterior",
    "hamstrings": "medial_hamstrings",
    "biceps_femoris": "biceps_femoris",
    "vastus": "vastus_lateralis",
    "rectus_femoris": "rectus_femoris",
    "gluteus": "gluteus_maximus",
}
"""Channels of a second file of the same walk, and what they are called above.

The file does not say of which leg. It lasts from one touch of the left foot to the next.
"""
_LONGEST_LAG_S = 0.2
_LOADED_N = 20.0


class WalkData(NamedTuple):
    """The measured walk, at `RATE_HZ`, in the world's axes."""

    person: ExercisingPerson
    times: Array
    q: Array
    ground: FootForces
    centre: Array
    """(n, 2, 2): centre of pressure of each foot."""
    moments: Table
    emg: Table
    other_emg: Table
    """Of the left leg, as long as it was recorded."""


@dataclass(frozen=True)
class WalkStudy:
    """How far the simulated body is from what was measured."""

    moment_error_fraction: dict[str, float]
    """Root mean square error of each joint's moment over the measured one's range."""
    moment_error_n_m: dict[str, float]
    walk_moment_error_fraction: float
    """Mean over hip, knee and ankle in the sagittal plane."""
    emg_correlation: dict[str, float]
    """Of each muscle, as it is."""
    emg_lag_s: dict[str, float]
    """By how much activation would have to be later to be most like the EMG."""
    emg_best_correlation: dict[str, float]
    """At that lag."""
    walk_emg_correlation: float
    """Mean over the muscles, as they are."""
    other_leg_emg_correlation: dict[str, float]
    """Of each muscle of the left leg, as it is: nothing was chosen with it in view."""
    force_error_fraction: dict[str, float]
    """Root mean square error of the shared reaction forces, over body weight, by direction."""
    centre_error_m: float
    """Root mean square distance of the shared centres of pressure from the measured ones."""
    residual_fraction: float
    """Root mean square force that the measured reactions leave over, over body weight."""


def load(folder: Path) -> WalkData:
    """Read the walk."""
    angles = read_table(folder / f"{WALK}_coordinates.sto")
    forces = read_table(folder / f"{WALK}_grf_walk.mot")
    markers = read_markers(folder / f"{WALK}_markers_walk.trc")
    count = int((angles.times[-1] - angles.times[0]) * RATE_HZ) + 1
    times = angles.times[0] + np.arange(count) / RATE_HZ
    ground, centre = _ground(forces.at(times))
    upward = forces.column("ground_force_r_vy") + forces.column("ground_force_l_vy")
    stride = _stride_s(forces)
    whole = (forces.times >= times[0]) & (forces.times < times[0] + stride)
    mass = float(upward[whole].mean()) / GRAVITY
    walker = measure_walker(mass, angles, markers)
    return WalkData(
        walker.person,
        times,
        postures(angles.at(times), walker.hips),
        ground,
        centre,
        read_table(folder / f"{WALK}_id_walk.sto").at(times),
        read_table(folder / f"{WALK}_electromyography.sto").at(times),
        _inside(read_table(folder / OTHER_EMG), times),
    )


def study(folder: Path) -> WalkStudy:
    """Drive the model with the measured walk and compare what it needs."""
    walk = load(folder)
    figure = Figure(walk.person)
    found = exert(figure, walk.q, RATE_HZ, ground=walk.ground)
    shared = exert(figure, _on_soles(figure, walk), RATE_HZ)
    fraction, absolute = _moment_errors(found, walk)
    correlation, lags, best = _emg(found, walk)
    weight = walk.person.weight_n
    off = (shared.ground.force - walk.ground.force) / weight
    both = np.isfinite(shared.ground.centre) & np.isfinite(walk.centre)
    apart = np.where(both, shared.ground.centre - walk.centre, np.nan)
    return WalkStudy(
        fraction,
        absolute,
        float(np.mean([fraction[name] for name in SAGITTAL])),
        correlation,
        lags,
        best,
        float(np.mean(list(correlation.values()))),
        _other_emg(found, walk),
        {
            name: float(np.sqrt(np.mean(np.square(off[..., axis]))))
            for axis, name in enumerate(("forward", "sideways", "upward"))
        },
        float(np.sqrt(np.nanmean(np.square(apart).sum(axis=-1)))),
        float(np.sqrt(np.mean(np.square(found.residual[:, :3]).sum(axis=1)))) / weight,
    )


def _on_soles(figure: Figure, walk: WalkData) -> Array:
    """Lower the walk by the thickness of the walker's shoes, which the model does not wear."""
    lowest = figure.soles(walk.q)[..., 2].min(axis=2)
    loaded = walk.ground.force[..., 2] > 0.5 * walk.person.weight_n
    q = walk.q.copy()
    q[:, COORDINATES.index("pelvis_z")] -= np.median(lowest[loaded])
    return q


def _moment_errors(found: Exertion, walk: WalkData) -> tuple[dict[str, float], dict[str, float]]:
    fraction, absolute = {}, {}
    for joint in JOINTS:
        errors, ranges = [], []
        for side in "lr":
            theirs = walk.moments.column(f"{_THEIR_JOINTS.get(joint, joint)}_{side}_moment")
            ours = found.moment[:, COORDINATES.index(f"{joint}_{side}")]
            errors.append(np.sqrt(np.mean(np.square(ours - theirs))))
            ranges.append(np.ptp(theirs))
        absolute[joint] = float(np.mean(errors))
        fraction[joint] = float(np.mean(np.array(errors) / ranges))
    return fraction, absolute


def _emg(
    found: Exertion, walk: WalkData
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    correlation, lags, best = {}, {}, {}
    most = round(_LONGEST_LAG_S * RATE_HZ)
    for channel in SEEN_BY_EMG:
        ours = _seen(found, channel, "r")
        theirs = walk.emg.column(channel)
        at = {lag: _alike(ours, theirs, lag) for lag in range(-most, most + 1)}
        lag = max(at, key=lambda each: at[each])
        correlation[channel], lags[channel], best[channel] = at[0], lag / RATE_HZ, at[lag]
    return correlation, lags, best


def _other_emg(found: Exertion, walk: WalkData) -> dict[str, float]:
    """Correlate the left leg's muscles with the second file."""
    part = np.searchsorted(walk.times, walk.other_emg.times)
    return {
        channel: _alike(_seen(found, name, "l")[part], walk.other_emg.column(channel), 0)
        for channel, name in SEEN_BY_OTHER_EMG.items()
    }


def _seen(found: Exertion, channel: str, side: str) -> Array:
    """Add up the muscles behind a channel: (n,)."""
    own = [found.muscle_names.index(f"{name}_{side}") for name in SEEN_BY_EMG[channel]]
    return np.asarray(found.excitation[:, own].sum(axis=1))


def _inside(table: Table, times: Array) -> Table:
    """Give a table at those of some times that it has."""
    return table.at(times[(times >= table.times[0]) & (times <= table.times[-1])])


def _alike(ours: Array, theirs: Array, lag: int) -> float:
    """Correlate what we have with what they measured `lag` samples later."""
    count = len(ours) - abs(lag)
    first, second = ours[max(-lag, 0) :][:count], theirs[max(lag, 0) :][:count]
    return float(np.corrcoef(first, second)[0, 1])


def _stride_s(forces: Table) -> float:
    """Time between two touches of the right foot."""
    on = forces.column("ground_force_r_vy") > _LOADED_N
    touches = forces.times[1:][~on[:-1] & on[1:]]
    return float(touches[1] - touches[0])


def _ground(forces: Table) -> tuple[FootForces, Array]:
    """Reaction forces of both feet, and their moments about the world's origin."""
    force, moment, centre = [], [], []
    for side in "lr":
        push, point, twist = (
            np.stack([forces.column(f"ground_{kind}_{side}_{axis}") for axis in axes], axis=1)
            @ TO_WORLD.T
            for kind, axes in (
                ("force", ("vx", "vy", "vz")),
                ("force", ("px", "py", "pz")),
                ("torque", ("x", "y", "z")),
            )
        )
        loaded = push[:, 2:] > _LOADED_N
        # Where a foot is not loaded, the files' points are in millimetres.
        force.append(np.where(loaded, push, 0.0))
        moment.append(np.where(loaded, np.cross(point, push) + twist, 0.0))
        centre.append(np.where(loaded, point[:, :2], np.nan))
    return FootForces(np.stack(force, axis=1), np.stack(moment, axis=1)), np.stack(centre, axis=1)


def main() -> None:
    """Print how far the simulated body is from the measured walk."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder with the example3DWalking files")
    found = study(parser.parse_args().folder)
    print("A SIMULATED body, driven with a measured walk.\n")
    print("| moment | error, N m | of the range |\n|---|---|---|")
    for joint in JOINTS:
        error, part = found.moment_error_n_m[joint], found.moment_error_fraction[joint]
        print(f"| {joint} | {error:.1f} | {part:.3f} |")
    print(f"\nMean of hip, knee, ankle: {found.walk_moment_error_fraction:.3f}\n")
    print("| muscle | correlation | best | at a lag of, ms |\n|---|---|---|---|")
    for muscle, r in found.emg_correlation.items():
        best, lag = found.emg_best_correlation[muscle], 1000 * found.emg_lag_s[muscle]
        print(f"| {muscle} | {r:.2f} | {best:.2f} | {lag:.0f} |")
    print(f"\nMean: {found.walk_emg_correlation:.3f}\n")
    print("| muscle of the left leg | correlation |\n|---|---|")
    for muscle, r in found.other_leg_emg_correlation.items():
        print(f"| {muscle} | {r:.2f} |")
    other = np.mean(list(found.other_leg_emg_correlation.values()))
    print(f"\nMean: {other:.3f}\n")
    forces = ", ".join(f"{n} {v:.3f}" for n, v in found.force_error_fraction.items())
    print(f"Shared reaction forces, of body weight: {forces}; centre {found.centre_error_m:.3f} m")
    print(f"Residual force with the measured reactions: {found.residual_fraction:.3f} of it")


if __name__ == "__main__":
    main()
