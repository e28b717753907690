// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an IPv6 packet to the control thread: Neighbour Discovery and ICMPv6. Bytes are
// taken as they come, and once more with a good header and checksum, or nothing would get past
// those.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "control/slow_path/icmpv6.h"
#include "control/slow_path/neighbour_discovery.h"

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;

Attachment dual_stack() {
    Attachment attachment;
    attachment.mac = MacAddress{{0x02, 0xca, 0, 0, 0, 1}};
    attachment.ipv6 = {Ipv6Address(0x2001'0db8'0000'0000, 2),
                       Ipv6Prefix::of(Ipv6Address(0x2001'0db8'0000'0000, 0), 126), std::nullopt};
    return attachment;
}

void check_notice(const Bytes& packet) {
    const auto notice = parse_neighbour_notice(packet);
    if (!notice) return;
    CHECK(packet[7] == 255);
    CHECK(!is_multicast(notice->target));
    CHECK(!notice->mac || is_unicast(*notice->mac));
    const bool is_solicitation = notice->type == Icmpv6Type::kNeighbourSolicitation;
    CHECK(!is_unspecified(notice->source) || !is_solicitation || !notice->mac);
    if (!is_solicitation) return;
    // What we would answer is itself sound, and says what was asked.
    Bytes room(kLinkMessageBytesMax);
    const MacAddress to = notice->mac.value_or(MacAddress{{2, 0, 0, 0, 0, 9}});
    const LinkMessage answer = write_nd_answer(room, dual_stack(), *notice, to);
    CHECK(answer.bytes == room.size());
    const auto heard = parse_neighbour_notice(room);
    CHECK(heard.has_value() || is_multicast(notice->source));
    if (heard) CHECK(heard->target == notice->target);
}

void check_icmp(const Bytes& packet) {
    for (const IcmpError error : {IcmpError::kTooBig, IcmpError::kProtocolUnreachable}) {
        if (!may_be_answered_with_icmpv6_error(packet, error)) continue;
        Bytes room(kIcmpv6ErrorBytesMax);
        const std::size_t size =
            write_icmpv6_error(room, error, 1'280, Ipv6Address(0x2001'0db8'0000'0000, 2), packet);
        room.resize(size);
        CHECK(has_good_icmpv6_checksum(room));
        CHECK(!may_be_answered_with_icmpv6_error(room, error));  // no error is answered by another
    }
    if (!is_icmpv6_echo_request(packet)) return;
    Bytes reply = packet;
    turn_into_icmpv6_echo_reply(reply);
    CHECK(has_good_icmpv6_checksum(reply));
    CHECK(!is_icmpv6_echo_request(reply));
}

// With a header and a checksum that are right, around the same ICMPv6 message.
Bytes sealed(Bytes packet) {
    Ipv6Header header;
    std::memcpy(&header, packet.data(), sizeof header);
    finish_icmpv6(packet, {.source = header.source.host(),
                           .destination = header.destination.host(),
                           .hop_limit = 255});
    return packet;
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const Bytes packet(data, data + std::min<std::size_t>(size, 9'000));
    check_notice(packet);
    check_icmp(packet);
    if (packet.size() < sizeof(Ipv6Header) + sizeof(Icmpv6Header)) return 0;
    check_notice(sealed(packet));
    check_icmp(sealed(packet));
    return 0;
}
