// SPDX-License-Identifier: Apache-2.0
#include "control/policy/acl_log_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "acl/packet_view.h"
#include "base/text.h"
#include "control/config/policy_values.h"
#include "control/log/log.h"

namespace causeway {
namespace {

// The record's bytes, and zeros where the packet had more.
std::optional<AclPacket> packet_of(const AclLogRecord& record) {
    std::vector<std::uint8_t> bytes(record.packet_bytes);
    std::copy_n(record.head.begin(), std::min(bytes.size(), record.head.size()), bytes.begin());
    return read_acl_packet(bytes);
}

// [2001:db8::1]:443, as RFC 3986 3.2.2 has it.
std::string with_port(const IpAddress& address, std::uint16_t port) {
    return std::holds_alternative<Ipv6Address>(address)
               ? fmt::format("[{}]:{}", to_string(address), port)
               : fmt::format("{}:{}", to_string(address), port);
}

std::string_view fragment_text(FragmentKind kind) {
    static constexpr std::array<std::string_view, 3> kTexts{"", ", first fragment",
                                                            ", later fragment"};
    return kTexts[static_cast<std::size_t>(kind)];
}

}  // namespace

std::string describe(const AclLogRecord& record, std::string_view attachment) {
    const auto packet = packet_of(record);
    if (!packet) return fmt::format("in {}: {} bytes", attachment, record.packet_bytes);
    const bool has_ports = packet->ports.has_value();
    const auto end = [&](const IpAddress& address, std::uint16_t port) {
        return has_ports ? with_port(address, port) : to_string(address);
    };
    const AclPacket::Ports ports = packet->ports.value_or(AclPacket::Ports{});
    std::string text =
        fmt::format("in {}: {} {} -> {}", attachment, protocol_text(packet->protocol),
                    end(packet->source, ports.source), end(packet->destination, ports.destination));
    if (packet->icmp)
        text += fmt::format(" type {} code {}", packet->icmp->type, packet->icmp->code);
    const std::uint8_t flags = packet->tcp_flags.value_or(0);
    if (flags != 0) text += fmt::format(" {}", fmt::join(tcp_flag_texts({flags, flags}), ","));
    return text + fmt::format("{}, {} bytes", fragment_text(packet->fragment), record.packet_bytes);
}

void AclLogWriter::take(std::span<const std::unique_ptr<Worker>> workers,
                        const PolicyTables& policy, const Attachments& attachments,
                        std::uint64_t now_ns) {
    std::array<AclLogRecord, 64> records;
    std::uint64_t skipped = 0;
    for (const auto& worker : workers) {
        std::size_t count = 0;
        do {
            count = worker->acl_log().take(records);
            for (const AclLogRecord& record : std::span(records).first(count)) {
                const auto name = policy.rows().name_of(record.rule);
                const Attachment* const in = attachments.find(record.attachment);
                if (!name || in == nullptr || !bucket_.take(now_ns, kLines)) {
                    ++skipped;
                    continue;
                }
                log_info("access list {}, {}: {}", name->list,
                         name->rule.empty() ? "otherwise" : fmt::format("rule {}", name->rule),
                         describe(record, in->name));
            }
        } while (count == records.size());
    }
    unwritten_ += skipped;
}

}  // namespace causeway
