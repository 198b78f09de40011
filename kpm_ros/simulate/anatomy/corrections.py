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

"""What this project changes in the packaged hand, each change with a name, a reason and a switch.

`Corrections()` makes all of them; `AS_PACKAGED` makes none. What each one does to the result is
measured by `python -m kpm_ros.simulate.anatomy.probe_study`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Corrections:
    """Which changes to the packaged hand are made."""

    segment_inertia: bool = True
    """Phalanges turn as rods of flesh and bone do.

    The four fingers' phalanges are packaged with one moment of inertia for all, 1e-4 kg m2, about
    their joint; a rod of a proximal phalanx's mass and length has 2e-6 about its middle. Mass stays
    as packaged and is spread over the rod that the packaged collision shape is.
    """
    armature: bool = True
    """Joints have no rotor inertia.

    1e-4 kg m2 is added to each joint as packaged, for the sake of large integration steps. Inverse
    dynamics takes no steps, and a whole bent finger has 2.4e-5 about its knuckle.
    """
    joint_damping: bool = True
    """Finger and thumb joints are damped lightly, with 0.002 N m s/rad.

    Packaged are 0.05 (wrist 0.25), again for stable steps: ten radians a second, a quick keystroke,
    then take 0.5 N m. 0.002 lets a finger of 2.4e-5 kg m2 and 0.04 N m/rad, the passive stiffness
    measured at the knuckle [1], come to rest with a damping ratio of 1. Young adults' fingers that
    pressed on a handle were mostly above that [13]; relaxed ones were not measured there. Wrist:
    0.03.
    """
    passive_stiffness: bool = True
    """Joints pull back to rest, softly around it and steeply near their limits; see `passive.py`.

    As packaged no joint does: a wide spread costs nothing to hold, and so neither the little
    finger's abductor nor the first dorsal interosseous answers to it.
    """
    length_ranges: bool = True
    """A muscle's packaged operating range, 0.75 to 1.05 fibre lengths, covers its whole reach.

    As packaged, lengths are ranges that some postures within the joints' limits leave by far; the
    fifth finger's palmar interosseous (RI5) then has no force at all in most of them.
    """
    fibre_length: bool = True
    """The hand's own muscles have fibres as long as measured [3], at 0.9 of the best when relaxed.

    MuJoCo derives fibre lengths from how far a tendon travels. For the first dorsal interosseous
    that gives 63 mm instead of 32, and its force hardly depends on how far the index is spread,
    while people lose most of that strength by spreading, which was put down to the length of its
    fibres [8]. At 0.9 they begin to resist only when a knuckle is stretched: their part of what a
    relaxed knuckle resists is negligible [12].
    """
    shortening_speed: bool = True
    """Muscles shorten by at most 10 fibre lengths a second, as muscle models usually have it [2].

    Packaged is 1.5, with which the quickest keystrokes leave the muscles that make them no force.
    """
    muscle_strength: bool = True
    """The muscles of fingers and thumb have 100 N for each cm2 of their measured cross-section.

    Most of those in the forearm have that as packaged (84 to 113 N for a cm2 [4]). In the hand and
    for the little finger there is no rule: a lumbrical has 48 to 98 N, as much as an interosseous
    whose cross-section is ten times larger [3]; the first dorsal interosseous has 41 N for a cm2,
    the little finger's extensor 350.
    """
    thumb_abductor: bool = True
    """The thumb has its short abductor (APB), which is missing as packaged.

    It runs from the palmar side of trapezium and flexor retinaculum along the radial side of the
    metacarpal to the radial base of the proximal phalanx. Opponens pollicis, which is there, moves
    the metacarpal only. Cross-section 0.68 cm2 [3].
    """
    linked_fingertips: bool = True
    """A finger's last joint is moved by the one before it, by two thirds: a rule for human hands.

    As packaged it turns freely, and its extensors and deep flexor pull on it and on the knuckle in
    almost the same proportion, so that no muscles could lift the knuckle and keep the tip bent. In
    people the slack of the bands beside the bent middle joint sees to that, and a ligament [11];
    how many fingers have it, and how much it does, is disputed [14]. What muscles do to both joints
    then adds up, weighted by how far each of them moves.
    """
    palm_arch: bool = True
    """The palm is as flat and as broad at the knuckles as a hand that lies on keys.

    As packaged the palm is cupped: the little finger's knuckle is 18 mm below the middle one's and
    the knuckles of index and little finger are 43 mm apart seen from above. 0.653 times the hand's
    breadth was measured [9], 55 mm for 85 mm. The joints that flatten the palm, those at the base
    of the fourth and fifth metacarpal, were measured to move by 20 and 27 degrees [10] and are
    locked in the model. Here the two are turned up by 12 and 20 degrees and the index finger's
    metacarpal is moved outwards by 3 mm. On five neighbouring keys the index and little finger are
    then spread by 13 and 8 degrees, without it by 17 and 22.
    """
    centred_tendons: bool = True
    """The ring and little finger's long tendons pass the middle of their knuckles.

    As packaged the knuckles' axes are tilted by 26 and 34 degrees, but the tendons lie straight
    above and below them, so that extensors pull these fingers 4 mm to the thumb's side and flexors
    3 to 4 mm to the other. Here tendons are turned about the knuckle as far as its axis is.
    """
    little_abductor: bool = True
    """The little finger's abductor ends at the base of its proximal phalanx.

    As packaged (UI_UB5) it runs 3 to 5 mm palmar of the knuckle and on to the middle phalanx, as an
    interosseous does, so that it bends the knuckle and stretches the finger. To undo both, the
    extensor has to pull, which also pulls outwards and spreads the finger in the abductor's place.
    Here it runs beside the knuckle; bending is left to the flexor beside it, which the model lacks.
    """
    knuckle_range: bool = True
    """The four fingers' knuckles spread and stretch as far as a pianist's do; see `KNUCKLE_RANGE`.

    Packaged are 15 degrees to each side and none backwards. Everyday tasks alone take 10 degrees
    backwards [5], the index finger goes 30 degrees to the side [6], and with packaged limits and
    knuckles 40 mm apart from index to little finger the hand can neither lie on five neighbouring
    white keys nor hold an octave, 165 mm: women pianists span 201 mm on average, men 226 [7].
    """

    def without(self, name: str) -> Corrections:
        """Make the same changes but one."""
        return replace(self, **{name: False})


AS_PACKAGED = Corrections(**{field.name: False for field in fields(Corrections)})

ARCH_DEG = {"fourthmc_r": 12.0, "fifthmc_r": 20.0}
"""By how much the outer metacarpals are turned up about the middle one."""
INDEX_OUTWARDS_M = 0.003
KNUCKLE_RANGE_DEG = {2: (-20.0, 30.0), 3: (-20.0, 20.0), 4: (-30.0, 20.0), 5: (-40.0, 20.0)}
"""Of fingers 2 to 5, furthest to the little finger's side and to the thumb's."""
KNUCKLE_BACKWARDS_DEG = 20.0
STRESS_N_CM2 = 100.0
"""Strength for each cm2 of cross-section."""
ABDUCTOR = "APB_r"
"""The thumb's short abductor, as it is named among the model's muscles."""
CROSS_SECTION_CM2 = {
    "RI2_r": 1.50,
    "RI3_r": 1.34,
    "UI_UB3_r": 0.95,
    "UI_UB4_r": 0.91,
    "UI_UB2_r": 0.75,
    "RI4_r": 0.65,
    "RI5_r": 0.61,
    "UI_UB5_r": 0.89,
    "LU_RB2_r": 0.11,
    "LU_RB3_r": 0.10,
    "LU_RB4_r": 0.08,
    "LU_RB5_r": 0.06,
    "OP_r": 1.02,
    ABDUCTOR: 0.68,
    "APL_r": 1.93,
    "EPB_r": 0.47,
    "EPL_r": 0.98,
    "FPL_r": 2.08,
    "FDS2_r": 1.71,
    "FDS3_r": 2.53,
    "FDS4_r": 1.61,
    "FDS5_r": 0.40,
    "FDP2_r": 1.77,
    "FDP3_r": 2.23,
    "FDP4_r": 1.72,
    "FDP5_r": 2.20,
    "EDC2_r": 0.52,
    "EDC3_r": 1.02,
    "EDC4_r": 0.86,
    "EDC5_r": 0.40,
    "EDM_r": 0.64,
    "EIP_r": 0.56,
}
"""Physiological cross-section: of muscles in the hand, APL and EPB [3], of the others [4].

The figures of this table and the next were not checked against the tables of [3] and [4].
"""
FIBRE_LENGTH_M = {
    "RI2_r": 0.032,
    **dict.fromkeys(("RI3_r", "UI_UB3_r", "UI_UB4_r", "UI_UB2_r", "RI4_r", "RI5_r"), 0.025),
    "UI_UB5_r": 0.046,
    **dict.fromkeys(("LU_RB2_r", "LU_RB3_r", "LU_RB4_r", "LU_RB5_r"), 0.055),
    "OP_r": 0.036,
    ABDUCTOR: 0.042,
}
"""Fibres of the hand's own muscles [3]; the lesser interossei by one common value."""
RELAXED_FIBRE = 0.9
"""Their length in a relaxed hand, relative to the best one."""
SHORTENING_SPEED = 10.0
"""Most fibre lengths a second by which a muscle shortens."""

# [1] Table 2 of PMC7775510, Front. Bioeng. Biotechnol. 8 (2020): four healthy subjects. [2] Zajac,
# Muscle and tendon, Crit. Rev. Biomed. Eng. 17 (1989). [3] Jacobson et al., Architectural design
# of the human intrinsic hand muscles, J. Hand Surg. 17A (1992). [4] Lieber et al., Architecture
# of selected muscles of the arm and forearm, ibid. [5] Hayashi & Shimizu, Essential motion of
# metacarpophalangeal joints, J. Hand Ther. 26 (2013). [6] Kapandji, The Physiology of the Joints
# 1 (1982). [7] Boyle, Boyle & Booker, Pianist hand spans: gender and ethnic differences, Proc.
# Australasian Piano Pedagogy Conf. (2015). [8] Zijdewind & Kernell, Index finger position and
# force of the human first dorsal interosseus, J. Appl. Physiol. 77 (1994). [9] Buchholz,
# Armstrong & Goldstein, Anthropometric data for describing the kinematics of the human hand,
# Ergonomics 35 (1992). [10] El-Shennawy et al., Three-dimensional kinematic analysis of the
# second through fifth carpometacarpal joints, J. Hand Surg. 26A (2001). [11] Landsmeer, The
# anatomy of the dorsal aponeurosis of the human finger, Anat. Rec. 104 (1949). [12] Kuo &
# Deshpande, Muscle-tendon units provide limited contributions to the passive stiffness of the
# index finger metacarpophalangeal joint, J. Biomech. 45 (2012). [13] Park et al., Mechanical
# properties of the human hand digits: age-related differences, Clin. Biomech. 29 (2014).
# [14] El-Gammal et al., Anatomy of the oblique retinacular ligament of the index finger, J. Hand
# Surg. 18 (1993), finds conflicting descriptions.
# Checked: [1] in its table; [5, 8, 10, 12, 13, 14] in their abstracts; [7] and [9] as others quote
# them. Not checked against their text: [2], [3], [4], [6] and [11].
