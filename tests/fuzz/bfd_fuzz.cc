// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as BFD packets to a session, with pauses between them: what is taken was written by the
// rules, what we answer is itself taken, and the session comes up by its own discriminator only.
// And the same bytes as IP packets: what is read of one lies in it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/check.h"
#include "dataplane/bfd/datagram.h"
#include "dataplane/bfd/sessions.h"

namespace causeway {
namespace {

constexpr std::size_t kChunk = 32;  // a pause, then a payload

void check_answer(const BfdOutcome& outcome) {
    if (!outcome.packet) {
        CHECK(!outcome.has_changed);
        return;
    }
    const auto bytes = write_bfd(*outcome.packet);
    const auto parsed = parse_bfd(bytes);
    CHECK(std::get<BfdControlPacket>(parsed) == *outcome.packet);
}

void check_datagram(std::span<const std::uint8_t> packet) {
    const auto parsed = parse_bfd_datagram(packet);
    const auto* datagram = std::get_if<BfdDatagram>(&parsed);
    if (datagram == nullptr) return;
    CHECK(datagram->payload.data() >= packet.data() + sizeof(UdpHeader));
    CHECK(datagram->payload.data() + datagram->payload.size() <= packet.data() + packet.size());
    CHECK(datagram->path.source.index() == datagram->path.destination.index());
}

void run(std::span<const std::uint8_t> bytes) {
    check_datagram(bytes);
    std::uint64_t now = 1;
    BfdSessions sessions({.sessions_max = 2, .seed = 0}, now);
    const BfdPeer peer{AttachmentId(1), Ipv4Address(1)};
    const BfdDiscriminator mine = std::move(sessions.add(peer, {}, now)).value();
    const BfdSession& session = *sessions.find(mine);
    std::array<BfdEvent, 4> events;
    while (!bytes.empty()) {
        now += std::uint64_t{bytes[0]} << 22;  // up to a second
        const std::size_t size = std::min(bytes.size(), kChunk);
        const auto payload = bytes.subspan(1, size - 1);
        bytes = bytes.subspan(size);
        const bool was_up = session.state() == BfdState::kUp;
        const auto received = sessions.receive(payload, peer, kBfdTtl, now);
        if (const auto* event = std::get_if<BfdEvent>(&received)) {
            CHECK(event->session == mine);
            check_answer(event->outcome);
            const auto packet = std::get<BfdControlPacket>(parse_bfd(payload));
            CHECK(session.remote_discriminator() == packet.mine);
            if (!was_up && session.state() == BfdState::kUp) CHECK(packet.yours == mine);
        } else {
            CHECK(was_up == (session.state() == BfdState::kUp));
        }
        const std::size_t count = sessions.poll(now, events);
        CHECK(count < events.size());
        for (std::size_t i = 0; i < count; ++i) check_answer(events[i].outcome);
        CHECK(session.next_event_ns() + 2 * TimerWheel::kTickNs > now);
    }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::run({data, size});
    return 0;
}
