// SPDX-License-Identifier: Apache-2.0
//
// The NAT's log: files that are cut, damaged, rotated and continued; rings that overflow; and
// collectors that listen, or do not.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "control/nat_log/log_file.h"
#include "control/nat_log/log_writer.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr std::uint64_t kUnbounded = std::uint64_t{1} << 40;

NatEvent session(std::uint16_t number) {
    return {.inside = {Ipv4Address(0x0a000001), number},
            .outside = {Ipv4Address(0xc6336401), number},
            .remote = {Ipv4Address(0x14000001), 53},
            .at = 10,
            .pool = NatPoolId(3),
            .kind = NatEventKind::kSessionBegun,
            .protocol = NatProtocol::kUdp};
}
NatLogRecord record(std::uint16_t number) {
    NatLogRecord made{.time_ms = 1'000ULL * number, .event = session(number)};
    made.event.at = 0;
    return made;
}

class NatLogs : public ::testing::Test {
  protected:
    // What is sent stays in a network of this process.
    static void SetUpTestSuite() {
        ASSERT_EQ(::unshare(::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET), 0);
        const int any = ::socket(AF_INET, SOCK_DGRAM, 0);
        ifreq loopback{};
        loopback.ifr_name[0] = 'l';
        loopback.ifr_name[1] = 'o';
        loopback.ifr_flags = IFF_UP;
        ASSERT_EQ(::ioctl(any, SIOCSIFFLAGS, &loopback), 0);
        ::close(any);
    }
    NatLogs() {
        std::string name = ::testing::TempDir() + "/nat-log.XXXXXX";
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ + "/log";
    }
    ~NatLogs() override { std::filesystem::remove_all(folder_); }

    struct Contents {
        std::vector<NatLogRecord> records;
        std::string error;
    };
    [[nodiscard]] static Contents read(const std::string& path) {
        Contents contents;
        std::ifstream in(path, std::ios::binary);
        const Status status =
            read_nat_log(in, [&](const NatLogRecord& one) { contents.records.push_back(one); });
        if (!status) contents.error = status.error().message;
        return contents;
    }
    void append(std::uint16_t first, std::uint16_t last, std::uint64_t bytes_max = kUnbounded) {
        NatLogFile file = NatLogFile::open(path_, bytes_max).value();
        for (std::uint16_t i = first; i <= last; ++i) {
            const NatLogRecord one = record(i);
            ASSERT_EQ(file.append({&one, 1}), 1U);
        }
    }

    std::string folder_;
    std::string path_;
};

TEST_F(NatLogs, a_file_is_continued) {
    append(1, 20);
    append(21, 30);
    const Contents contents = read(path_);
    EXPECT_EQ(contents.error, "");
    ASSERT_EQ(contents.records.size(), 30U);
    for (std::uint16_t i = 1; i <= 30; ++i) EXPECT_EQ(contents.records[i - 1U], record(i));
}

TEST_F(NatLogs, a_cut_record_is_told_of_and_cut_off) {
    append(1, 3);
    std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 5);
    const Contents cut = read(path_);
    EXPECT_EQ(cut.records.size(), 2U);
    EXPECT_EQ(cut.error, "record 3: the file ends within it");
    append(4, 4);
    const Contents mended = read(path_);
    EXPECT_EQ(mended.error, "");
    ASSERT_EQ(mended.records.size(), 3U);
    EXPECT_EQ(mended.records[2], record(4));
}

TEST_F(NatLogs, a_full_file_makes_room_for_another) {
    append(1, 25, kNatLogHeaderBytes + 10 * kNatLogRecordBytes);
    EXPECT_EQ(read(path_).records.size(), 5U);
    const Contents older = read(path_ + ".1");
    ASSERT_EQ(older.records.size(), 10U);
    EXPECT_EQ(older.records.front(), record(11));
}

TEST_F(NatLogs, what_is_no_log_is_neither_read_nor_written_to) {
    std::ofstream(path_) << "something else, and long enough for a header";
    EXPECT_EQ(read(path_).error, "it is no log of a NAT");
    const auto opened = NatLogFile::open(path_, kUnbounded);
    ASSERT_FALSE(opened.has_value());
    EXPECT_NE(opened.error().message.find("it is no log of a NAT"), std::string::npos);
    std::ofstream(path_) << std::string("CWNATLOG\0\0\0\2\0\0\0\40", 16);
    EXPECT_NE(read(path_).error.find("version 2"), std::string::npos);
}

// Whatever the bytes, a record that is read is the one that would be written so.
TEST_F(NatLogs, bytes_that_are_read_are_those_that_would_be_written) {
    test::SeededRandom random;
    for (std::size_t i = 0; i < test::rounds(20'000); ++i) {
        NatLogBytes bytes;
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        bytes[30] = static_cast<std::uint8_t>(random.below(6));
        if (random.below(2) == 0) bytes[31] = 17;
        const auto decoded = decode(bytes);
        if (!decoded) continue;
        const NatLogBytes again = encode(*decoded);
        ASSERT_EQ(decode(again).value(), *decoded);
    }
}

std::unique_ptr<NatLogWriter> start(NatLogWriter::Options options, NatEventRing& ring) {
    options.clock = [] { return NatSeconds{12}; };
    auto writer = NatLogWriter::start(std::move(options), {&ring});
    EXPECT_TRUE(writer.has_value());
    return std::move(writer).value();
}

TEST_F(NatLogs, what_finds_no_room_is_counted_and_in_the_file) {
    const auto ring = std::make_unique<NatEventRing>();
    for (std::size_t i = 0; i < kNatEventRingSize + 100; ++i) {
        ring->put([&](NatEvent& event) { event = session(static_cast<std::uint16_t>(i)); });
    }
    start({.file = path_}, *ring);
    const Contents contents = read(path_);
    EXPECT_EQ(contents.error, "");
    std::size_t events = 0;
    std::uint64_t lost = 0;
    for (const NatLogRecord& one : contents.records) {
        lost += one.lost;
        if (one.lost == 0) ++events;
    }
    EXPECT_EQ(events, kNatEventRingSize);
    EXPECT_EQ(lost, 100U);
    // Two seconds behind the clock.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto now_ms =
        static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    EXPECT_NEAR(static_cast<double>(contents.records.front().time_ms), now_ms - 2'000, 60'000);
    EXPECT_LE(static_cast<double>(contents.records.front().time_ms), now_ms - 2'000);
}

TEST_F(NatLogs, a_disk_that_is_full_loses_and_counts) {
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{kNatLogHeaderBytes + 10 * kNatLogRecordBytes + 7, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto ring = std::make_unique<NatEventRing>();
    for (std::uint16_t i = 0; i < 25; ++i) {
        ring->put([&](NatEvent& event) { event = session(i); });
    }
    const auto writer = start({.file = path_}, *ring);
    for (int i = 0; i < 2'000 && writer->counters().unwritten == 0; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_EQ(writer->counters().unwritten, 15U);
    ::setrlimit(RLIMIT_FSIZE, &before);
    const Contents contents = read(path_);
    EXPECT_EQ(contents.error, "") << "no half record stays";
    EXPECT_EQ(contents.records.size(), 10U);
}

TEST_F(NatLogs, a_device_is_no_log) {
    const auto opened = NatLogFile::open("/dev/full", kUnbounded);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().message, "/dev/full: it is no file");
}

TEST_F(NatLogs, a_collector_gets_messages) {
    const int collector = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    ASSERT_EQ(::bind(collector, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::getsockname(collector, reinterpret_cast<sockaddr*>(&address), &length), 0);
    const auto ring = std::make_unique<NatEventRing>();
    for (std::uint16_t i = 0; i < 100; ++i) {
        ring->put([&](NatEvent& event) { event = session(i); });
    }
    start({.collector = Endpoint{Ipv4Address(INADDR_LOOPBACK), ntohs(address.sin_port)},
           .observation_domain = 9},
          *ring);
    std::size_t bytes = 0;
    std::array<std::uint8_t, 2'000> message{};
    for (ssize_t got = 1; got > 0;) {
        got = ::recv(collector, message.data(), message.size(), MSG_DONTWAIT);
        if (got <= 0) break;
        ASSERT_EQ(message[1], 10);
        ASSERT_EQ(message[2] << 8 | message[3], got);
        bytes += static_cast<std::size_t>(got);
    }
    EXPECT_GT(bytes, 100U * 38U);
    ::close(collector);
}

TEST_F(NatLogs, a_collector_that_is_not_there_costs_nobody_else) {
    const auto ring = std::make_unique<NatEventRing>();
    const auto writer =
        start({.file = path_, .collector = Endpoint{Ipv4Address(INADDR_LOOPBACK), 9}}, *ring);
    const auto wait_for = [&](std::uint64_t events) {
        for (int i = 0; i < 2'000 && writer->counters().events < events; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return writer->counters().events == events;
    };
    for (std::uint16_t turn = 1; turn <= 5; ++turn) {
        for (std::uint16_t i = 0; i < 200; ++i) {
            ring->put([&](NatEvent& event) { event = session(i); });
        }
        ASSERT_TRUE(wait_for(200U * turn));
    }
    // Refusals come a message late, so some were sent to nobody.
    for (int i = 0; i < 2'000 && writer->counters().unsent == 0; ++i) {
        ring->put([&](NatEvent& event) { event = session(1); });
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_GT(writer->counters().unsent, 0U);
    EXPECT_EQ(writer->counters().unwritten, 0U);
    EXPECT_EQ(writer->counters().lost, 0U);
}

}  // namespace
}  // namespace causeway
