// SPDX-License-Identifier: Apache-2.0
//
// DnsLearner: takes what resolvers answer and learns the addresses of the sets' names. Over UDP,
// and over TCP from the connection's first packet on (RFC 7766); packets of a connection may come
// in any order and more than once.
//
// Thread safety: the control thread's.
//
// Bounded: connections, of which the one that has been silent longest makes room, and the bytes of
// a message over TCP. A fragment is passed over: resolvers avoid them (RFC 9715), and the client
// asks again by TCP.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "acl/names/dns_answer.h"
#include "acl/names/layer4.h"
#include "acl/names/learned_addresses.h"
#include "acl/names/name_matcher.h"
#include "acl/names/stream_head.h"
#include "base/types.h"

namespace causeway {

class DnsLearner {
  public:
    static constexpr std::size_t kStreamsMax = 256;
    static constexpr std::size_t kStreamBytesMax = 16'384;

    // What became of a packet, or of a message in one.
    enum class Event : std::uint8_t {
        kNotOfResolver,  // not from port 53 of one that is configured
        kUnreadable,     // no whole UDP or TCP packet
        kFragment,
        kCut,  // of an answer: see DnsFault
        kBadName,
        kNoAnswer,
        kInNoSet,
        kLearned,     // all its addresses
        kFull,        // there was no room for one of its addresses
        kStreamLost,  // of a connection that we do not have from its begin, or not any more
        kTooLong,     // over TCP; the connection is not looked at any further
        kCount,
    };
    [[nodiscard]] static std::string_view to_string(Event event) noexcept;
    [[nodiscard]] static std::string_view meaning_of(Event event) noexcept;

    // The matcher must outlive its use here; null: nothing is learned.
    void set_matcher(const NameMatcher* matcher, PatternScratch scratch) {
        matcher_ = matcher;
        scratch_ = std::move(scratch);
    }
    // Of the matcher's sets, those that count, until this is said again.
    void count_only(NameSetBits sets) noexcept { counted_sets_ = sets; }
    void set_resolvers(std::set<IpAddress> resolvers) { resolvers_ = std::move(resolvers); }

    // A packet of layer 3, of either family; `learned` is that of the packet's VRF.
    void take(LearnedAddresses& learned, std::span<const std::uint8_t> packet, std::uint64_t now_s);
    // Those addresses will be taught nothing more. Before they go.
    void forget(const LearnedAddresses& learned);

    [[nodiscard]] std::uint64_t count(Event event) const noexcept {
        return counts_[static_cast<std::size_t>(event)];
    }
    [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }

  private:
    // The VRF, by what it has learned; resolver, client, client's port.
    using StreamKey = std::tuple<LearnedAddresses*, IpAddress, IpAddress, std::uint16_t>;
    struct Stream {
        StreamHead<kStreamBytesMax> head;
        std::uint64_t heard = 0;  // a running number of packets
    };

    void note(Event event) noexcept { ++counts_[static_cast<std::size_t>(event)]; }
    void take_message(LearnedAddresses& learned, std::span<const std::uint8_t> message,
                      std::uint64_t now_s);
    void take_segment(const StreamKey& key, const TcpSegment& segment, std::uint64_t now_s);
    // All whole messages at the stream's begin. False where it is not worth keeping.
    [[nodiscard]] bool take_messages(LearnedAddresses& learned, Stream& stream,
                                     std::uint64_t now_s);
    void drop_stream();  // REQUIRES: one
    void open_stream(const StreamKey& key, std::uint32_t first);

    const NameMatcher* matcher_ = nullptr;
    NameSetBits counted_sets_ = ~NameSetBits{0};
    PatternScratch scratch_;
    std::set<IpAddress> resolvers_;
    std::map<StreamKey, std::unique_ptr<Stream>> streams_;
    std::uint64_t packets_ = 0;
    DnsAnswer answer_;
    std::array<std::uint64_t, static_cast<std::size_t>(Event::kCount)> counts_{};
};

}  // namespace causeway
