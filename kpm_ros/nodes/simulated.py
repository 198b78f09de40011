"""The simulated pianist that a simulator's settings ask for."""

from __future__ import annotations

from kpm_ros.nodes.settings import ConfigurationError, SimulatorSettings
from kpm_ros.sense.score import read_midi
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.memory import user_folder
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.studies import five_finger_study


def pianist(settings: SimulatorSettings) -> Pianist:
    """Make the one that plays; whoever wants to know what its muscles did makes the same again."""
    try:
        score = read_midi(settings.score) if settings.score else five_finger_study()
        person = Person.from_seed(settings.seed)
        return make_pianist(score, settings.seed, person, settings.body, user_folder())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"simulator: {error}") from None
