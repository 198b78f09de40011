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

"""Memory that is freed is kept for the next step, where the C library can be told to."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("resource")

LOOK = """
import resource, sys
import numpy as np
from kpm_ros.learn.training.freed_memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    pieces = [np.empty(2**24, np.uint8) for _ in range(12)]
    for piece in pieces:
        piece.fill(1)
    del piece, pieces
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
usually, can = faults(), keep_freed_memory()
faults()
print(usually, int(can), faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be told")
def test_a_piece_that_was_freed_is_given_out_again_without_being_filled_with_zeros():
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    usually, can, kept = map(int, said.stdout.split())
    if not can:
        pytest.skip("this C library is not glibc")
    # Pages may be of 2 MiB, of which each piece has eight.
    assert kept < usually / 4
