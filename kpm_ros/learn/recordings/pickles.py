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

"""Pickle files of arrays, read without running anything that is in them.

A pickle is a program that may call any function. Here its operations are looked at one by one
before it is run, and every name that it asks for is either one of a few stand-ins made here, which
hold data and nothing else, or refused. NumPy's own functions are never called by a file.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import PICKLE_BYTES, printable, read_bytes
from kpm_ros.core.pickle_limits import PickleError, look_through

_NOT_OF_ARRAYS = frozenset(
    {"BINPERSID", "DICT", "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS", "FROZENSET"}
)
"""Nothing outside, and no tables, which take long to fill with numbers chosen for that."""
_MOST_DIMENSIONS = 4
_KIND = re.compile(r"([<>|=]?)([biuf])(\d{1,2})")
_DTYPE_STATE_LENGTH = 8
_ARRAY_STATE_LENGTH = 5


def read_array(path: Path) -> NDArray[np.generic]:
    """Read the array of numbers that a pickle file holds, or a list of arrays as one."""
    content = read_bytes(path, PICKLE_BYTES)
    try:
        look_through(content, _NOT_OF_ARRAYS)
        found = _Reader(content).load()
        return _as_array(found, len(content))
    except PickleError:
        raise
    except MemoryError:
        raise PickleError("asks for more memory than there is") from None
    # A damaged program may fail in any way that its operations can.
    except Exception:
        raise PickleError("is no pickle, or a damaged one") from None


class _DType:
    """Stands in for numpy.dtype: the kind, size and order of plain numbers."""

    def __init__(self, kind: str, *flags: object) -> None:
        found = _KIND.fullmatch(kind) if isinstance(kind, str) else None
        if not found:
            raise PickleError("holds something else than numbers")
        self._order, self._kind = found[1], found[2] + found[3]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) != _DTYPE_STATE_LENGTH:
            raise PickleError("holds a type of number that is not known")
        order, *structure = state[1:5]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in structure):
            raise PickleError("holds something else than numbers")
        self._order = order

    def resolve(self) -> np.dtype[Any]:
        """Give NumPy's type."""
        return np.dtype(self._order + self._kind)


class _Array:
    """Stands in for numpy.ndarray: a block of bytes that a shape fits."""

    array: NDArray[np.generic] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if not isinstance(state, tuple) or len(state) != _ARRAY_STATE_LENGTH:
            raise PickleError("holds an array of a kind that is not known")
        _, shape, dtype, columns_first, data = state
        self.array = _array(data, dtype, shape, "F" if columns_first else "C")


def _array(data: object, dtype: object, shape: object, order: str) -> NDArray[np.generic]:
    """Make an array of exactly the bytes that there are."""
    if not isinstance(dtype, _DType) or not isinstance(data, (bytes, bytearray)):
        raise PickleError("holds something else than numbers")
    if (
        not isinstance(shape, tuple)
        or len(shape) > _MOST_DIMENSIONS
        or not all(type(size) is int and size >= 0 for size in shape)
    ):
        raise PickleError("holds an array whose shape is not known")
    kind = dtype.resolve()
    if math.prod(shape) * kind.itemsize != len(data):
        raise PickleError(f"says that an array is {shape}, but holds {len(data)} bytes of it")
    flat = np.frombuffer(data, kind)
    return flat.reshape(shape[::-1]).T if order == "F" else flat.reshape(shape)


def _reconstruct(kind: object, *ignored: object) -> _Array:
    """Stand in for NumPy's function of this name: an array still without content."""
    if kind is not _Array:
        raise PickleError("holds something else than arrays")
    return _Array()


def _from_buffer(data: object, dtype: object, shape: object, order: object) -> _Array:
    """Stand in for NumPy's way since pickle protocol 5."""
    made = _Array()
    made.array = _array(data, dtype, shape, "F" if order == "F" else "C")
    return made


def _scalar(dtype: object, data: object) -> _Array:
    """Stand in for a single number."""
    return _from_buffer(data, dtype, (), "C")


def _no_bytes() -> bytes:
    """Stand in for bytes(), by which old protocols write that there are none."""
    return b""


class _Function:
    """Something that a file may call but not change."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., object]) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise PickleError("holds something else than arrays")


_STAND_INS: dict[tuple[str, str], object] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("__builtin__", "bytes"): _Function(_no_bytes),
}
for _core in ("numpy.core", "numpy._core"):
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _Function(_reconstruct)
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _Function(_scalar)
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _Function(_from_buffer)


class _Reader(pickle.Unpickler):
    """Knows the stand-ins and no other names."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self._room = len(content)

    def find_class(self, module: str, name: str) -> Any:
        """Give a stand-in, or refuse."""
        if (module, name) == ("_codecs", "encode"):
            return _Function(self._encode)
        stand_in = _STAND_INS.get((module, name))
        if stand_in is None:
            raise PickleError(
                f"asks for {printable(f'{module}.{name}', 200)}, but may hold arrays of numbers "
                "and nothing else"
            )
        return stand_in

    def _encode(self, text: object, encoding: object = "latin1") -> bytes:
        """Stand in for codecs.encode, by which old protocols write bytes: each of them once."""
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise PickleError("holds something else than arrays")
        self._room -= len(text)
        if self._room < 0:
            raise PickleError("asks for more memory than an array needs")
        return text.encode("latin1")


def _as_array(found: object, size: int) -> NDArray[np.generic]:
    """Give the array, or a list of equally shaped arrays as one."""
    if isinstance(found, _Array) and found.array is not None:
        return found.array
    if isinstance(found, (list, tuple)) and found:
        parts = [part.array for part in found if isinstance(part, _Array)]
        whole = [part for part in parts if part is not None]
        # The same array many times over would grow beyond what the file holds.
        if len(whole) == len(found) and sum(part.nbytes for part in whole) <= size:
            if len({part.shape for part in whole}) > 1:
                raise PickleError("holds a list of arrays of different shapes")
            return np.stack(whole)
    raise PickleError("holds no array of numbers")
