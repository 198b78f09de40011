"""A stream in hops, as one pass."""

from __future__ import annotations

from typing import Any

import numpy as np


def stream(estimator: Any, pose: Any, keys: Any, hops: Any, first_index: int = 0) -> np.ndarray:
    """Begin a stream and push the signal in hops of the given sizes, over and over; then flush."""
    estimator.reset(first_index)
    parts, at, turn = [], 0, 0
    while at < len(pose):
        hop = hops[turn % len(hops)]
        parts.append(estimator.push(pose[at : at + hop], keys[at : at + hop]))
        at, turn = at + hop, turn + 1
        due = max(0, min(at, len(pose)) - estimator.card.lookahead)
        assert sum(map(len, parts)) == due == estimator.given
    return np.concatenate([*parts, estimator.flush()])
