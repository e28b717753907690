// SPDX-License-Identifier: Apache-2.0
#include "control/bfd/engine.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::size_t kEventsAtOnce = 64;

// RFC 5881 4: from 49152 to 65535, and another for each session of the system.
constexpr std::uint32_t kSourcePortFirst = 49'152;
constexpr std::uint32_t kSourcePorts = 16'384;
static_assert(kBfdSessionsMax <= kSourcePorts, "each session has a source port of its own");

std::uint16_t source_port(BfdDiscriminator id) noexcept {
    return static_cast<std::uint16_t>(kSourcePortFirst + (id.value() & 0xffffU) % kSourcePorts);
}

}  // namespace

BfdEngine::BfdEngine(const Options& options, BfdTransmitter& transmitter, std::uint64_t now_ns)
    : transmitter_(transmitter),
      sessions_({.sessions_max = options.sessions_max, .seed = options.seed}, now_ns),
      wires_(options.sessions_max) {
    changes_.reserve(options.sessions_max);
}

Result<BfdDiscriminator> BfdEngine::add(const BfdSessionOptions& options, std::uint64_t now_ns) {
    CHECK(options.local.index() == options.peer.address.index());
    const auto id = sessions_.add(options.peer, options.parameters, now_ns);
    if (id) wire(*id) = {.options = options, .changed_ns = now_ns};
    return id;
}

void BfdEngine::remove(BfdDiscriminator id, std::uint64_t now_ns) {
    shut_down(id, now_ns);
    std::erase(changes_, id);
    sessions_.remove(id);
}

void BfdEngine::set_parameters(BfdDiscriminator id, const BfdParameters& parameters,
                               std::uint64_t now_ns) {
    wire(id).options.parameters = parameters;
    sessions_.set_parameters(id, parameters, now_ns);
}

void BfdEngine::set_link(BfdDiscriminator id, std::span<const std::uint8_t> header) {
    Wire& own = wire(id);
    CHECK(header.size() <= own.header.size());
    std::ranges::copy(header, own.header.begin());
    own.header_bytes = static_cast<std::uint8_t>(header.size());
}

void BfdEngine::shut_down(BfdDiscriminator id, std::uint64_t now_ns) {
    act_on(sessions_.disable(id, now_ns), now_ns);
}

void BfdEngine::open_up(BfdDiscriminator id, std::uint64_t now_ns) {
    act_on(sessions_.enable(id, now_ns), now_ns);
}

void BfdEngine::receive(const BfdFrame& frame, std::uint64_t now_ns) noexcept {
    const auto parsed = parse_bfd_datagram(frame.view());
    if (const auto* reason = std::get_if<BfdDiscard>(&parsed)) return discard(*reason);
    const auto& datagram = std::get<BfdDatagram>(parsed);
    const BfdPeer from{frame.attachment, datagram.path.source};
    const auto id = sessions_.find(from);
    if (!id) return discard(BfdDiscard::kUnknownPeer);
    // An address of ours on another link is no end of this session.
    if (wire(*id).options.local != datagram.path.destination)
        return discard(BfdDiscard::kWrongPeer);
    const auto heard = sessions_.receive(datagram.payload, from, datagram.ttl, now_ns);
    if (const auto* reason = std::get_if<BfdDiscard>(&heard)) return discard(*reason);
    ++wire(*id).traffic.rx_packets;
    wire(*id).traffic.rx_bytes += datagram.payload.size();
    act_on(std::get<BfdEvent>(heard), now_ns);
}

void BfdEngine::poll(std::uint64_t now_ns) noexcept {
    std::array<BfdEvent, kEventsAtOnce> events;
    std::size_t count = 0;
    do {
        count = sessions_.poll(now_ns, events);
        for (const BfdEvent& event : std::span(events).first(count)) act_on(event, now_ns);
    } while (count == events.size());
}

void BfdEngine::act_on(const BfdEvent& event, std::uint64_t now_ns) noexcept {
    if (event.outcome.has_changed) note_change(event.session, now_ns);
    if (event.outcome.packet) send(event.session, *event.outcome.packet);
}

void BfdEngine::note_change(BfdDiscriminator id, std::uint64_t now_ns) noexcept {
    const BfdSession& session = *sessions_.find(id);
    Wire& own = wire(id);
    own.changed_ns = now_ns;
    const bool was_up = std::exchange(own.is_up, session.state() == BfdState::kUp);
    const bool is_shut =
        session.state() == BfdState::kAdminDown || session.remote_state() == BfdState::kAdminDown;
    if (was_up && !own.is_up) ++own.downs;
    own.has_been_up = (own.has_been_up || own.is_up) && !is_shut;
    if (std::exchange(own.is_noted, true)) return;
    changes_.push_back(id);
}

void BfdEngine::send(BfdDiscriminator id, const BfdControlPacket& packet) noexcept {
    Wire& own = wire(id);
    const BfdSessionOptions& options = own.options;
    BfdFrame frame{
        .attachment = options.peer.attachment, .port = options.port, .size = own.header_bytes};
    std::memcpy(frame.bytes.data(), own.header.data(), own.header_bytes);
    append_bfd_datagram(frame,
                        {.source = options.local,
                         .destination = options.peer.address,
                         .source_port = source_port(id)},
                        write_bfd(packet));
    if (own.header_bytes == 0 || !transmitter_.send(frame)) {
        ++own.tx_lost;
        return;
    }
    ++own.traffic.tx_packets;
    own.traffic.tx_bytes += kBfdPacketBytes;
}

std::vector<BfdDiscriminator> BfdEngine::take_changes() {
    for (const BfdDiscriminator id : changes_) wire(id).is_noted = false;
    std::vector<BfdDiscriminator> changes(changes_);
    changes_.clear();
    return changes;
}

BfdVerdict BfdEngine::verdict_of(const Wire& own) noexcept {
    if (own.is_up) return BfdVerdict::kAlive;
    return own.has_been_up ? BfdVerdict::kFailed : BfdVerdict::kNone;
}

std::optional<BfdSessionStatus> BfdEngine::status(BfdDiscriminator id) const {
    const BfdSession* const session = sessions_.find(id);
    if (session == nullptr) return std::nullopt;
    const Wire& own = wire(id);
    return BfdSessionStatus{.id = id,
                            .options = own.options,
                            .state = session->state(),
                            .diagnostic = session->diagnostic(),
                            .remote_state = session->remote_state(),
                            .remote_diagnostic = session->remote_diagnostic(),
                            .remote = session->remote_discriminator(),
                            .remote_parameters = session->remote_parameters(),
                            .transmit_interval_ns = session->transmit_interval_ns(),
                            .detection_time_ns = session->detection_time_ns(),
                            .changed_ns = own.changed_ns,
                            .downs = own.downs,
                            .tx_lost = own.tx_lost,
                            .traffic = own.traffic,
                            .verdict = verdict_of(own)};
}

std::vector<BfdSessionStatus> BfdEngine::all() const {
    std::vector<BfdSessionStatus> rows;
    rows.reserve(size());
    for (const Wire& own : wires_) {
        const auto id = sessions_.find(own.options.peer);
        if (id && &wire(*id) == &own) rows.push_back(*status(*id));
    }
    std::ranges::sort(rows, {}, [](const BfdSessionStatus& row) {
        return std::tuple(row.options.peer.attachment, row.options.peer.address);
    });
    return rows;
}

}  // namespace causeway
