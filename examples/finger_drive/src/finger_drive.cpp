// Copyright 2026 The kpm_ros authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// A drive in C++: it follows commands while they hold, echoes them, and else gives its motors zero.

#include <chrono>
#include <memory>

#include "finger_drive/holding.hpp"
#include "kpm_ros/msg/drive_state.hpp"
#include "rclcpp/rclcpp.hpp"

class FingerDrive : public rclcpp::Node
{
public:
  FingerDrive()
  : Node("finger_drive"),
    holding_(
      declare_parameter<std::vector<std::string>>(
        "joints",
        {"thumb_abduction", "index_abduction", "middle_abduction", "ring_abduction", "little_abduction"}),
      declare_parameter<double>("max_torque_nm", 0.3))
  {
    commands_ = create_subscription<kpm_ros::msg::AssistCommand>(
      "assist/command_stamped", rclcpp::QoS(1),
      [this](const kpm_ros::msg::AssistCommand & command) {
        holding_.push(command, std::chrono::steady_clock::now());
      });
    state_ = create_publisher<kpm_ros::msg::DriveState>("drive/state", rclcpp::QoS(100));
    timer_ = rclcpp::create_wall_timer(
      std::chrono::milliseconds(2), [this]() {step();}, nullptr,
      get_node_base_interface().get(), get_node_timers_interface().get());
  }

private:
  void step()
  {
    const auto & torque = holding_.torque(std::chrono::steady_clock::now());
    write_to_motors(torque);
    if (++steps_ % 10 == 0) {
      kpm_ros::msg::DriveState message;
      message.header.stamp = now();
      message.session = holding_.session();
      message.sequence = holding_.sequence();
      message.following = holding_.following();
      message.reason = holding_.following() ? "" : "no command that holds";
      message.joints = holding_.joints();
      message.torque_nm = torque;
      state_->publish(message);
    }
  }

  /// Yours: the bus of the motors. Let their own watchdog stop them when this is not called.
  void write_to_motors(const std::vector<double> & torque) {(void)torque;}

  finger_drive::Holding holding_;
  rclcpp::Subscription<kpm_ros::msg::AssistCommand>::SharedPtr commands_;
  rclcpp::Publisher<kpm_ros::msg::DriveState>::SharedPtr state_;
  rclcpp::TimerBase::SharedPtr timer_;
  unsigned steps_ = 0;
};

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<FingerDrive>());
  rclcpp::shutdown();
  return 0;
}
