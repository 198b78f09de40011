"""Train PianoKPM Net on simulated performances: `python -m kpm_ros.learn.train --out FILE`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NoReturn

import torch

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.network import network_tensors
from kpm_ros.estimate.weights import save_model
from kpm_ros.learn.checkpoints import Checkpoint
from kpm_ros.learn.display import TrainingDisplay
from kpm_ros.learn.evaluation import evaluate
from kpm_ros.learn.fit import PRECISIONS, Fit, FitSettings, check_window, checkpoint_path
from kpm_ros.learn.performances import (
    Performances,
    Recipe,
    pose_normalisation,
    simulate,
)
from kpm_ros.learn.report import all_scores, how, trained_on
from kpm_ros.learn.start import Start, fresh_network, load_start, tuned_network

USER_ERROR, INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence rather than in a page of usage."""

    def error(self, message: str) -> NoReturn:
        """End with the sentence."""
        print(f"{self.prog}: {message} (see --help)", file=sys.stderr)
        raise SystemExit(USER_ERROR)


def build_parser() -> argparse.ArgumentParser:
    """Describe every argument."""
    recipe, fit, card = Recipe(), FitSettings(), ModelCard()
    parser = _Parser(
        prog="kpm_ros.learn.train",
        description="Train PianoKPM Net on simulated performances. Interrupted, it goes on where "
        "it was when it is started again with the same arguments.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--out", type=Path, required=True, help="the .safetensors file to write")
    add("--minutes", type=float, default=recipe.minutes, help="of performances to simulate")
    add("--persons", type=int, default=recipe.persons, help="simulated persons who play them")
    add(
        "--held-out",
        type=int,
        default=recipe.held_out,
        help="persons held out for the scores; as many others choose the best step",
    )
    add("--seed", type=int, default=recipe.seed, help="of persons, studies and weights")
    add("--epochs", type=float, default=fit.epochs, help="passes over the training windows")
    add("--lookahead", type=int, default=card.lookahead, help="samples of the future to wait for")
    add("--architecture", default=card.architecture, help="which network")
    add("--inputs", default=",".join(card.inputs), help="senses it uses: pose, keys or both")
    add("--views", default=",".join(recipe.views), help="camera views it uses, in order")
    add(
        "--drop-senses",
        type=float,
        default=fit.drop_senses,
        help="share of windows in which one sense is missing, so that the network learns to do "
        "without",
    )
    add("--window", type=int, default=fit.window, help="samples in a training window")
    add("--overlap", type=int, default=fit.overlap, help="samples neighbouring windows share")
    add("--batch", type=int, default=fit.batch, help="windows in a training step")
    add("--learning-rate", type=float, default=fit.learning_rate, help="at its highest")
    add("--check-every", type=int, default=fit.check_every, help="steps between two checks")
    add("--time-limit-min", type=float, default=math.inf, help="training ends by then")
    add("--start-from", help="name or path of the model to fine-tune (default: random weights)")
    add(
        "--precision",
        choices=PRECISIONS,
        default=fit.precision,
        help="of the convolutions while training; bfloat16 is faster where the CPU has it",
    )
    add("--threads", type=int, default=1, help="CPU threads")
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Train; returns the process's exit status."""
    words = sys.argv[1:] if words is None else words
    arguments = build_parser().parse_args(words)
    try:
        train(arguments, words)
    except (ValueError, OSError) as error:
        print(f"kpm_ros.learn.train: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print(
            "kpm_ros.learn.train: stopped; the same command goes on from the last checkpoint",
            file=sys.stderr,
        )
        return INTERRUPTED
    return 0


def train(arguments: argparse.Namespace, words: Sequence[str]) -> ModelCard:
    """Simulate, fit, score and write the model; returns its card."""
    out: Path = arguments.out
    if out.suffix != ".safetensors":
        raise ValueError(f"the model is written as a .safetensors file, not as {out.name}")
    if arguments.threads < 1:
        raise ValueError(f"threads must be at least 1, not {arguments.threads}")
    recipe, settings = _recipe(arguments), _settings(arguments)
    card = _card(arguments, settings)
    check_window(settings, card)
    start = load_start(arguments.start_from, card) if arguments.start_from else None
    checkpoint = Checkpoint(checkpoint_path(out), _identity(arguments, recipe, settings))
    checkpoint.load()
    out.parent.mkdir(parents=True, exist_ok=True)

    torch.set_num_threads(arguments.threads)
    with TrainingDisplay() as display:
        performances = simulate(recipe, display.simulated(recipe.persons))
        card = _normalised(card, performances, start)
        fit = Fit(
            tuned_network(card, start.tensors)
            if start is not None
            else fresh_network(card, performances.training, recipe.seed),
            performances.training,
            lambda network: evaluate(card, network_tensors(network), performances.choosing).rmse,
            settings,
            checkpoint,
        )
        fit.run(display.trained)
        tensors = network_tensors(fit.network)
        card = replace(
            card,
            trained_on=trained_on(recipe, start),
            scores=all_scores(card, tensors, performances),
            notes=how(settings, fit.progress, words, start),
        )
        save_model(out, card, tensors)
        display.finished(card, out)
    checkpoint.remove()
    return card


def _card(arguments: argparse.Namespace, settings: FitSettings) -> ModelCard:
    inputs = _names(arguments.inputs)
    if settings.drop_senses and len(inputs) < 2:
        raise ValueError(
            f"drop-senses takes away one of several senses, but the inputs are {arguments.inputs} "
            "alone: leave it at 0"
        )
    return ModelCard(
        name=arguments.out.stem,
        architecture=arguments.architecture,
        inputs=inputs,
        optional=inputs if settings.drop_senses else (),
        views=_names(arguments.views),
        lookahead=arguments.lookahead,
        licence="Apache-2.0",
    )


def _names(words: str) -> tuple[str, ...]:
    """Split words at commas, each kept once."""
    return tuple(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))


def _recipe(arguments: argparse.Namespace) -> Recipe:
    return Recipe(
        minutes=arguments.minutes,
        persons=arguments.persons,
        held_out=arguments.held_out,
        seed=arguments.seed,
        views=_names(arguments.views),
    )


def _settings(arguments: argparse.Namespace) -> FitSettings:
    return FitSettings(
        epochs=arguments.epochs,
        window=arguments.window,
        overlap=arguments.overlap,
        batch=arguments.batch,
        learning_rate=arguments.learning_rate,
        check_every=arguments.check_every,
        precision=arguments.precision,
        drop_senses=arguments.drop_senses,
        time_limit_s=arguments.time_limit_min * 60,
        seed=arguments.seed,
    )


def _identity(
    arguments: argparse.Namespace, recipe: Recipe, settings: FitSettings
) -> dict[str, object]:
    """Whatever a training must have in common with the one it goes on from."""
    return {
        **asdict(settings),
        **asdict(recipe),
        "lookahead": arguments.lookahead,
        "architecture": arguments.architecture,
        "inputs": _names(arguments.inputs),
        "start_from": arguments.start_from,
    }


def _normalised(card: ModelCard, performances: Performances, start: Start | None) -> ModelCard:
    """Normalise the pose by the training data, or as the weights to begin with are used to."""
    if start is not None:
        return replace(card, pose_offset=start.card.pose_offset, pose_scale=start.card.pose_scale)
    offset, scale = pose_normalisation(performances.training)
    return replace(card, pose_offset=tuple(offset.tolist()), pose_scale=tuple(scale.tolist()))


if __name__ == "__main__":
    sys.exit(main())
