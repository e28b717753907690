// SPDX-License-Identifier: Apache-2.0
//
// The socket as callers meet it, the well-behaved and the others.
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/control/running_server.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kStatus = R"({"jsonrpc":"2.0","id":1,"method":"status"})";

bool is_answer(const Json& json) {
    return json.is_object() && json.contains("result");
}

// In a process of another user, because credentials cannot be pretended. `body` returns whether all
// was as it should be.
bool as_nobody(const std::function<bool()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool is_nobody =
            ::setgroups(0, nullptr) == 0 && ::setgid(65'534) == 0 && ::setuid(65'534) == 0;
        ::_exit(is_nobody && body() ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t total_pages = 0;
    std::size_t resident_pages = 0;
    statm >> total_pages >> resident_pages;
    return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(ApiServer, AnswersLineByLineInOrder) {
    const RunningServer server;
    Caller caller(server.path());
    for (int i = 0; i < 500; ++i) {
        ASSERT_TRUE(caller.send(R"({"jsonrpc":"2.0","method":"status","id":)" + std::to_string(i) +
                                "}\r\n\n"));
    }
    for (int i = 0; i < 500; ++i) EXPECT_EQ(Json::parse(*caller.read_line())["id"], i);
}

TEST(ApiServer, AMessageMayArriveByteByByte) {
    const RunningServer server;
    Caller caller(server.path());
    for (const char c : std::string(kStatus) + '\n') ASSERT_TRUE(caller.send({&c, 1}));
    EXPECT_TRUE(is_answer(Json::parse(*caller.read_line())));
}

TEST(ApiServer, WhatWasSentBeforeTheEndIsAnswered) {
    const RunningServer server;
    Caller caller(server.path());
    ASSERT_TRUE(caller.send(std::string(kStatus) + '\n' + std::string(kStatus) + '\n'));
    caller.end_input();
    EXPECT_TRUE(caller.read_line());
    EXPECT_TRUE(caller.read_line());
    EXPECT_FALSE(caller.read_line());
}

TEST(ApiServer, HalfAMessageIsNeverExecuted) {
    RunningServer server;
    {
        Caller caller(server.path());
        ASSERT_TRUE(caller.send(kStatus));  // a whole call, but for its newline
        caller.end_input();
        EXPECT_FALSE(caller.read_line());
    }
    EXPECT_EQ(server.stop().status_calls, 0U);
}

TEST(ApiServer, HalfAMessageThatGoesNoFurtherIsCutOff) {
    ApiLimits limits;
    limits.stall_max = 100ms;
    const RunningServer server(limits);
    Caller caller(server.path());
    Caller idle(server.path());
    ASSERT_TRUE(caller.send("{\"jsonrpc\":"));
    const auto last_word = caller.read_line();
    ASSERT_TRUE(last_word);
    EXPECT_EQ(Json::parse(*last_word)["error"]["code"], -32600);
    EXPECT_FALSE(caller.read_line());
    EXPECT_TRUE(is_answer(idle.ask(kStatus)))
        << "one that owes nothing may wait as long as it likes";
}

TEST(ApiServer, ABatchIsAnsweredByOneArrayInOrder) {
    const RunningServer server;
    Caller caller(server.path());
    const Json answers = caller.ask(
        R"([{"jsonrpc":"2.0","id":1,"method":"status"},{"jsonrpc":"2.0","method":"status"},)"
        R"(7,{"jsonrpc":"2.0","id":2,"method":"port.list"}])");
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_EQ(answers[0]["id"], 1);
    EXPECT_EQ(answers[1]["error"]["code"], -32600);
    EXPECT_EQ(answers[2]["id"], 2);
    ASSERT_TRUE(caller.send("[{\"jsonrpc\":\"2.0\",\"method\":\"status\"}]\n"));
    EXPECT_TRUE(is_answer(caller.ask(kStatus))) << "a batch of notifications has no answer";
}

TEST(ApiServer, GarbageIsAnsweredAndTheConnectionLives) {
    const RunningServer server;
    const std::uint64_t seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Caller caller(server.path());
    for (int i = 0; i < 200; ++i) {
        std::string garbage(1 + random() % 5'000, ' ');
        for (char& c : garbage) c = static_cast<char>(random());
        std::erase(garbage, '\n');
        garbage += "!";  // not blank
        ASSERT_EQ(caller.ask(garbage)["error"]["code"], -32700);
    }
    EXPECT_TRUE(is_answer(caller.ask(kStatus)));
}

TEST(ApiServer, AnOversizedMessageIsDroppedUnreadAndTheConnectionLives) {
    ApiLimits limits;
    limits.admin_message_bytes_max = 100'000;
    const RunningServer server(limits);
    Caller caller(server.path());
    for (const std::size_t bytes : {100'001UL, 300'000UL, 20'000'000UL}) {
        ASSERT_TRUE(caller.send(std::string(bytes, 'x') + '\n'));
        const auto answer = caller.read_line();
        ASSERT_TRUE(answer);
        EXPECT_EQ(Json::parse(*answer)["error"]["code"], -32006);
        EXPECT_TRUE(is_answer(caller.ask(kStatus)));
    }
    const std::string longest(100'000 - kStatus.size(), ' ');
    EXPECT_TRUE(is_answer(caller.ask(std::string(kStatus) + longest)))
        << "the limit itself is fine";
    EXPECT_EQ(caller.ask(std::string(kStatus) + longest + ' ')["error"]["code"], -32006);
}

TEST(ApiServer, AThousandCallersAtOnceAreAllAnswered) {
    const RunningServer server;
    std::vector<Caller> callers;
    for (int i = 0; i < 1'000; ++i) callers.emplace_back(server.path());
    for (const Caller& caller : callers) ASSERT_TRUE(caller.send(std::string(kStatus) + '\n'));
    for (Caller& caller : callers) {
        const auto answer = caller.read_line();
        ASSERT_TRUE(answer);
        EXPECT_TRUE(is_answer(Json::parse(*answer)));
    }
}

TEST(ApiServer, OneCallerTooManyIsToldAndTheOthersStay) {
    ApiLimits limits;
    limits.connections_max = 8;
    limits.admin_reserve = 2;
    const RunningServer server(limits);
    std::vector<Caller> callers;
    for (int i = 0; i < 8; ++i) {
        callers.emplace_back(server.path());
        EXPECT_TRUE(is_answer(callers.back().ask(kStatus)));
    }
    Caller ninth(server.path());
    const auto refusal = ninth.read_line();
    ASSERT_TRUE(refusal);
    EXPECT_EQ(Json::parse(*refusal)["error"]["code"], -32003);
    EXPECT_FALSE(ninth.read_line());
    for (Caller& caller : callers) EXPECT_TRUE(is_answer(caller.ask(kStatus)));
}

// Thousands of answers are asked for and none is read.
TEST(ApiServer, ASlowReaderWaitsInItsOwnSocketAndNotInOurMemory) {
    RunningServer server;
    server.router().neighbours_total = 1'000;
    Caller slow(server.path());
    Caller quick(server.path());
    ASSERT_TRUE(is_answer(quick.ask(kStatus)));
    const std::size_t before = resident_bytes();
    const std::string call =
        R"({"jsonrpc":"2.0","id":1,"method":"neighbour.list","params":{"limit":1000}})"
        "\n";
    // 20,000 answers of 150 KB would be 3 GB. Our sends end when the server no longer reads.
    int sent = 0;
    const timeval short_patience{.tv_sec = 0, .tv_usec = 300'000};
    ASSERT_EQ(::setsockopt(slow.socket(), SOL_SOCKET, SO_SNDTIMEO, &short_patience,
                           sizeof short_patience),
              0);
    while (sent < 20'000 && slow.send(call)) ++sent;
    EXPECT_LT(sent, 20'000);
    EXPECT_LT(resident_bytes() - std::min(before, resident_bytes()), std::size_t{32} << 20);
    EXPECT_TRUE(is_answer(quick.ask(kStatus)));
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(slow.read_line()) << "reading makes it go on";
}

TEST(ApiServer, AnAnswerThatNobodyReadsIsGivenUp) {
    ApiLimits limits;
    limits.stall_max = 100ms;
    RunningServer server(limits);
    server.router().neighbours_total = 1'000;
    Caller slow(server.path());
    const std::string call =
        R"({"jsonrpc":"2.0","id":1,"method":"neighbour.list","params":{"limit":1000}})"
        "\n";
    for (int i = 0; i < 20; ++i) slow.send(call);
    // Until the server has hung up, on however busy a machine.
    pollfd hang_up{.fd = slow.socket(), .events = POLLRDHUP, .revents = 0};
    ASSERT_EQ(poll(&hang_up, 1, 30'000), 1);
    int answers = 0;
    while (slow.read_line()) ++answers;
    EXPECT_LT(answers, 20);
}

// While one caller keeps the server as busy as it can, another waits for a turn, not for all of it.
TEST(ApiServer, ABusyCallerDoesNotStarveAnother) {
    RunningServer server;
    server.router().neighbours_total = 1'000;
    Caller busy(server.path());
    Caller patient(server.path());
    std::string calls = "[";
    for (int i = 0; i < 100; ++i) {
        calls += R"({"jsonrpc":"2.0","id":1,"method":"neighbour.list","params":{"limit":1000}},)";
    }
    calls.back() = ']';
    std::thread reader([&] { EXPECT_EQ(busy.ask(calls).size(), 100U); });
    std::this_thread::sleep_for(20ms);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_TRUE(is_answer(patient.ask(kStatus)));
    const auto waited = std::chrono::steady_clock::now() - begin;
    reader.join();
    const auto all = std::chrono::steady_clock::now() - begin;
    EXPECT_LT(waited, all / 4) << "the batch took " << all / 1ms << " ms";
}

TEST(ApiServer, ManyLargeHalfMessagesDoNotAddUp) {
    ApiLimits limits;
    limits.input_bytes_max = std::size_t{8} << 20;
    const RunningServer server(limits);
    const std::string part(std::size_t{3} << 20, 'x');
    std::vector<Caller> callers;
    int refused = 0;
    for (int i = 0; i < 6; ++i) {
        callers.emplace_back(server.path());
        if (!callers.back().send(part)) ++refused;
    }
    Caller caller(server.path());
    EXPECT_TRUE(is_answer(caller.ask(kStatus)));
    EXPECT_GE(refused, 1);
    EXPECT_LE(refused, 4) << "those that fit are left alone";
}

// Neither its memory nor its place: those who come after many that are gone are not refused.
TEST(ApiServer, CallersThatVanishLeaveNothingBehind) {
    ApiLimits limits;
    limits.connections_max = 16;
    limits.admin_reserve = 0;
    const RunningServer server(limits);
    for (int i = 0; i < 3'000; ++i) {
        const Caller caller(server.path());
        caller.send(i % 3 == 0 ? "{\"half" : std::string(kStatus) + '\n');
    }
    Caller last(server.path());
    EXPECT_TRUE(is_answer(last.ask(kStatus)));
}

TEST(ApiServer, RolesComeFromTheKernel) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    RunningServer server;
    const std::string path = server.path();
    EXPECT_TRUE(as_nobody([&] {
        Caller caller(path);
        const Json denied =
            caller.ask(R"({"jsonrpc":"2.0","id":1,"method":"route.add","params":{"vrf":"contoso",)"
                       R"("prefix":"10.0.0.0/8","via":["172.16.0.1"]}})");
        const Json long_one = caller.ask(std::string(kStatus) + std::string(70'000, ' '));
        return is_answer(caller.ask(kStatus)) && denied["error"]["code"] == -32004 &&
               long_one["error"]["code"] == -32006;
    }));
    EXPECT_TRUE(server.stop().tables["contoso"].empty());
}

TEST(ApiServer, ReadersCannotTakeTheConnectionsOfAdmins) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    ApiLimits limits;
    limits.connections_max = 8;
    limits.admin_reserve = 2;
    const RunningServer server(limits);
    const std::string path = server.path();
    EXPECT_TRUE(as_nobody([&] {
        std::vector<Caller> callers;
        for (int i = 0; i < 6; ++i) {
            callers.emplace_back(path);
            if (!is_answer(callers.back().ask(kStatus))) return false;
        }
        Caller seventh(path);
        const auto refusal = seventh.read_line();
        return refusal && Json::parse(*refusal)["error"]["code"] == -32003;
    }));
}

// The daemon's own rate: a batch of a hundred thousand routes through the socket, in one message.
TEST(ApiServer, ALargeBatchOfRoutesIsOneMessage) {
    RunningServer server;
    Caller caller(server.path());
    std::string call =
        R"({"jsonrpc":"2.0","id":1,"method":"route.batch","params":{"vrf":"contoso","routes":[)";
    for (unsigned i = 0; i < 100'000; ++i) {
        call += "{\"prefix\":\"" + std::to_string(20 + i / 65'536) + '.' +
                std::to_string(i / 256 % 256) + '.' + std::to_string(i % 256) +
                ".0/24\",\"via\":[\"172.16.0.1\",\"172.16.0.5\"]},";
    }
    call.back() = ']';
    EXPECT_EQ(caller.ask(call + "}}")["result"]["added"], 100'000);
    EXPECT_EQ(server.stop().tables["contoso"].size(), 100'000U);
}

}  // namespace
}  // namespace causeway
