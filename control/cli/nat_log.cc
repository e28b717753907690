// SPDX-License-Identifier: Apache-2.0
#include "control/cli/nat_log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>

#include "base/text.h"
#include "control/nat_log/log_file.h"

namespace causeway::cli {
namespace {

std::string_view name_of(NatEventKind kind) {
    switch (kind) {
        case NatEventKind::kBlockLent:
            return "block-lent";
        case NatEventKind::kBlockReturned:
            return "block-returned";
        case NatEventKind::kSessionBegun:
            return "session-begun";
        case NatEventKind::kSessionEnded:
            return "session-ended";
    }
    return "unknown";
}

std::string_view name_of(NatProtocol protocol) {
    switch (protocol) {
        case NatProtocol::kTcp:
            return "tcp";
        case NatProtocol::kUdp:
            return "udp";
        case NatProtocol::kIcmp:
            return "icmp";
    }
    return "unknown";
}

// RFC 3339, in UTC.
std::string time_of(const NatLogRecord& record) {
    const std::chrono::sys_time<std::chrono::seconds> seconds(
        std::chrono::seconds(record.time_ms / 1'000));
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(seconds.time_since_epoch().count()), record.time_ms % 1'000);
}

std::string text_of(Endpoint endpoint) {
    return fmt::format("{}:{}", to_string(endpoint.address), endpoint.port);
}

std::string line_of(const NatLogRecord& record) {
    const NatEvent& event = record.event;
    const std::string time = time_of(record);
    if (record.lost != 0) return fmt::format("{} lost {} events\n", time, record.lost);
    const std::string_view name = name_of(event.kind);
    const unsigned pool = event.pool.value();
    if (event.ports != 0) {
        return fmt::format("{} {} pool {} {} {}-{}\n", time, name, pool,
                           to_string(event.inside.address), text_of(event.outside),
                           event.outside.port + event.ports - 1);
    }
    return fmt::format("{} {} pool {} {} {} {} to {}\n", time, name, pool, name_of(event.protocol),
                       text_of(event.inside), text_of(event.outside), text_of(event.remote));
}

Json json_of(const NatLogRecord& record) {
    const NatEvent& event = record.event;
    if (record.lost != 0) return {{"time", time_of(record)}, {"lost", record.lost}};
    Json json{{"time", time_of(record)},
              {"event", name_of(event.kind)},
              {"pool", event.pool.value()},
              {"inside", to_string(event.inside.address)},
              {"outside", to_string(event.outside.address)}};
    if (event.ports != 0) {
        json["first-port"] = event.outside.port;
        json["last-port"] = event.outside.port + event.ports - 1;
        return json;
    }
    json["protocol"] = name_of(event.protocol);
    json["inside-port"] = event.inside.port;
    json["outside-port"] = event.outside.port;
    json["remote"] = to_string(event.remote.address);
    json["remote-port"] = event.remote.port;
    return json;
}

}  // namespace

ExitCode read_log(Session& session, const std::string& path) {
    std::ifstream file;
    if (path != "-") {
        file.open(path, std::ios::binary);
        if (!file) return refuse(fmt::format("{}: cannot be read", path));
    }
    std::istream& in = path == "-" ? std::cin : file;
    const bool is_json = session.format == Format::kJson;
    if (is_json) session.output.write("[");
    bool is_first = true;
    const Status status = read_nat_log(in, [&](const NatLogRecord& record) {
        if (!session.output.is_read()) return;
        if (is_json) {
            session.output.write(is_first ? "\n" : ",\n");
            session.output.write(json_of(record).dump());
        } else {
            session.output.write(line_of(record));
        }
        is_first = false;
    });
    if (is_json) session.output.write("\n]\n");
    if (!status) return refuse(fmt::format("{}: {}", path, status.error().message));
    return ExitCode::kOk;
}

}  // namespace causeway::cli
