// SPDX-License-Identifier: Apache-2.0
#include "tests/control/cli_fixture.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>

namespace causeway {

Ran CliTest::run(const std::string& words, const std::string& input) {
    const std::string file = server_.path() + ".input";
    std::ofstream(file, std::ios::binary) << input;
    return shell(std::string(CAUSEWAY_PROGRAM) + " --socket " + server_.path() + ' ' + words +
                 " < " + file + " 2>&1");
}

Ran CliTest::shell(const std::string& command) {
    Ran ran;
    std::FILE* const pipe = ::popen(command.c_str(), "r");
    std::array<char, 4096> chunk;
    while (const std::size_t count = std::fread(chunk.data(), 1, chunk.size(), pipe)) {
        ran.output.append(chunk.data(), count);
    }
    ran.exit_code = WEXITSTATUS(::pclose(pipe));
    return ran;
}

void CliTest::expect(const std::string& words, int exit_code, const std::string& part) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.exit_code, exit_code) << words << '\n' << ran.output;
    EXPECT_NE(ran.output.find(part), std::string::npos) << words << '\n' << ran.output;
}

}  // namespace causeway
