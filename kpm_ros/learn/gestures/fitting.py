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

"""What scikit-learn fits, as the numbers that a gesture model is evaluated by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.gestures.executions import Array
from kpm_ros.learn.gestures.rows import Rows

STRONG = 90.0
"""Percentile of a gesture's own levels that counts as its full strength."""
LEAST = 1e-12
"""Of a level that something is divided by."""


def strengths(rows: Rows, count: int) -> dict[str, Array]:
    """How strong gestures are, and that nothing is rejected."""
    resting = np.median(rows.levels[rows.answers == 0], axis=0)
    away = np.linalg.norm(rows.levels - resting, axis=1)
    strong = [np.percentile(away[rows.answers == each], STRONG) for each in range(count)]
    return {
        "reject": np.zeros(count),
        "sureness": np.array(1.0),
        "rest_level": resting,
        "strong": np.maximum(strong, LEAST),
    }


def fit_lda(values: Array, answers: NDArray[np.int64], shrinkage: float) -> dict[str, Array]:
    """Linear discriminant analysis of equally likely gestures."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    count = int(answers.max()) + 1
    lda = LinearDiscriminantAnalysis("lsqr", shrinkage=shrinkage, priors=np.full(count, 1 / count))
    return linear(lda.fit(values, answers))


def linear(lda: Any) -> dict[str, Array]:
    """What scikit-learn's linear classifier has found; of two gestures it tells only one score."""
    weight, bias = lda.coef_.T, lda.intercept_
    if weight.shape[1] == 1:
        weight = np.concatenate([np.zeros_like(weight), weight], axis=1)
        bias = np.array([0.0, bias[0]])
    return {"weight": weight, "bias": bias}


def fit_svm(values: Array, answers: NDArray[np.int64], penalty: float) -> dict[str, Array]:
    """A support vector machine with a Gaussian kernel."""
    from sklearn.svm import SVC

    svm = SVC(C=penalty, gamma=1 / values.shape[1], decision_function_shape="ovr")
    svm.fit(values, answers)
    # Of two gestures, scikit-learn shows the score of the second.
    sign = -1 if len(svm.classes_) == 2 else 1
    return {
        "support": svm.support_vectors_,
        "dual": sign * svm.dual_coef_,
        "counts": svm.n_support_.astype(float),
        "intercept": sign * svm.intercept_,
        "gamma": np.array(1 / values.shape[1]),
    }
