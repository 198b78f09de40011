"""What a training says about its result: scores beside baselines, and how it came about."""

from __future__ import annotations

from collections.abc import Sequence

from kpm_ros.estimate.card import ModelCard
from kpm_ros.learn.baselines import MeanBaseline, RidgeBaseline
from kpm_ros.learn.evaluation import Tensors, evaluate
from kpm_ros.learn.fit import FitSettings, Progress, reach
from kpm_ros.learn.metrics import Scores, score
from kpm_ros.learn.performances import (
    STUDIES,
    Performances,
    Recipe,
    mean_effort,
    pose_normalisation,
)
from kpm_ros.learn.start import Start

SIMULATED_ONLY = "Simulated hands and muscles only: it says nothing about people."


def baseline_scores(card: ModelCard, performances: Performances) -> dict[str, Scores]:
    """Scores of the training mean and of a linear rule, on the persons held out for scores."""
    past = reach(card) - card.lookahead
    offset, scale = pose_normalisation(performances.training)
    mean = MeanBaseline(mean_effort(performances.training))
    ridge = RidgeBaseline(
        performances.training, offset, scale, past, card.lookahead, senses=card.inputs
    )

    def scored(rule: MeanBaseline | RidgeBaseline) -> Scores:
        pairs = ((one.effort, rule.estimate(one)) for one in performances.scoring)
        return score(pairs, card.muscles)

    return {"mean": scored(mean), "ridge": scored(ridge)}


def all_scores(card: ModelCard, tensors: Tensors, performances: Performances) -> dict[str, float]:
    """Every figure that goes on the card."""
    figures = evaluate(card, tensors, performances.scoring).flat()
    notes = evaluate(card, tensors, performances.scoring_notes)
    figures["notes_only_rmse"] = round(notes.rmse, 4)
    figures["notes_only_correlation"] = round(notes.correlation, 4)
    for sense in card.optional:
        without = evaluate(card, tensors, performances.scoring, without=sense)
        figures[f"without_{sense}_rmse"] = round(without.rmse, 4)
        figures[f"without_{sense}_correlation"] = round(without.correlation, 4)
    for name, scores in baseline_scores(card, performances).items():
        figures[f"baseline_{name}_rmse"] = round(scores.rmse, 4)
        if name != "mean":
            figures[f"baseline_{name}_correlation"] = round(scores.correlation, 4)
    return figures


def trained_on(recipe: Recipe, start: Start | None) -> str:
    """Say what the data are, and what those of the model it began from were."""
    chosen, scored = recipe.persons - 2 * recipe.held_out, recipe.persons - recipe.held_out
    first = 1000 * recipe.seed
    return (
        f"simulated performances: {recipe.minutes:g} minutes, {recipe.persons} simulated persons "
        f"(seeds {first}..{first + recipe.persons - 1}) with {STUDIES} random studies each, the "
        f"last of them from note events alone; persons 1..{chosen} trained on, "
        f"{chosen + 1}..{scored} used to choose the best step, {scored + 1}..{recipe.persons} "
        f"held out for the scores. {SIMULATED_ONLY}"
        f"{_before(start.card.trained_on) if start else ''}"
    )


def _before(words: str) -> str:
    """Put what was before after what is now."""
    return f" Before that: {words}"


def _dropped(settings: FitSettings) -> str:
    """Say how often a sense was taken away, if ever."""
    if not settings.drop_senses:
        return ""
    return f"one sense missing in {settings.drop_senses:.0%} of the windows; "


def how(
    settings: FitSettings, progress: Progress, words: Sequence[str], start: Start | None
) -> str:
    """Say how the training went, with the command that repeats it."""
    begin = f"fine-tuned from {start.card.name}" if start else "trained from random weights"
    return (
        f"{begin} with AdamW, learning rate {settings.learning_rate:g}, "
        f"{settings.warm_up_steps} steps of rise and a cosine decay, mean squared error, batches "
        f"of {settings.batch} windows of {settings.window} samples, gradient through the whole "
        f"recurrent decoder, {settings.precision} convolutions; {_dropped(settings)}"
        f"{progress.step} steps ({progress.epoch:.2f} epochs), best at step {progress.best_step}. "
        f"Command: python -m kpm_ros.learn.train {' '.join(words)}"
        f"{_before(start.card.notes) if start else ''}"
    )
