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

"""The exoskeleton node, whoever sends effort, whatever it means, and whatever the clock says.

Its queues and clocks are the test's; reading, following, mapping and limits are the node's own.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from rclpy.parameter import Parameter
from sensor_msgs.msg import Joy
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool, Trigger

from kpm_ros import client
from kpm_ros.act.arming import Arming
from kpm_ros.act.assistance import Assistance
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import armed, qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.exo_node import LIVE, REPLAYED, ExoNode
from kpm_ros.nodes.polling import PolledSubscription, RawMessage
from support.effort_senders import rigged
from support.managed import active
from support.waiting import wait_for

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
MUSCLES = ("ADM", "PB", "1DI", "2DI")
JOINT_OF = {"1DI": "index", "ADM": "little", "PB": "thumb"}
GAINS = ["index 1DI 1.0", "little ADM -1.0", "thumb PB 0.5"]
JOINTS = ("index", "little", "thumb")
MOST_NM, RATE_NM_S, RAMP_DOWN_S = 0.3, 10.0, 0.05
BRISK = {
    "gains": GAINS,
    "max_torque_rate_nm_s": RATE_NM_S,
    "ramp_down_s": RAMP_DOWN_S,
    "recover_s": 0.02,
    "enabled_ramp_s": 0.05,
    "smoothing_s": 0.0,
    "deadband": 0.0,
}
PERIOD_MS = 4


class World:
    """The node in the hands of a test that holds every command against what must never be."""

    def __init__(self, exo, strong):
        self.exo, self.strong = exo, strong
        self.told, self.steady, self.pace = NOW, 10**12, 1.0
        exo.arming = Arming(exo.settings.arming)
        exo._assistance = Assistance(exo._assistance.config, exo.arming)
        exo._described, exo._misfit = None, ""
        self.serve()
        exo._send = self.check
        exo.now_ns = lambda: self.told
        self.effort, self.infos, self.senders = rigged(exo, MUSCLES)
        self.torque, self.checked_ns = np.zeros(3), self.steady
        self.may_drop = self.moved = False
        self.stream = 100

    def check(self, torque, now):
        torque = np.array(torque)
        acts = self.exo._last.state.value in ("active", "ramping")
        rate = RATE_NM_S if acts else MOST_NM / RAMP_DOWN_S
        reach = rate * (self.steady - self.checked_ns) / 1e9
        self.checked_ns = self.steady
        assert (np.abs(torque) <= MOST_NM).all()
        if torque.any() or not self.may_drop:
            assert (np.abs(torque - self.torque) <= reach + 1e-9).all()
        others = [joint != JOINT_OF[self.strong] for joint in JOINTS]
        assert not torque[others].any(), f"{self.strong} moves {torque}"
        self.torque, self.may_drop = torque, False
        self.moved |= bool(torque.any())

    def step(self, *messages):
        self.steady += PERIOD_MS * MS
        self.told += round(PERIOD_MS * MS * self.pace)
        # A clock of stamps that stands still drops torque at once.
        self.may_drop |= self.pace == 0
        self.effort.waiting += messages
        self.exo.step()
        self.serve()

    def serve(self):
        """Do what ROS's executor would."""
        if self.exo.arming.armed != self.exo.settings.enabled:
            self.exo.tell_whether_enabled()

    def do(self, kind, *values):
        getattr(self, kind)(*values)

    def flow(self, who, steps):
        for _ in range(steps):
            self.step(*self.senders[who].messages(self.told, self.strong))

    def both(self, steps):
        for _ in range(steps):
            said = [each.messages(self.told, self.strong) for each in self.senders]
            self.step(*(message for pair in zip(*said, strict=True) for message in pair))

    def announce(self, who, muscles, model):
        self.stream += 1
        self.senders[who].announce(muscles, model, self.stream)

    def restart(self, who, muscles):
        """Be silent, come back with another order, and be accepted."""
        self.silence(130)
        self.announce(who, muscles, "a model")
        self.flow(who, 10)
        self.switch(True)
        self.flow(who, 60)

    def mixed(self, who, muscles):
        """Send effort of the description before among that of the present one."""
        former = self.senders[who].messages(self.told, self.strong)
        self.announce(who, muscles, "a model")
        self.step(*former, *self.senders[who].messages(self.told, self.strong), *former)

    def malformed(self, who, data, on_info):
        queue = self.infos if on_info else self.effort
        queue.waiting.append(RawMessage(data, 1, self.senders[who].publisher))
        self.step()

    def invalid(self, who):
        self.step(*self.senders[who].messages(self.told, self.strong, flags=128))

    def set(self, ns):
        self.told += ns

    def hurry(self, pace):
        self.pace = pace

    def silence(self, steps):
        for _ in range(steps):
            self.step()

    def switch(self, on):
        self.exo._on_enable(SetBool.Request(data=on), SetBool.Response())

    def halt(self):
        self.exo._on_stop(Trigger.Request(), Trigger.Response())
        self.torque = np.zeros(3)


@pytest.fixture
def exo(make_node, monkeypatch):
    made = active(make_node(ExoNode, **BRISK))
    made.get_logger().set_level(50)
    steady = SimpleNamespace(monotonic_ns=lambda: made.world.steady)
    monkeypatch.setattr(client, "time", steady)
    monkeypatch.setattr(armed, "time", steady)
    reader, send, now_ns = made._reader, made._send, made.now_ns
    yield made
    made._reader, made._send, made.now_ns = reader, send, now_ns


@contextmanager
def world_of(exo, strong):
    exo.world = SimpleNamespace(steady=10**12)
    exo.world = World(exo, strong)
    yield exo.world
    exo._reader.close()


@contextmanager
def moving(exo, strong="1DI"):
    """Torque has been reached."""
    with world_of(exo, strong) as world:
        world.flow(0, 10)
        world.switch(True)
        world.flow(0, 100)
        assert world.torque.any()
        yield world


whose = st.integers(0, 1)
steps = st.integers(1, 60)
orders = st.permutations(MUSCLES)
lists = st.one_of(orders, st.just(["1DI", "1DI"]), st.just(["ADM"]), st.just(["a"] * 2000))
deed = st.one_of(
    st.tuples(st.just("flow"), whose, st.integers(20, 150)),
    st.tuples(st.just("flow"), whose, steps),
    st.tuples(st.just("both"), steps),
    st.tuples(st.just("announce"), whose, lists, st.sampled_from(["a model", "another"])),
    st.tuples(st.just("mixed"), whose, orders),
    st.tuples(st.just("restart"), whose, orders),
    st.tuples(st.just("malformed"), whose, st.binary(max_size=80), st.booleans()),
    st.tuples(st.just("invalid"), whose),
    st.tuples(st.just("set"), st.integers(-(10**10), 10**10)),
    st.tuples(st.just("hurry"), st.sampled_from([1.0, 1.0, 1.0, 0.0, 1e-6, 5.0, 10.0])),
    st.tuples(st.just("silence"), steps | st.just(150)),
    st.tuples(st.just("switch"), st.sampled_from([True, True, True, False])),
    st.tuples(st.just("halt")),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(strong=st.sampled_from(list(JOINT_OF)), deeds=st.lists(deed, max_size=14))
def test_whatever_comes_only_the_mapped_joint_moves_bounded_slow_and_ends_in_zero(
    exo, strong, deeds
):
    with world_of(exo, strong) as world:
        world.flow(0, 10)
        world.switch(True)
        world.flow(0, 60)
        for each in deeds:
            world.do(*each)
        event(f"torque was given: {world.moved}")
        world.silence(LAST_STEPS)
        assert not world.torque.any()


LAST_STEPS = round((0.05 + RAMP_DOWN_S) * 1000 / PERIOD_MS) + 2
"""Steps of silence after which torque is zero, whatever came before."""


def test_an_estimator_that_comes_back_with_another_order_moves_the_same_joint(exo):
    with moving(exo) as world:
        before = world.torque
        world.silence(200)
        assert not world.torque.any()
        world.announce(0, MUSCLES[::-1], "a model")
        world.flow(0, 10)
        assert exo._last.reason.startswith("effort has another meaning")
        world.switch(True)
        world.flow(0, 100)
        np.testing.assert_array_equal(world.torque, before)
        assert exo.report().values["effort_restarts"] == 1


def test_the_same_estimator_started_again_needs_nobody_to_arm(exo):
    with moving(exo) as world:
        before = world.torque
        world.silence(200)
        world.announce(0, MUSCLES, "a model")
        world.flow(0, 100)
        np.testing.assert_array_equal(world.torque, before)


def test_two_publishers_whose_stamps_interleave_are_not_acted_on(exo):
    with moving(exo) as world:
        world.both(100)
        assert not world.torque.any()
        report = exo.report()
        assert report.values["reason"] == "a second publisher sends effort"
        assert report.values["refused another sender"] == 800
        world.flow(0, 400)
        assert not world.torque.any()
        world.switch(True)
        world.flow(0, 100)
        assert world.torque.any()


def test_effort_without_a_muscle_that_is_needed_is_said_and_not_acted_on(exo):
    with moving(exo) as world:
        world.silence(200)
        world.announce(0, ("2DI", "PB", "ADM", "biceps"), "a model")
        world.flow(0, 100)
        report = exo.report()
        assert report.level == Level.ERROR
        assert "names the muscle '1DI', which the effort does not have" in report.message


def test_one_message_that_cannot_be_read_is_no_end_and_a_pause(exo):
    with moving(exo) as world:
        for data in (b"", b"\0", b"\xff" * 80, b"\0\1\0\0" + b"\xff" * 200):
            world.malformed(0, data, on_info=False)
            world.malformed(0, data, on_info=True)
        world.flow(0, 2)
        assert exo._last.state.value == "disarmed"
        world.flow(0, 400)
        world.switch(True)
        world.flow(0, 100)
        assert world.torque.any()
        assert exo.report().values["refused unreadable"] == 4


@pytest.mark.parametrize(("simulated", "label"), [(False, LIVE), (True, REPLAYED)])
def test_the_command_has_one_dimension_of_all_joints(node, make_node, simulated, label):
    made = active(make_node(ExoNode, gains=GAINS, use_sim_time=simulated))
    commands = PolledSubscription(
        node, Float64MultiArray, "assist/command", qos.of("assist/command")
    )
    wait_for(lambda: commands.publishers, "the exoskeleton")
    [(command, _)] = wait_for(lambda: made.step() or commands.take(), "a command")
    [dimension] = command.layout.dim
    assert (dimension.label, dimension.size, dimension.stride) == (label, 3, 3)
    assert command.layout.data_offset == 0
    assert list(command.data) == [0.0] * 3


def test_it_is_armed_only_while_all_is_well_and_says_what_is_missing(exo):
    with world_of(exo, "1DI") as world:
        world.silence(5)
        answer = exo._on_enable(SetBool.Request(data=True), SetBool.Response())
        assert not answer.success
        assert answer.message == (
            "exo: cannot be armed: the effort stream has begun anew; no effort since"
        )
        assert exo.settings.enabled is False


def test_a_change_of_something_else_arms_nothing_that_has_disarmed_itself(exo):
    with moving(exo) as world:
        exo._assistance.inhibit("something", exo.now())
        exo.step()
        assert exo.settings.enabled  # it is not told yet
        assert exo.set_parameters([Parameter("deadband", value=0.01)])[0].successful
        assert not exo._assistance.armed
        world.serve()
        assert exo.settings.enabled is False


def test_a_dead_man_switch_that_is_let_go_or_not_heard_disarms(make_node, node):
    made = active(make_node(ExoNode, deadman_button=1, **BRISK))
    pedal = node.create_publisher(Joy, "assist/deadman", 10)
    made.get_logger().set_level(50)
    faults = lambda: made._faults_beside(made.now())  # noqa: E731

    def pressed(*buttons):
        message = Joy(buttons=buttons)
        message.header.stamp = node.get_clock().now().to_msg()
        pedal.publish(message)
        return not faults()

    assert faults()[0].reason == "the dead-man switch is not heard"
    wait_for(lambda: pressed(0, 1), "the switch to be held")
    wait_for(lambda: not pressed(1, 0) and "released" in faults()[0].reason, "the switch let go")
    wait_for(lambda: pressed(0, 1), "the switch to be held again")
    wait_for(lambda: faults() and "silent" in faults()[0].reason, "silence")
    # A switch with too few buttons is not held.
    assert not pressed(1)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"enabled": True}, "assistance starts disarmed: call exo/enable once all is well"),
        ({"rate_hz": 20.0}, "commands hold for valid_s, 0.05 s, but leave only every 0.05 s"),
        ({"heals": ["stop"]}, "an entry of heals is 'stop', but must be one of: drive, doubt"),
        ({"deadband": 20.0}, "nothing would ever move"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_at_the_start(make_node, wishes, words):
    with pytest.raises(ConfigurationError, match=words):
        make_node(ExoNode, **wishes)
