// SPDX-License-Identifier: Apache-2.0
//
// Makes a random NAT log for test_nat_log.py: as a file, as IPFIX messages one behind the other,
// and as text on standard output, which is the truth that the two are compared with.
//
//   nat_log_sample SEED FILE MESSAGES
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <span>
#include <vector>

#include "base/check.h"
#include "control/nat_log/log_file.h"
#include "nat/ipfix.h"

namespace causeway {
namespace {

constexpr std::uint64_t kBegin = 1'700'000'000;  // seconds

class Sample {
  public:
    explicit Sample(std::uint64_t seed) : random_(seed) {}

    std::vector<NatLogRecord> turn(std::uint64_t seconds) {
        std::vector<NatLogRecord> records;
        const std::size_t count = random_() % 8 == 0 ? random_() % 300 : random_() % 5;
        for (std::size_t i = 0; i < count; ++i) records.push_back(record(seconds));
        return records;
    }

  private:
    NatLogRecord record(std::uint64_t seconds) {
        const std::uint64_t time = seconds * 1'000 + random_() % 1'000;
        if (random_() % 40 == 0) return {.time_ms = time, .lost = 1 + below(5'000)};
        NatEvent event{.inside = endpoint(), .outside = endpoint(), .pool = NatPoolId(port())};
        event.kind = static_cast<NatEventKind>(1 + below(4));
        if (event.kind == NatEventKind::kSessionBegun ||
            event.kind == NatEventKind::kSessionEnded) {
            event.remote = endpoint();
            event.protocol = static_cast<NatProtocol>(below(3));
        } else {
            event.inside.port = 0;
            event.ports = static_cast<std::uint16_t>(64U << below(7));
            event.outside.port =
                static_cast<std::uint16_t>(event.ports * below(65'536 / event.ports));
        }
        return {.time_ms = time, .event = event};
    }
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random_() % bound);
    }
    std::uint16_t port() { return static_cast<std::uint16_t>(random_()); }
    Endpoint endpoint() { return {Ipv4Address(static_cast<std::uint32_t>(random_())), port()}; }

    std::mt19937_64 random_;
};

void print(const NatLogRecord& record) {
    const NatEvent& event = record.event;
    if (record.lost != 0) {
        std::printf("%lu lost %u\n", record.time_ms, record.lost);
    } else if (event.ports != 0) {
        std::printf("%lu block %d %u %u %u %u %u\n", record.time_ms, static_cast<int>(event.kind),
                    event.pool.value(), event.inside.address.value(), event.outside.address.value(),
                    event.outside.port, event.ports);
    } else {
        std::printf("%lu session %d %u %u %u %u %u %u %u %u\n", record.time_ms,
                    static_cast<int>(event.kind), event.pool.value(),
                    protocol_number(event.protocol), event.inside.address.value(),
                    event.inside.port, event.outside.address.value(), event.outside.port,
                    event.remote.address.value(), event.remote.port);
    }
}

int make(std::uint64_t seed, const char* file_path, const char* messages_path) {
    Sample sample(seed);
    NatLogFile file = NatLogFile::open(file_path, std::uint64_t{1} << 40).value();
    std::ofstream messages(messages_path, std::ios::binary);
    IpfixEncoder encoder(7);
    std::vector<NatLogRecord> back;
    for (std::uint64_t turn = 0; turn < 200; ++turn) {
        const std::uint64_t seconds = kBegin + turn * 3;
        const std::vector<NatLogRecord> records = sample.turn(seconds);
        for (const NatLogRecord& record : records) print(record);
        CHECK(file.append(records) == records.size());
        for (std::span<const NatLogRecord> left(records); !left.empty();) {
            const auto message = encoder.encode(left, static_cast<std::uint32_t>(seconds));
            CHECK(message.taken > 0);
            left = left.subspan(message.taken);
            messages.write(reinterpret_cast<const char*>(message.bytes.data()),
                           static_cast<std::streamsize>(message.bytes.size()));
        }
    }
    return 0;
}

}  // namespace
}  // namespace causeway

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    return causeway::make(std::strtoull(argv[1], nullptr, 0), argv[2], argv[3]);
}
