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

"""What the compiled code is made for, and that what nobody uses any more does not pile up."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core import compilation

DAY_S = 24 * 3600


@pytest.fixture
def base(tmp_path):
    return tmp_path


def add(base, number, days, name=""):
    folder = base / (name or f"{number:016x}")
    folder.mkdir()
    (folder / "kernels.hop.nbc").write_bytes(b"code")
    then = time.time() - days * DAY_S
    os.utime(folder, (then, then))
    return folder


def test_the_newest_few_and_those_used_lately_are_kept(base):
    used = add(base, 0, 400)
    folders = [add(base, 1 + n, days) for n, days in enumerate((90, 40, 50, 60, 29))]
    compilation.remove_unused(base, used)
    # The three newest others are 29, 40 and 50 days old.
    assert [folder.exists() for folder in folders] == [False, True, True, False, True]
    assert used.exists()


def test_many_that_were_used_lately_are_all_kept(base):
    folders = [add(base, n, 20) for n in range(8)]
    compilation.remove_unused(base, folders[0])
    assert all(folder.exists() for folder in folders)


def test_what_is_not_compiled_code_is_left_alone(base):
    others = [add(base, n, 400, name) for n, name in enumerate(("pianist", "0" * 15, "x" * 16))]
    for number in range(10, 14):
        add(base, number, 40)
    (base / f"{1:016x}").write_text("a file")
    compilation.remove_unused(base, base / "none")
    assert all(folder.exists() for folder in others)
    assert (base / f"{1:016x}").is_file()


def test_two_processes_that_remove_the_same_do_not_disturb_each_other(base, monkeypatch):
    folders = [add(base, n, 40 + n) for n in range(6)]
    remove = shutil.rmtree

    def after_another(path, **options):
        remove(path)
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", after_another)
    compilation.remove_unused(base, base / "none")
    assert [folder.exists() for folder in folders] == [True] * 3 + [False] * 3


def test_the_folder_in_use_is_marked_as_used(monkeypatch, tmp_path):
    monkeypatch.setattr(compilation._config, "CACHE_DIR", str(tmp_path))
    folder = compilation._cache_folder()
    os.utime(folder, (0, 0))
    assert compilation._cache_folder() == folder
    assert time.time() - folder.stat().st_mtime < 3600


def test_every_file_that_decides_what_is_compiled_is_in_the_digest():
    """Those with compiled functions, and those whose numbers or functions these use."""
    package = Path(compilation.__file__).parents[1]
    needed = set()
    for path in package.rglob("*.py"):
        module = ast.parse(path.read_text())
        if any(isinstance(part, ast.FunctionDef) and is_compiled(part) for part in module.body):
            needed |= {path, *used_by(module, package.parent)}
    assert len(needed) > 5
    assert needed <= set(compilation.compiled_files())


def is_compiled(function):
    return any(isinstance(d, ast.Name) and d.id == "compiled" for d in function.decorator_list)


def used_by(module, root):
    """Files of the package that compiled functions, or the numbers they use, take a name from."""
    parts = [
        part
        for part in module.body
        if isinstance(part, ast.Assign) or (isinstance(part, ast.FunctionDef) and is_compiled(part))
    ]
    names = {n.id for part in parts for n in ast.walk(part) if isinstance(n, ast.Name)}
    for part in module.body:
        own = isinstance(part, ast.ImportFrom) and (part.module or "").startswith("kpm_ros")
        if own and names & {alias.asname or alias.name for alias in part.names}:
            yield root / f"{part.module.replace('.', '/')}.py"


SHOW_ASSEMBLY = """
from numba import float32, int64, uint16, void
from kpm_ros.models.pianokpm.kernels import add_row_product
from kpm_ros.models.row_kernels import normalise
from kpm_ros.models.framed.kernels import add_weighted_rows
row, table = float32[::1], float32[:, ::1]
for kernel, signature in (
    (normalise, void(row, row, row, row, int64)),
    (add_weighted_rows, void(row, table, row)),
    (add_row_product, void(row, uint16[::1], int64, int64, int64, row)),
):
    kernel.compile(signature)
    (assembly,) = kernel.inspect_asm().values()
    print("KERNEL", assembly)
"""
COMMON = "+avx,+avx2,+fma,+f16c,+bmi,+bmi2,+popcnt,+lzcnt,+movbe,+sse4.2,+ssse3"
AVX512 = COMMON + ",+avx512f,+avx512cd,+avx512bw,+avx512dq,+avx512vl"


def multiplying(folder: Path, cpu: str, features: str) -> list[list[str]]:
    """Compile for a CPU; of each kernel, the registers of every multiplication of vectors."""
    environment = {
        "NUMBA_CPU_NAME": cpu,
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW_ASSEMBLY],
        env=os.environ | environment,
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    if "not a recognized processor" in done.stderr:
        pytest.skip(f"this LLVM knows no {cpu}")
    assert done.returncode == 0, done.stderr
    kernels = done.stdout.split("KERNEL")[1:]
    assert len(kernels) == 3
    return [re.findall(r"vfn?madd\w+ps\b.*%([xyz]mm)", kernel) for kernel in kernels]


def test_an_intel_cpu_with_avx512_is_used_at_its_full_width(tmp_path):
    for registers in multiplying(tmp_path, "emeraldrapids", AVX512):
        # What is left over at a loop's end may be done in smaller ones.
        assert registers.count("zmm") > 2 * registers.count("ymm")
        assert registers.count("zmm") >= 8


def test_a_cpu_without_avx512_is_given_no_such_instruction(tmp_path):
    for registers in multiplying(tmp_path, "haswell", COMMON):
        assert "zmm" not in registers
        assert registers.count("ymm") >= 8


@pytest.mark.parametrize("shape", [(7,), (3, 5)])
def test_arrays_are_placed_where_a_cache_line_begins(shape):
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for _ in range(20):
        placed = compilation.on_cache_line(values)
        assert placed.ctypes.data % 64 == 0
        assert np.array_equal(placed, values)
        assert placed.flags.c_contiguous
        assert placed.flags.writeable
