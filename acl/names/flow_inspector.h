// SPDX-License-Identifier: Apache-2.0
//
// FlowInspector: finds the name that a flow's client says in its first packets: in a ClientHello of
// TLS or QUIC, in a request of HTTP; and whether an expression over payloads matches them.
//
// Thread safety: its worker's. Nothing is allocated after create().
//
// Bounded: so many flows are looked into at a time, of which the one that has been silent longest
// makes room; of each, a few packets with data, in any order, and the first 4,096 bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "acl/names/layer4.h"
#include "acl/names/name_matcher.h"
#include "acl/names/quic_initial.h"
#include "base/result.h"

namespace causeway {

class FlowInspector {
  public:
    static constexpr std::size_t kFlowsMax = 256;
    static constexpr std::size_t kProbes = 4;
    static constexpr unsigned kPacketsMax = 8;  // with data, of one flow

    [[nodiscard]] static Result<std::unique_ptr<FlowInspector>> create();

    // Whom to ask about a name.
    struct Sets {
        const NameMatcher& matcher;
        PatternScratch& scratch;
    };

    // The sets that the flow shows itself to be in, once that is known, and then no more: of a
    // packet of the client's. A TCP flow is looked into from its SYN on.
    [[nodiscard]] std::optional<NameSetBits> take(std::uint64_t key, const TcpSegment& segment,
                                                  Sets sets) noexcept;
    // The same of a datagram of UDP, of a flow about which nothing is known yet.
    [[nodiscard]] std::optional<NameSetBits> take(std::uint64_t key,
                                                  std::span<const std::uint8_t> datagram,
                                                  Sets sets) noexcept;

  private:
    struct Flow {
        std::uint64_t heard = 0;  // a running number of packets; 0: free
        unsigned packets = 0;
        QuicHello hello;  // of TCP: its stream is in `crypto`
    };
    static constexpr std::size_t kNone = kFlowsMax;

    explicit FlowInspector(std::unique_ptr<QuicInitialReader> quic)
        : flows_(kFlowsMax), quic_(std::move(quic)) {}
    [[nodiscard]] std::size_t find(std::uint64_t key) const noexcept;  // or kNone
    std::size_t open(std::uint64_t key, std::uint32_t first) noexcept;
    void close(std::size_t at) noexcept;
    [[nodiscard]] std::optional<NameSetBits> verdict(std::size_t at, const NameSearch& search,
                                                     std::span<const std::uint8_t> bytes,
                                                     Sets sets) noexcept;

    // A flow lies at its key modulo, or at one of the next few. The keys are apart from the rest:
    // they are looked through for most packets, and found for few.
    std::array<std::uint64_t, kFlowsMax> keys_{};  // 0: free
    std::vector<Flow> flows_;
    std::unique_ptr<QuicInitialReader> quic_;
    std::uint64_t packets_ = 0;
};

}  // namespace causeway
