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

"""Small matrix products, compiled: the arithmetic that streaming spends its time on.

A hop of a few samples is too little for a general matrix library: it spends its time arranging
the operands. Here the weights are arranged once (see `plan.py`) in panels of columns, and a window
of a layer's history is already a row of the left operand, so that a convolution over a hop is one
product without a copy. All run on the calling thread, and without Python's lock.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from kpm_ros.core.compilation import LANES, PANEL, ROWS, WIDE_PANEL, compiled

PREFETCH_BYTES = 4096
"""How far ahead weights are fetched: between hops other programs fill the caches, and a hop that
finds the weights in main memory takes twice as long without this."""

Array = NDArray[np.float32]
Weights = NDArray[np.float32] | NDArray[np.uint16]


def _pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any, element: Any) -> Any:
    data = context.make_array(kind)(context, builder, value=array).data
    return builder.gep(builder.bitcast(data, element.as_pointer()), [at])


def _prefetch(builder: Any, place: Any, ahead: int) -> None:
    """Ask for what lies `ahead` bytes after a place to be brought into the second-level cache."""
    byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    far = builder.gep(builder.bitcast(place, byte), [ir.Constant(ir.IntType(64), ahead)])
    builder.call(function, [far, *(ir.Constant(number, value) for value in (0, 2, 1))])


def _type_multiply_add(
    typing_context: Any, rows: Any, vectors: Any, a: Any, b: Any, c: Any, at: Any
) -> Any:
    """Add to `rows` x `vectors` vectors of c the product of a's rows and b's columns.

    With at = (a_at, a_row, b_at, b_row, b_vector, depth, c_at, c_row, c_vector), all of them
    counted in elements, and with all sums held in registers:
    c[c_at + r c_row + v c_vector + lane] +=
        sum over k < depth of a[a_at + r a_row + k] b[b_at + k b_row + v b_vector + lane].
    b is float32, or float16 given as uint16.
    """
    if not isinstance(rows, types.IntegerLiteral):
        return None
    height, count = rows.literal_value, vectors.literal_value
    single, half = ir.FloatType(), ir.HalfType()
    vector = ir.VectorType(single, LANES)
    whole = ir.IntType(64)
    stored = half if b.dtype == types.uint16 else single
    contract = ("contract",)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        where = cgutils.unpack_tuple(builder, args[5])
        a_at, a_row, b_at, b_row, b_vector, depth, c_at, c_row, c_vector = where

        def step(base: Any, by: Any, index: int) -> Any:
            return builder.gep(base, [builder.mul(by, ir.Constant(whole, index))])

        def as_vector(place: Any, element: Any) -> Any:
            return builder.bitcast(place, ir.VectorType(element, LANES).as_pointer())

        left = _pointer(context, builder, a, args[2], a_at, single)
        right = _pointer(context, builder, b, args[3], b_at, stored)
        sums = _pointer(context, builder, c, args[4], c_at, single)
        lefts = [step(left, a_row, r) for r in range(height)]
        places = [
            as_vector(step(step(sums, c_row, r), c_vector, v), single)
            for r in range(height)
            for v in range(count)
        ]
        starts = [builder.load(place, align=4) for place in places]
        entry = builder.block
        loop, done = builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)

        builder.position_at_end(loop)
        k = builder.phi(whole)
        running = [builder.phi(vector) for _ in places]
        row = builder.gep(right, [builder.mul(k, b_row)])
        if count == 2:
            _prefetch(builder, row, PREFETCH_BYTES)
        columns = []
        for v in range(count):
            column = builder.load(as_vector(step(row, b_vector, v), stored), align=2)
            columns.append(column if stored is single else builder.fpext(column, vector))
        undefined = ir.Constant(vector, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        spread = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        sums_after = []
        for r in range(height):
            factor = builder.load(builder.gep(lefts[r], [k]), align=4)
            factors = builder.insert_element(undefined, factor, first)
            factors = builder.shuffle_vector(factors, undefined, spread)
            for v in range(count):
                term = builder.fmul(factors, columns[v], flags=contract)
                sums_after.append(builder.fadd(term, running[r * count + v], flags=contract))
        following = builder.add(k, ir.Constant(whole, 1))
        k.add_incoming(ir.Constant(whole, 0), entry)
        k.add_incoming(following, loop)
        for phi, start, after in zip(running, starts, sums_after, strict=True):
            phi.add_incoming(start, entry)
            phi.add_incoming(after, loop)
        builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

        builder.position_at_end(done)
        for place, after in zip(places, sums_after, strict=True):
            builder.store(after, place, align=4)
        return context.get_dummy_value()

    return types.void(rows, vectors, a, b, c, at), generate


_multiply_add: Any = intrinsic(prefer_literal=True)(_type_multiply_add)


@compiled
def add_tile(
    rows: int, a: Array, a_at: int, a_row: int,
    b: Weights, b_at: int, b_row: int, b_vector: int, depth: int,
    c: Array, c_at: int, c_row: int, c_vector: int,
) -> None:  # fmt: skip
    """Add the product of up to 12 rows and two vectors of columns."""
    at = (a_at, a_row, b_at, b_row, b_vector, depth, c_at, c_row, c_vector)
    if rows == 1:
        _multiply_add(1, 2, a, b, c, at)
    elif rows == 2:
        _multiply_add(2, 2, a, b, c, at)
    elif rows == 3:
        _multiply_add(3, 2, a, b, c, at)
    elif rows == 4:
        _multiply_add(4, 2, a, b, c, at)
    elif rows == 5:
        _multiply_add(5, 2, a, b, c, at)
    elif rows == 6:
        _multiply_add(6, 2, a, b, c, at)
    elif rows == 7:
        _multiply_add(7, 2, a, b, c, at)
    elif rows == 8:
        _multiply_add(8, 2, a, b, c, at)
    elif rows == 9:
        _multiply_add(9, 2, a, b, c, at)
    elif rows == 10:
        _multiply_add(10, 2, a, b, c, at)
    elif rows == 11:
        _multiply_add(11, 2, a, b, c, at)
    else:
        _multiply_add(12, 2, a, b, c, at)


@compiled
def add_product(
    rows: int, a: Array, a_at: int, a_row: int,
    weights: Weights, w_at: int, depth: int, width: int, c: Array, c_at: int,
) -> None:  # fmt: skip
    """Add to `rows` rows of c, `width` wide, the product of a's rows and packed weights."""
    blocks = (rows + ROWS - 1) // ROWS
    for panel in range(width // PANEL):
        w = w_at + panel * depth * PANEL
        for block in range(blocks):
            first = block * rows // blocks
            count = (block + 1) * rows // blocks - first
            add_tile(
                count, a, a_at + first * a_row, a_row, weights, w, PANEL, LANES, depth,
                c, c_at + first * width + panel * PANEL, width, LANES,
            )  # fmt: skip


@compiled
def add_row_product(
    a: Array, weights: Weights, w_at: int, depth: int, width: int, c: Array
) -> None:
    """Add to one row the product of another and weights packed in wide panels."""
    for panel in range(width // WIDE_PANEL):
        at = (
            0, 0, w_at + panel * depth * WIDE_PANEL, WIDE_PANEL, LANES, depth,
            panel * WIDE_PANEL, 0, LANES,
        )  # fmt: skip
        _multiply_add(1, 8, a, weights, c, at)
