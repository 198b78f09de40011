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

// Which torque a drive may give at this instant: of a fresh command, in order, of one sender, or
// none. It asks no clock: callers say what time it is by one that nobody can set.

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "kpm_ros/msg/assist_command.hpp"

namespace finger_drive
{

class Holding
{
public:
  using Time = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  Holding(std::vector<std::string> joints, double max_torque_nm, double longest_valid_s = 0.1)
  : joints_(std::move(joints)), max_torque_nm_(max_torque_nm), longest_valid_s_(longest_valid_s),
    torque_(joints_.size(), 0.0)
  {
  }

  /// Take a command that came in now.
  void push(const kpm_ros::msg::AssistCommand & command, Time now)
  {
    if (!usable(command)) {
      let_go();
      return;
    }
    if (command.session != session_) {
      if (heard_ && now - last_ < std::chrono::milliseconds(500)) {
        let_go();  // a second sender: neither is followed until one is silent
        rivals_ = now;
        disputed_ = true;
        return;
      }
      session_ = command.session;
      sequence_ = 0;
      let_go();
    } else if (command.sequence <= sequence_) {
      return;  // twice, or late
    }
    heard_ = true;
    sequence_ = command.sequence;
    last_ = now;
    holds_ = Seconds(std::min(command.valid_s, longest_valid_s_));
    const bool disputed = disputed_ && now - rivals_ < std::chrono::milliseconds(500);
    const bool zero = std::all_of(
      command.torque_nm.begin(), command.torque_nm.end(), [](double nm) {return nm == 0.0;});
    // After any break the sender must begin at zero: nothing jumps.
    following_ = following_ || (zero && !disputed);
    if (following_) {
      for (std::size_t k = 0; k < command.joints.size(); ++k) {
        torque_[place(command.joints[k])] = command.torque_nm[k];
      }
    }
  }

  /// Torque of each joint at this instant.
  const std::vector<double> & torque(Time now)
  {
    if (following_ && now - last_ > holds_) {
      let_go();
    }
    return torque_;
  }

  bool following() const {return following_;}
  std::uint64_t session() const {return session_;}
  std::uint64_t sequence() const {return sequence_;}
  const std::vector<std::string> & joints() const {return joints_;}

private:
  std::size_t place(const std::string & joint) const
  {
    return std::find(joints_.begin(), joints_.end(), joint) - joints_.begin();
  }

  bool usable(const kpm_ros::msg::AssistCommand & command) const
  {
    const bool known = std::all_of(
      command.joints.begin(), command.joints.end(),
      [this](const std::string & joint) {return place(joint) < joints_.size();});
    const bool bounded = std::all_of(
      command.torque_nm.begin(), command.torque_nm.end(),
      [this](double nm) {return std::abs(nm) <= max_torque_nm_;});
    return known && bounded && command.joints.size() == command.torque_nm.size() &&
           std::isfinite(command.valid_s) && command.valid_s > 0.0 && !command.simulated_time;
  }

  void let_go()
  {
    following_ = false;
    std::fill(torque_.begin(), torque_.end(), 0.0);
  }

  std::vector<std::string> joints_;
  double max_torque_nm_;
  double longest_valid_s_;
  std::vector<double> torque_;
  std::uint64_t session_ = 0;
  std::uint64_t sequence_ = 0;
  bool heard_ = false;
  bool following_ = false;
  bool disputed_ = false;
  Time last_{};
  Time rivals_{};
  Seconds holds_{0.0};
};

}  // namespace finger_drive
