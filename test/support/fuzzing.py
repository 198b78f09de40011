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

"""Good bytes made bad, in ways that break readers; and how much of that a run does.

The same seed gives the same cases. `make fuzz` sets FUZZ_SECONDS, so that it goes on for longer.
"""

from __future__ import annotations

import itertools
import os
import struct
import time
from collections.abc import Iterator
from random import Random

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
"""How long each reader or topic is tried; 0 = a fixed number of cases."""
SEED = int(os.environ.get("FUZZ_SEED", "0"))

_NUMBERS = (
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**40,
    2**63,
    2**64 - 1,
)
_WORDS = (
    b"1e308",
    b"-1e308",
    b"9" * 5000,
    b"nan",
    b"null",
    b"[]",
    b"{}",
    b"-1",
    b"\x1b[2J",
    b"\xff\xfe",
)
_BRACKETS = (b"[", b"{", b"(", b"- ", b"? ", b'{"a":', b"*a ", b"&a ")


def cases(usual: int, name: str) -> Iterator[tuple[int, Random]]:
    """Number the cases of a run, each with its own source of chance."""
    end = time.monotonic() + SECONDS
    for number in itertools.count():
        if number >= usual and time.monotonic() >= end:
            return
        yield number, Random(f"{name} {SEED} {number}")


def mutated(good: bytes, random: Random) -> bytes:
    """Damage bytes in one to four ways."""
    bad = bytearray(good)
    for _ in range(random.randint(1, 4)):
        random.choice(_WAYS)(bad, random)
    return bytes(bad)


def _flip(bad: bytearray, random: Random) -> None:
    for _ in range(random.randint(1, 8)):
        if bad:
            bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)


def _cut(bad: bytearray, random: Random) -> None:
    del bad[random.randrange(len(bad) + 1) :]


def _lose(bad: bytearray, random: Random) -> None:
    start = random.randrange(len(bad) + 1)
    del bad[start : start + random.randint(1, 64)]


def _number(bad: bytearray, random: Random) -> None:
    """Write a number where a length or a count may stand."""
    size, code = random.choice(((1, "B"), (2, "H"), (4, "I"), (8, "Q")))
    value = random.choice(_NUMBERS) % (1 << 8 * size)
    order = random.choice("<>")
    at = random.randrange(len(bad) + 1)
    bad[at : at + size] = struct.pack(order + code, value)


def _word(bad: bytearray, random: Random) -> None:
    at = random.randrange(len(bad) + 1)
    bad[at : at + random.choice((0, 1, 8))] = random.choice(_WORDS)


def _nest(bad: bytearray, random: Random) -> None:
    at = random.randrange(len(bad) + 1)
    bad[at:at] = random.choice(_BRACKETS) * random.choice((3, 100, 20_000))


def _repeat(bad: bytearray, random: Random) -> None:
    start = random.randrange(len(bad) + 1)
    part = bytes(bad[start : start + random.randint(1, 400)])
    bad[start:start] = part * random.choice((1, 3, 50))


def _swap(bad: bytearray, random: Random) -> None:
    if len(bad) > 16:
        a, b = (random.randrange(len(bad) - 8) for _ in range(2))
        bad[a : a + 8], bad[b : b + 8] = bad[b : b + 8], bad[a : a + 8]


_WAYS = (_flip, _flip, _cut, _lose, _number, _number, _number, _word, _nest, _repeat, _swap)
