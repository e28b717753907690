// SPDX-License-Identifier: Apache-2.0
//
// CliTest: the program `causeway` as a shell runs it, against a control socket with a fake router
// behind.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/control/running_server.h"

namespace causeway {

struct Ran {
    int exit_code = -1;
    std::string output;  // both streams
};

class CliTest : public testing::Test {
  protected:
    [[nodiscard]] Ran run(const std::string& words, const std::string& input = "");
    [[nodiscard]] static Ran shell(const std::string& command);
    void expect(const std::string& words, int exit_code, const std::string& part);

    RunningServer server_;
};

}  // namespace causeway
