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

"""The decoder run as it is in use, each output from the one before, with a fast way back.

Left to automatic differentiation, a window of a thousand samples is a graph of ten thousand small
operations. Here only what truly depends on the previous output is done sample by sample, into
memory that is allocated once; the gradients of all weights are large products over all samples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class DecoderWeights(NamedTuple):
    """The decoder's layers; those of the last one are already multiplied by the output's scale."""

    feedback: Tensor
    """(H, M): of the first layer, the part that sees the previous output."""
    norm1: Tensor
    shift1: Tensor
    linear2: Tensor
    bias2: Tensor
    norm2: Tensor
    shift2: Tensor
    linear3: Tensor
    bias3: Tensor


def decode(
    seen: Tensor, previous: Tensor, weights: DecoderWeights, slope: float, epsilon: float
) -> Tensor:
    """Decode what the first layer makes of the features, (T, B, H), into effort (T, B, M)."""
    effort: Tensor = _SequentialDecoding.apply(seen, previous, slope, epsilon, *weights)
    return effort


class _SequentialDecoding(torch.autograd.Function):
    """All steps as one operation."""

    @staticmethod
    def forward(
        ctx: Any, seen: Tensor, previous: Tensor, slope: float, epsilon: float, *given: Tensor
    ) -> Tensor:
        w = DecoderWeights(*given)
        samples, batch, hidden = seen.shape
        first, second = torch.empty_like(seen), torch.empty_like(seen)
        active1, active2 = torch.empty_like(seen), torch.empty_like(seen)
        effort = seen.new_empty(samples, batch, len(w.bias3))
        moments = []
        feedback, linear2, linear3 = w.feedback.t(), w.linear2.t(), w.linear3.t()
        shape = [hidden]
        last = previous
        for t in range(samples):
            torch.addmm(seen[t], last, feedback, out=first[t])
            x, mean1, rstd1 = torch.native_layer_norm(first[t], shape, w.norm1, w.shift1, epsilon)
            torch._C._nn.leaky_relu(x, slope, out=active1[t])
            torch.addmm(w.bias2, active1[t], linear2, out=second[t])
            x, mean2, rstd2 = torch.native_layer_norm(second[t], shape, w.norm2, w.shift2, epsilon)
            torch._C._nn.leaky_relu(x, slope, out=active2[t])
            last = effort[t]
            torch.addmm(w.bias3, active2[t], linear3, out=last)
            moments.append((mean1, rstd1, mean2, rstd2))
        stacked = [torch.stack(one) for one in zip(*moments, strict=True)]
        ctx.slope = slope
        ctx.save_for_backward(previous, first, second, active1, active2, effort, *stacked, *given)
        return effort

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, wanted: Tensor) -> tuple[Tensor | None, ...]:
        previous, first, second, active1, active2, effort, *rest = ctx.saved_tensors
        mean1, rstd1, mean2, rstd2 = rest[:4]
        w = DecoderWeights(*rest[4:])
        slope = ctx.slope
        samples, _, hidden = first.shape
        shape = [hidden]
        grad_out = wanted.contiguous().clone()
        after1, after2 = torch.empty_like(first), torch.empty_like(second)
        norm_back = torch.ops.aten.native_layer_norm_backward
        leaky_back = torch.ops.aten.leaky_relu_backward
        only_input = [True, False, False]
        grad_second, grad_first = torch.empty_like(second), torch.empty_like(first)
        back: Tensor | None = None
        for t in range(samples - 1, -1, -1):
            if back is not None:
                grad_out[t] += back
            x = torch.mm(grad_out[t], w.linear3)
            after2[t] = leaky_back(x, active2[t], slope, True)
            x = norm_back(
                after2[t], second[t], shape, mean2[t], rstd2[t], w.norm2, w.shift2, only_input
            )[0]
            grad_second[t] = x
            x = torch.mm(x, w.linear2)
            after1[t] = leaky_back(x, active1[t], slope, True)
            x = norm_back(
                after1[t], first[t], shape, mean1[t], rstd1[t], w.norm1, w.shift1, only_input
            )[0]
            grad_first[t] = x
            back = torch.mm(x, w.feedback)
        before = torch.cat((previous[None], effort[:-1]))

        def rows(x: Tensor) -> Tensor:
            return x.flatten(0, 1)

        normal1, normal2 = (first - mean1) * rstd1, (second - mean2) * rstd2
        grads = DecoderWeights(
            feedback=rows(grad_first).t() @ rows(before),
            norm1=(after1 * normal1).sum((0, 1)),
            shift1=after1.sum((0, 1)),
            linear2=rows(grad_second).t() @ rows(active1),
            bias2=grad_second.sum((0, 1)),
            norm2=(after2 * normal2).sum((0, 1)),
            shift2=after2.sum((0, 1)),
            linear3=rows(grad_out).t() @ rows(active2),
            bias3=grad_out.sum((0, 1)),
        )
        return grad_first, back, None, None, *grads
