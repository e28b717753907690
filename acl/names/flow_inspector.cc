// SPDX-License-Identifier: Apache-2.0
#include "acl/names/flow_inspector.h"

#include "acl/names/http_request.h"
#include "acl/names/tls_client_hello.h"

namespace causeway {

using Bytes = std::span<const std::uint8_t>;

Result<std::unique_ptr<FlowInspector>> FlowInspector::create() {
    auto quic = QuicInitialReader::create();
    if (!quic) return Unexpected(quic.error());
    return std::unique_ptr<FlowInspector>(new FlowInspector(std::move(quic).value()));
}

std::size_t FlowInspector::find(std::uint64_t key) const noexcept {
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
        const std::size_t at = (key + probe) % kFlowsMax;
        if (keys_[at] == key) return at;
    }
    return kNone;
}

std::size_t FlowInspector::open(std::uint64_t key, std::uint32_t first) noexcept {
    std::size_t room = find(key);
    if (room == kNone) {
        room = key % kFlowsMax;
        for (std::size_t probe = 1; probe < kProbes; ++probe) {
            const std::size_t at = (key + probe) % kFlowsMax;
            if (flows_[at].heard < flows_[room].heard) room = at;
        }
    }
    keys_[room] = key;
    Flow& flow = flows_[room];
    flow.heard = ++packets_;
    flow.packets = 0;
    flow.hello.has_id = false;
    flow.hello.crypto.restart(first);
    return room;
}

void FlowInspector::close(std::size_t at) noexcept {
    keys_[at] = 0;
    flows_[at].heard = 0;
}

std::optional<NameSetBits> FlowInspector::verdict(std::size_t at, const NameSearch& search,
                                                  Bytes bytes, Sets sets) noexcept {
    Flow& flow = flows_[at];
    flow.heard = ++packets_;
    const bool may_go_on = search.state == NameSearch::State::kMore &&
                           ++flow.packets < kPacketsMax && !flow.hello.crypto.is_full();
    if (may_go_on) return std::nullopt;
    NameSetBits found = sets.matcher.match_payload(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, sets.scratch);
    if (search.state == NameSearch::State::kFound) {
        found |= sets.matcher.match(search.name, sets.scratch).in;
    }
    close(at);
    return found;
}

std::optional<NameSetBits> FlowInspector::take(std::uint64_t key, const TcpSegment& segment,
                                               Sets sets) noexcept {
    const bool begins = (segment.flags & (TcpSegment::kSyn | TcpSegment::kAck)) == TcpSegment::kSyn;
    const std::size_t at = begins ? open(key, segment.payload_sequence()) : find(key);
    if (at == kNone) return std::nullopt;
    if ((segment.flags & TcpSegment::kRst) != 0) close(at);
    if (segment.payload.empty() || keys_[at] == 0) return std::nullopt;
    auto& stream = flows_[at].hello.crypto;
    stream.put(segment.payload_sequence(), segment.payload);
    return verdict(at, find_name_in_stream(stream.bytes()), stream.bytes(), sets);
}

std::optional<NameSetBits> FlowInspector::take(std::uint64_t key, Bytes datagram,
                                               Sets sets) noexcept {
    const std::size_t known = find(key);
    const std::size_t at = known != kNone ? known : open(key, 0);
    QuicHello& hello = flows_[at].hello;
    const auto seen = quic_->read(datagram, hello);
    if (seen != QuicInitialReader::Seen::kInitial && known == kNone) {
        return verdict(at, NameSearch::none(), datagram, sets);
    }
    return verdict(at, find_name_in_client_hello(hello.crypto.bytes()), datagram, sets);
}

}  // namespace causeway
