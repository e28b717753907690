// SPDX-License-Identifier: Apache-2.0
#include "acl/names/dns_learner.h"

#include <algorithm>
#include <array>
#include <optional>

#include "acl/packet_view.h"
#include "base/headers.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct EventInfo {
    DnsLearner::Event event;
    std::string_view name;
    std::string_view meaning;
};
constexpr auto kEvents = std::to_array<EventInfo>({
    {DnsLearner::Event::kNotOfResolver, "not_of_resolver", "not from port 53 of a resolver"},
    {DnsLearner::Event::kUnreadable, "unreadable", "no whole packet of UDP or TCP"},
    {DnsLearner::Event::kFragment, "fragment", "a fragment: it is not put together here"},
    {DnsLearner::Event::kCut, "cut", "ends before its records do"},
    {DnsLearner::Event::kBadName, "bad_name", "has a name that is none (RFC 1035 4.1.4)"},
    {DnsLearner::Event::kNoAnswer, "no_answer", "a query, a failure, or a truncated answer"},
    {DnsLearner::Event::kInNoSet, "in_no_set", "of a name that is in no set"},
    {DnsLearner::Event::kLearned, "learned", "its addresses are known"},
    {DnsLearner::Event::kFull, "full", "there was no room for one of its addresses"},
    {DnsLearner::Event::kStreamLost, "stream_lost",
     "over TCP, of a connection whose begin has not been seen"},
    {DnsLearner::Event::kTooLong, "too_long", "over TCP, and longer than is looked at"},
});

consteval bool events_follow_enum() {
    for (std::size_t i = 0; i < kEvents.size(); ++i) {
        if (static_cast<std::size_t>(kEvents[i].event) != i) return false;
    }
    return kEvents.size() == static_cast<std::size_t>(DnsLearner::Event::kCount);
}
static_assert(events_follow_enum(), "each Event has one row, in the order of the enum");

}  // namespace

std::string_view DnsLearner::to_string(Event event) noexcept {
    return kEvents[static_cast<std::size_t>(event)].name;
}
std::string_view DnsLearner::meaning_of(Event event) noexcept {
    return kEvents[static_cast<std::size_t>(event)].meaning;
}

void DnsLearner::forget(const LearnedAddresses& learned) {
    std::erase_if(streams_, [&](const auto& stream) {
        return std::get<LearnedAddresses*>(stream.first) == &learned;
    });
}

void DnsLearner::take(LearnedAddresses& learned, Bytes packet, std::uint64_t now_s) {
    const auto view = read_acl_packet(packet);
    if (!view) return note(Event::kUnreadable);
    if (!resolvers_.contains(view->source)) return note(Event::kNotOfResolver);
    if (view->fragment != FragmentKind::kWhole) return note(Event::kFragment);
    if (!view->ports) return note(Event::kUnreadable);
    if (view->ports->source != kDnsPort) return note(Event::kNotOfResolver);
    const auto layer4 = layer4_of(packet, view->protocol);
    if (!layer4) return note(Event::kUnreadable);
    if (view->protocol == static_cast<std::uint8_t>(IpProtocol::kUdp)) {
        if (layer4->size() < sizeof(UdpHeader)) return note(Event::kUnreadable);
        return take_message(learned, layer4->subspan(sizeof(UdpHeader)), now_s);
    }
    if (view->protocol != static_cast<std::uint8_t>(IpProtocol::kTcp)) {
        return note(Event::kUnreadable);
    }
    const auto segment = read_tcp_segment(*layer4);
    if (!segment) return note(Event::kUnreadable);
    take_segment({&learned, view->source, view->destination, view->ports->destination}, *segment,
                 now_s);
}

void DnsLearner::take_message(LearnedAddresses& learned, Bytes message, std::uint64_t now_s) {
    switch (parse_dns_answer(message, answer_)) {
        case DnsFault::kNone:
            break;
        case DnsFault::kCut:
            return note(Event::kCut);
        case DnsFault::kBadName:
            return note(Event::kBadName);
        case DnsFault::kNoAnswer:
            return note(Event::kNoAnswer);
    }
    const NameSetBits sets =
        matcher_ == nullptr ? 0 : matcher_->match(answer_.names, scratch_) & counted_sets_;
    if (sets == 0) return note(Event::kInNoSet);
    bool has_room = true;
    for (const DnsAddress& address : answer_.addresses) {
        has_room =
            learned.learn(address.address, sets, address.ttl, answer_.names.front(), now_s) &&
            has_room;
    }
    note(has_room ? Event::kLearned : Event::kFull);
}

// Of those of the VRF that has the most, the one that was silent for longest: one customer's
// connections do not push out another's.
void DnsLearner::drop_stream() {
    const auto vrf_of = [](const auto& stream) {
        return std::get<LearnedAddresses*>(stream.first);
    };
    std::map<const LearnedAddresses*, std::size_t> counts;
    for (const auto& stream : streams_) ++counts[vrf_of(stream)];
    const LearnedAddresses* const most =
        std::ranges::max_element(counts, {}, &decltype(counts)::value_type::second)->first;
    streams_.erase(std::ranges::min_element(streams_, {}, [&](const auto& stream) {
        return std::pair(vrf_of(stream) != most, stream.second->heard);
    }));
}

void DnsLearner::open_stream(const StreamKey& key, std::uint32_t first) {
    if (streams_.size() == kStreamsMax && !streams_.contains(key)) drop_stream();
    streams_.insert_or_assign(
        key, std::make_unique<Stream>(Stream{.head = StreamHead<kStreamBytesMax>(first)}));
}

void DnsLearner::take_segment(const StreamKey& key, const TcpSegment& segment,
                              std::uint64_t now_s) {
    const std::uint32_t sequence = segment.payload_sequence();
    if ((segment.flags & TcpSegment::kSyn) != 0) open_stream(key, sequence);
    const auto at = streams_.find(key);
    if (at == streams_.end()) {
        if (!segment.payload.empty()) note(Event::kStreamLost);
        return;
    }
    Stream& stream = *at->second;
    stream.heard = ++packets_;
    stream.head.put(sequence, segment.payload);
    if (!take_messages(*std::get<LearnedAddresses*>(key), stream, now_s) ||
        (segment.flags & (TcpSegment::kFin | TcpSegment::kRst)) != 0)
        streams_.erase(at);
}

bool DnsLearner::take_messages(LearnedAddresses& learned, Stream& stream, std::uint64_t now_s) {
    for (;;) {  // RFC 1035 4.2.2: the length stands before each message
        const Bytes bytes = stream.head.bytes();
        if (bytes.size() < 2) return true;
        const std::size_t size = std::size_t{bytes[0]} << 8 | bytes[1];
        if (2 + size > kStreamBytesMax) {
            note(Event::kTooLong);
            return false;
        }
        if (bytes.size() < 2 + size) return true;
        take_message(learned, bytes.subspan(2, size), now_s);
        stream.head.consume(2 + size);
    }
}

}  // namespace causeway
