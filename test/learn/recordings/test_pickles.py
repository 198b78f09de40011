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

"""Pickle files: arrays are read whoever wrote them, and nothing else ever comes of a file."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.learn.recordings.pickles import PickleError, read_array

NUMBERS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], np.ndarray]:
    def read_bytes(content: bytes) -> np.ndarray:
        path = tmp_path / "file.pkl"
        path.write_bytes(content)
        return read_array(path)

    return read_bytes


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        NUMBERS,
        NUMBERS.astype(np.float64),
        NUMBERS.astype(">i2"),
        NUMBERS.astype(np.uint8),
        np.asfortranarray(NUMBERS),
        NUMBERS[:, ::2],
        NUMBERS > 3,
        np.zeros((0, 6)),
    ],
    ids=["f4", "f8", "big-endian", "u1", "columns first", "strided", "bool", "empty"],
)
def test_arrays_are_read_as_they_were_written(
    read: Callable[[bytes], np.ndarray], array: np.ndarray, protocol: int
) -> None:
    found = read(pickle.dumps(array, protocol=protocol))
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize(("ours", "theirs"), [("numpy.core", "numpy._core")])
def test_arrays_of_numpy_1_and_2_are_read(
    read: Callable[[bytes], np.ndarray], ours: str, theirs: str, protocol: int
) -> None:
    content = pickle.dumps(NUMBERS, protocol=protocol)
    both = [content, _renamed(content, ours, theirs), _renamed(content, theirs, ours)]
    assert len(set(both)) == 2
    for one in both:
        assert np.array_equal(read(one), NUMBERS)


def _renamed(content: bytes, old: str, new: str) -> bytes:
    """Put another module's name in its place; a framed protocol counts its bytes."""
    if old.encode() not in content:
        return content
    long_old, long_new = f"{old}.multiarray".encode(), f"{new}.multiarray".encode()
    renamed = content.replace(long_old, long_new)
    sized = renamed.replace(
        bytes([0x8C, len(long_old)]) + long_new, bytes([0x8C, len(long_new)]) + long_new
    )
    if sized[2:3] == b"\x95":
        (size,) = struct.unpack("<Q", sized[3:11])
        sized = sized[:3] + struct.pack("<Q", size + len(sized) - len(content)) + sized[11:]
    return sized


def test_a_list_of_equal_arrays_is_one_array(read: Callable[[bytes], np.ndarray]) -> None:
    assert np.array_equal(read(pickle.dumps(list(NUMBERS))), NUMBERS)


class _Runs:
    """Asks whoever loads it to make a file."""

    def __init__(self, call: Callable[..., object], *arguments: object) -> None:
        self._reduced = (call, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._reduced


def _object_array(item: object) -> np.ndarray:
    array = np.empty(1, dtype=object)
    array[0] = item
    return array


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("hidden", ["bare", "in a list", "in an array", "as a shape"])
def test_nothing_in_a_file_is_run(
    read: Callable[[bytes], np.ndarray], tmp_path: Path, hidden: str, protocol: int
) -> None:
    mark = tmp_path / "was_run"
    hostile: object = _Runs(os.mkdir, str(mark))
    if hidden == "in a list":
        hostile = [NUMBERS, hostile]
    elif hidden == "in an array":
        hostile = _object_array(hostile)
    elif hidden == "as a shape":
        hostile = _Runs(np.zeros, hostile)
    content = pickle.dumps(hostile, protocol=protocol)
    with pytest.raises(PickleError):
        read(content)
    assert not mark.exists()
    # The file is as hostile as it is said to be.
    pickle.loads(content) if hidden != "as a shape" else None
    assert mark.exists() or hidden == "as a shape"


@pytest.mark.parametrize(
    "content",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cposix\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x07fromstr\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x13ndarray.__class__\x93.",
        b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'/etc/passwd'\ntR.",
        b"ccodecs\nopen\n(S'/etc/passwd'\ntR.",
        b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.",
        b"(inumpy\nmemmap\n.",
        b"Psomething outside\n.",
        b"\x82\x01.",
        # Changing what this module itself calls.
        b"c_codecs\nencode\n}S'__defaults__'\n(S'x'\ntsb.",
    ],
)
def test_any_other_name_is_refused(read: Callable[[bytes], np.ndarray], content: bytes) -> None:
    with pytest.raises(PickleError):
        read(content)


def _claiming(shape: tuple[object, ...], data: bytes = bytes(16)) -> bytes:
    """A pickle whose array claims a shape."""

    class Claiming:
        def __reduce__(self) -> tuple[object, ...]:
            start, arguments, state = NUMBERS.__reduce__()
            return start, arguments, (state[0], shape, state[2], False, data)

    return pickle.dumps(Claiming(), protocol=4)


def _with_start(shape: tuple[int, ...]) -> bytes:
    """A pickle that asks NumPy for an array of a shape before it has any content."""

    class Starting:
        def __reduce__(self) -> tuple[object, ...]:
            start, (kind, _, code), state = NUMBERS.__reduce__()
            return start, (kind, shape, code), state

    return pickle.dumps(Starting(), protocol=4)


@pytest.mark.parametrize(
    "content",
    [
        _claiming((10**12,)),
        _claiming((2**62, 4)),
        _claiming((2**40, 2**40)),
        _claiming((-1, 4)),
        _claiming((-2, -2)),
        _claiming((0, 10**30), b"") + b"",
        _claiming((1,) * 40, bytes(4)),
        _claiming((2.0, 2)),
        _claiming(("4",)),
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**50) + b"N.",
        b"\x80\x02]r\x00\x00\x00\x02.",
        b"\x80\x02]r\xff\xff\xff\xff.",
        b"p999999999999\n.",
    ],
)
def test_absurd_sizes_cost_no_memory(read: Callable[[bytes], np.ndarray], content: bytes) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(PickleError):
        read(content)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_start_of_absurd_shape_is_only_a_start(
    read: Callable[[bytes], np.ndarray],
) -> None:
    assert np.array_equal(read(_with_start((10**9, 10**3))), NUMBERS)


def test_the_same_array_many_times_over_is_refused(read: Callable[[bytes], np.ndarray]) -> None:
    large = np.zeros(10_000)
    with pytest.raises(PickleError, match="no array"):
        read(pickle.dumps([large] * 10_000))


@pytest.mark.parametrize(
    "held",
    [
        None,
        {"emg": NUMBERS},
        "text",
        [],
        [1.0, 2.0],
        [NUMBERS, NUMBERS[:1]],
        np.array(["a", "b"]),
        np.array([1 + 2j]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.zeros(2, dtype=[("x", "f4")]),
        _object_array(1),
        np.ma.masked_array([1.0]),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(
    read: Callable[[bytes], np.ndarray], held: object
) -> None:
    with pytest.raises(PickleError):
        read(pickle.dumps(held))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x80\x04", pickle.dumps(NUMBERS)[:-30]])
def test_a_damaged_file_is_refused_in_words(
    read: Callable[[bytes], np.ndarray], content: bytes
) -> None:
    with pytest.raises(PickleError, match=r"damaged|no pickle"):
        read(content)


def test_any_byte_may_be_wrong(read: Callable[[bytes], np.ndarray]) -> None:
    content = pickle.dumps(NUMBERS[0], protocol=4)
    draw = np.random.default_rng(1)
    for place in range(len(content)):
        broken = bytearray(content)
        broken[place] = int(draw.integers(256))
        try:
            assert read(bytes(broken)).dtype.kind in "biuf"
        except PickleError:
            continue


def test_a_program_that_copies_what_it_holds_is_refused(
    read: Callable[[bytes], np.ndarray],
) -> None:
    """A megabyte of text, made into bytes again and again."""
    text = b"X" + struct.pack("<I", 1_000_000) + b"a" * 1_000_000 + b"q\x00"
    again = b"c_codecs\nencode\nh\x00\x85R"
    with pytest.raises(PickleError, match="more memory than an array needs"):
        read(b"\x80\x02(" + text + again * 100_000 + b"l.")


def test_tables_are_refused(read: Callable[[bytes], np.ndarray]) -> None:
    """Their keys can be chosen so that filling them takes hours."""
    content = {k * (2**61 - 1): None for k in range(3)}
    with pytest.raises(PickleError, match="something else than arrays"):
        read(pickle.dumps(content))
    with pytest.raises(PickleError, match="something else than arrays"):
        read(pickle.dumps({1, 2}, protocol=4))
