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

"""Where muscles run that the packaged hand lacks, or lets end in another place."""

from __future__ import annotations

from typing import Any

import numpy as np

from kpm_ros.simulate.anatomy.corrections import ABDUCTOR, CROSS_SECTION_CM2, STRESS_N_CM2

_ABDUCTOR_PATH = (
    ("trapezium_r", (0.0020, 0.0060, -0.0130)),
    ("firstmc_r", (0.0090, -0.0125, -0.0190)),
    ("firstmc_r", (0.0165, -0.0265, -0.0245)),
    ("proximal_thumb_r", (0.0055, -0.0050, -0.0105)),
)
"""From the retinaculum's edge along the metacarpal to the proximal phalanx's radial base."""
_ABDUCTOR_LENGTHS_M = (0.041, 0.062)
"""Shortest and longest within the thumb's reach, where length ranges stay as packaged."""
_LITTLE_ABDUCTOR_END = (
    ("fifthmc_r", (-0.0062, -0.0197, -0.0060)),
    ("5proxph_r", (-0.0062, -0.0100, -0.0060)),
)
"""8.5 mm beside the little finger's knuckle and 1.5 mm to the palm from its axes."""
_CENTRED = {
    "mcp4_flexion_r": (
        *("FDS4-P5_r", "FDS4-P6_r", "FDP4-P5_r", "FDP4-P6_r", "EDC4-P4_r", "EDC4-P5_r"),
        *(f"4thmcp_ellipsoid_site_{name}4_side_r" for name in ("FDS", "FDP", "EDC")),
    ),
    "mcp5_flexion_r": (
        *("FDS5-P5_r", "FDS5-P6_r", "FDP5-P5_r", "FDP5-P6_r", "EDC5-P4_r", "EDC5-P5_r"),
        *(f"5thmcp_ellipsoid_site_{name}5_side_r" for name in ("FDS", "FDP", "EDC")),
    ),
}
"""Where long tendons pass a knuckle whose axis is tilted."""
_STRENGTH = 2
"""Place of a muscle's strength in newtons among MuJoCo's parameters."""


def add_thumb_abductor(spec: Any) -> None:
    """Give the thumb its short abductor, a muscle like its neighbour."""
    tendon = spec.add_tendon(name=ABDUCTOR.replace("_r", "_tendon_r"))
    for number, (body, place) in enumerate(_ABDUCTOR_PATH, start=1):
        name = ABDUCTOR.replace("_r", f"-P{number}_r")
        spec.body(body).add_site(name=name, pos=place)
        tendon.wrap_site(name)
    like = spec.actuator("OP_r")
    muscle = spec.add_actuator(name=ABDUCTOR, target=tendon.name, trntype=like.trntype)
    muscle.gaintype, muscle.biastype, muscle.dyntype = like.gaintype, like.biastype, like.dyntype
    muscle.ctrlrange, muscle.ctrllimited = like.ctrlrange, like.ctrllimited
    muscle.dynprm, muscle.lengthrange = like.dynprm, _ABDUCTOR_LENGTHS_M
    parameters = np.array(like.gainprm)
    parameters[_STRENGTH] = CROSS_SECTION_CM2[ABDUCTOR] * STRESS_N_CM2
    muscle.gainprm, muscle.biasprm = parameters, parameters


def end_little_abductor(spec: Any) -> None:
    """Let the little finger's abductor end at the base of the proximal phalanx."""
    tendon = spec.add_tendon(name="ADM_tendon_r")
    tendon.wrap_site("UI_UB5-P1_r")
    for number, (body, place) in enumerate(_LITTLE_ABDUCTOR_END, start=2):
        name = f"ADM-P{number}_r"
        spec.body(body).add_site(name=name, pos=place)
        tendon.wrap_site(name)
    spec.actuator("UI_UB5_r").target = tendon.name
    spec.delete(spec.tendon("UI_UB5_tendon_r"))


def centre_tendons(spec: Any) -> None:
    """Turn the long tendons about two knuckles as far as the knuckles' axes are turned."""
    for joint, sites in _CENTRED.items():
        across, _, up = np.array(spec.joint(joint).axis)
        length = np.hypot(across, up)
        cosine, sine = across / length, up / length
        for name in sites:
            site = spec.site(name)
            x, y, z = np.array(site.pos)
            site.pos = (x * cosine - z * sine, y, x * sine + z * cosine)
