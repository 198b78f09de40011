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

"""Running a benchmark as on a CPU that knows fewer instructions, for all libraries alike."""

from __future__ import annotations

import os
import sys

from llvmlite import binding

RESTRICTIONS = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX",
    }
}
"""What torch, its oneDNN and MKL, and NumPy read at their start; numba's is made of the CPU's."""
BEYOND = {"avx2": ("avx512", "avx10", "avxvnni", "amx")}
"""Beginnings of the names of instruction sets that are too new."""


def restrict(isa: str) -> None:
    """Begin this program anew with an instruction set at most; go on if that was done before.

    The libraries look at the CPU when they are loaded, so nothing can be changed afterwards.
    """
    features = binding.get_host_cpu_features()
    if not features.get(isa):
        sys.exit(f"this CPU knows no {isa}: leave out --isa {isa}")
    kept = (
        ("+" if there and not name.startswith(BEYOND[isa]) else "-") + name
        for name, there in features.items()
    )
    wanted = {**RESTRICTIONS[isa], "NUMBA_CPU_FEATURES": ",".join(kept)}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, sys.orig_argv, os.environ | wanted)
