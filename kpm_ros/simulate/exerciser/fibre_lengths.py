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

"""How long muscles' fibres and tendons are, where the packaged body's were fitted to curves.

The packaged body's tendons run as those of the models it was made from, but fibres were fitted
anew, and some came out several times as long as they are, or slack in every posture (the
latissimus). Here they are as published: legs [1], arms [2]; lengths of tendons are those at which
they are just taut. Every other number (strength, paths) stays as packaged.

How force depends on the fibre's length follows MuJoCo's curve with `ACTIVE_RANGE`, which is as wide
as that measured on human fibres; what it resists when stretched follows `PASSIVE`.

[1] Rajagopal et al., IEEE Trans. Biomed. Eng. 63 (2016). [2] Holzbaur, Murray & Delp, Ann. Biomed.
Eng. 33 (2005). Both are quoted without their files at hand, and fit the packaged
paths: in every muscle the fibre is at 0.1 to 1.4 times its best length when standing.
"""

from __future__ import annotations

ACTIVE_RANGE = (0.15, 1.85)
"""Fibre lengths, over the best one, at which a muscle gives no more force."""
PASSIVE = 0.1
"""Of the most force, what a fibre resists with where the curve stops bending (1.425).

Relaxed fibres resist some times as much. But tendons do not stretch here, as they do by some
percent of their length, so that fibres look longer than they are.
"""
SPEED = 10.0
"""Best lengths a second at which a shortening fibre gives no more force."""
LENGTHENING = 1.4
"""Of the most force, what a fibre gives that is stretched quickly."""

FIBRE_AND_TENDON_MM: dict[str, tuple[float, float]] = {
    "addbrev": (103, 35),
    "addlong": (108, 132),
    "addmagDist": (177, 87),
    "addmagIsch": (156, 216),
    "addmagMid": (138, 47),
    "addmagProx": (106, 40),
    "bflh": (98, 325),
    "bfsh": (110, 106),
    "edl": (69, 369),
    "ehl": (75, 327),
    "fdl": (45, 379),
    "fhl": (53, 354),
    "gaslat": (59, 376),
    "gasmed": (51, 399),
    "glmax1": (147, 49),
    "glmax2": (157, 68),
    "glmax3": (167, 70),
    "glmed1": (73, 56),
    "glmed2": (73, 65),
    "glmed3": (73, 45),
    "glmin1": (68, 16),
    "glmin2": (56, 26),
    "glmin3": (38, 51),
    "grac": (228, 172),
    "iliacus": (107, 96),
    "perbrev": (45, 148),
    "perlong": (51, 332),
    "piri": (26, 115),
    "psoas": (117, 100),
    "recfem": (76, 449),
    "sart": (403, 124),
    "semimem": (69, 348),
    "semiten": (193, 247),
    "soleus": (44, 277),
    "tfl": (95, 450),
    "tibant": (68, 240),
    "tibpost": (38, 281),
    "vasint": (99, 202),
    "vaslat": (99, 221),
    "vasmed": (97, 200),
    "DELT1": (97.6, 93.0),
    "DELT2": (107.8, 109.5),
    "DELT3": (136.7, 38.0),
    "SUPSP": (68.2, 39.5),
    "INFSP": (75.5, 30.8),
    "SUBSC": (87.3, 33.0),
    "TMIN": (74.1, 71.3),
    "TMAJ": (162.4, 20.0),
    "PECM1": (144.2, 2.8),
    "PECM2": (138.5, 89.0),
    "PECM3": (138.5, 132.0),
    "LAT1": (254.0, 120.0),
    "LAT2": (232.4, 176.5),
    "LAT3": (278.9, 140.3),
    "CORB": (93.2, 97.0),
    "TRIlong": (134.0, 143.0),
    "TRIlat": (113.8, 98.0),
    "TRImed": (113.8, 90.8),
    "ANC": (27.0, 18.0),
    "SUP": (33.0, 28.0),
    "BIClong": (115.7, 272.3),
    "BICshort": (132.1, 192.3),
    "BRA": (85.8, 53.5),
    "BRD": (172.6, 133.0),
    "PT": (49.2, 98.0),
    "PQ": (28.2, 5.0),
}
"""Best length of the fibres, and length of the tendon, of an average man."""
