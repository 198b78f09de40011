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

"""This machine taken for other ones: other kernels of BLAS, fewer instructions, an older libm."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

try:
    from numpy._core import _multiarray_umath as numpy_core
except ImportError:  # NumPy 1
    from numpy.core import _multiarray_umath as numpy_core

FEATURES: dict[str, bool] = numpy_core.__cpu_features__
AVX512 = tuple(name for name in numpy_core.__cpu_dispatch__ if name.startswith("AVX512"))
AVX2 = ("FMA3", "AVX2")


@dataclass(frozen=True)
class Cpu:
    """How a process is made to compute as on some CPU."""

    kernels: str
    """OpenBLAS's name of it."""
    needs: str
    """The feature without which those kernels cannot run."""
    lacks: tuple[str, ...] = ()
    """What NumPy is to do without."""
    old_libm: bool = False
    """Whether the C library is to do without fused multiplication, too."""

    @property
    def missing(self) -> str:
        """Why it cannot be tried here; nothing if it can."""
        if platform.machine() not in ("x86_64", "AMD64"):
            return f"the {self.kernels} kernels are for x86-64, this is {platform.machine()}"
        if not FEATURES.get(self.needs):
            return f"the {self.kernels} kernels need {self.needs}, which this CPU lacks"
        return ""

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a process that computes so, on one thread."""
        # NumPy refuses what it was not built for, and warns of what the CPU lacks.
        known = [name for name in self.lacks if FEATURES.get(name)]
        environment = {
            "OPENBLAS_CORETYPE": self.kernels,
            "NPY_DISABLE_CPU_FEATURES": " ".join(known),
            "OMP_NUM_THREADS": "1",
        }
        if self.old_libm:
            environment["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"
        return os.environ | environment


CPUS = (
    Cpu("Haswell", "AVX2", AVX512),
    Cpu("SkylakeX", "AVX512F"),
    # What OpenBLAS takes for every CPU that it does not know.
    Cpu("Prescott", "SSE3", (*AVX512, *AVX2), old_libm=True),
)
