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

"""CodeTalker, from hands and keys to effort instead of from speech to a face.

The original learns codes of a face's movement first, and then a decoder that says, frame by frame,
from sound and from what it has said before, which codes come next; each answer is the nearest entry
of the book. Here a frame is about a 64th of a second of effort. In place of a speech model's
features stands a convolution over a third of a second of what is seen, and in place of a neutral
face the mean effort. Nobody tells a model who is playing, so that the style of all is one, which a
bias holds.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call

from kpm_ros.models.card import ModelCard
from kpm_ros.models.codetalker.codes import COMMITMENT, Codes, Size, straight_through
from kpm_ros.models.torch_layers import (
    Normalise,
    falling_mask,
    from_frames,
    places,
    samples_a_frame,
    to_frames,
)

KERNEL = 21
"""Frames of what is seen that a frame is told of."""
DROPOUT = 0.1
SIZES = {
    "codetalker": Size(),
    "codetalker-light": Size(width=128, hidden=192, layers=2, token_width=16, decoder_layers=4),
}
"""By what cards call them."""


class CodeTalker(nn.Module):
    """Codes of effort, and the decoder that says them; it is taught in two stages."""

    losses = ("reconstruction", "coding", "motion", "codes")
    first_share = 2 / 3
    template: Tensor
    size: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        size = SIZES[card.architecture]
        width, muscles = size.width, len(card.muscles)
        self.frame = samples_a_frame(card)
        self.period, self.heads = round(card.rate_hz / self.frame), size.decoder_heads
        self.normalise = Normalise(card)
        self.register_buffer("template", torch.zeros(muscles))
        self.register_buffer("size", torch.ones(muscles))
        self.codes = Codes(size, muscles)
        self.seen = nn.Conv1d(card.streams.width, width, KERNEL, padding="same")
        self.said = nn.Linear(muscles, width)
        self.dropout = nn.Dropout(DROPOUT)
        layer = nn.TransformerDecoderLayer(
            width, size.decoder_heads, 2 * width, DROPOUT, batch_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, size.decoder_layers)
        self.next_codes = nn.Linear(width, size.tokens * size.token_width, bias=False)
        nn.init.zeros_(self.next_codes.weight)

    def forward(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into effort (B, M, T), each frame from those said before it."""
        seen = self._look(values)
        said = seen.new_zeros(len(seen), 1, len(self.card.muscles))
        for _ in range(seen.shape[1]):
            effort = self.codes(self._next(said, seen))
            said = torch.cat((said, effort[:, -1:]), dim=1)
        drawn = from_frames(effort.transpose(1, 2), self.frame, values.shape[-1])
        return self.template[:, None] + self.size[:, None] * drawn

    def first_losses(self, values: Tensor, effort: Tensor) -> dict[str, Tensor]:
        """How far codes are from the true effort, and effort from its codes: (B, M, T)."""
        true, known = self._true(effort)
        coded = self.codes.encode(true)
        again = self.codes.decode(straight_through(*coded))
        parts = {
            "reconstruction": _mean((again - true).abs(), known),
            "coding": _mean((coded.before.detach() - coded.entries).square())
            + COMMITMENT * _mean((coded.before - coded.entries.detach()).square()),
        }
        return {"loss": parts["reconstruction"] + parts["coding"], **parts}

    def second_losses(self, values: Tensor, effort: Tensor) -> dict[str, Tensor]:
        """How far the decoder's effort and codes are off where it is told the true effort before.

        What the first stage has learnt stays as it is.
        """
        true, known = self._true(effort)
        before = torch.cat((torch.zeros_like(true[:, :1]), true[:, :-1]), dim=1)
        said = self._next(before, self._look(values))
        frozen = {name: weight.detach() for name, weight in self.codes.named_parameters()}
        with torch.no_grad():
            wanted = self.codes.encode(true).entries
        parts = {
            "motion": _mean((functional_call(self.codes, frozen, said) - true).square(), known),
            "codes": _mean((said - wanted).square()),
        }
        return {"loss": parts["motion"] + parts["codes"], **parts}

    def _true(self, effort: Tensor) -> tuple[Tensor, Tensor]:
        """Give true effort of frames (B, n, M), and 1 where all of a frame is known."""
        known = effort.isfinite()
        away = (effort - self.template[:, None]) / self.size[:, None]
        true = to_frames(torch.where(known, away, 0.0), self.frame)
        whole = to_frames(known.to(true.dtype), self.frame) > 1 - 0.5 / self.frame
        return true.transpose(1, 2), whole.transpose(1, 2)

    def _look(self, values: Tensor) -> Tensor:
        """Turn values (B, W, T) into what is seen at each frame (B, n, width)."""
        seen: Tensor = self.seen(to_frames(self.normalise(values), self.frame))
        return seen.transpose(1, 2)

    def _next(self, said: Tensor, seen: Tensor) -> Tensor:
        """Say codes (B, n, tokens x token width), given the effort of n frames before each."""
        count = said.shape[1]
        frames = self.said(said)
        at = torch.arange(count, device=frames.device) % self.period
        frames = self.dropout(frames + places(self.period, frames.shape[2], frames)[at])
        mask = falling_mask(self.heads, count, self.period).to(frames)
        others = ~torch.eye(count, dtype=torch.bool, device=frames.device)
        decoded = self.decoder(
            frames,
            seen[:, :count],
            tgt_mask=mask.repeat(len(frames), 1, 1),
            memory_mask=others,
        )
        codes: Tensor = self.next_codes(decoded)
        return codes


def _mean(values: Tensor, known: Tensor | None = None) -> Tensor:
    """Average over what is known."""
    if known is None:
        return values.mean()
    return (values * known).sum() / known.sum().clamp(min=1)
