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

// Goes through what a drive must do with commands; exits with the number of what it does not.

#include <cmath>
#include <iostream>

#include "finger_drive/holding.hpp"

using finger_drive::Holding;
using kpm_ros::msg::AssistCommand;

static Holding::Time at(int ms) {return Holding::Time(std::chrono::milliseconds(10000 + ms));}

static AssistCommand command(std::uint64_t sequence, double torque)
{
  AssistCommand made;
  made.session = 7;
  made.sequence = sequence;
  made.valid_s = 0.05;
  made.joints = {"index"};
  made.torque_nm = {torque};
  return made;
}

/// One that has torque at 2 ms.
static Holding moved()
{
  Holding drive({"thumb", "index"}, 0.3);
  drive.push(command(1, 0.0), at(0));
  drive.push(command(2, 0.2), at(2));
  return drive;
}

int main()
{
  int number = 0;
  const auto check = [&number](bool held, const char * what) {
      ++number;
      if (!held) {
        std::cerr << "does not hold: " << what << "\n";
        std::exit(number);
      }
    };
  auto drive = moved();
  check(drive.torque(at(52))[1] == 0.2, "a command is followed while it holds");
  check(drive.torque(at(53))[1] == 0.0, "and no longer");
  drive.push(command(3, 0.2), at(60));
  check(drive.torque(at(60))[1] == 0.0, "after a break only zero begins anew");
  drive.push(command(4, 0.0), at(62));
  drive.push(command(5, 0.1), at(64));
  check(drive.torque(at(64))[1] == 0.1, "and then it is followed");
  for (int ms = 66; ms < 130; ms += 2) {
    drive.push(command(5, 0.1), at(ms));
  }
  check(drive.torque(at(130))[1] == 0.0, "what comes twice keeps nothing alive");

  drive = moved();
  auto rival = command(1, 0.0);
  rival.session = 8;
  drive.push(rival, at(4));
  check(drive.torque(at(4))[1] == 0.0, "of two senders none is followed");
  drive.push(command(9, 0.0), at(6));
  check(!drive.following(), "nor soon after");

  for (auto change : {0, 1, 2, 3}) {
    drive = moved();
    auto bad = command(3, 0.1);
    if (change == 0) {bad.joints = {"wrist"};}
    if (change == 1) {bad.torque_nm = {std::nan("")};}
    if (change == 2) {bad.torque_nm = {0.31};}
    if (change == 3) {bad.torque_nm = {0.1, 0.1};}
    drive.push(bad, at(4));
    check(drive.torque(at(4))[1] == 0.0, "what no drive may get is zero");
  }
  std::cout << number << " promises held\n";
  return 0;
}
