// SPDX-License-Identifier: Apache-2.0
//
// IpfixEncoder: the NAT's log as messages of IPFIX (RFC 7011) with the elements of RFC 8158: port
// blocks (section 5.6.15) and NAT44 sessions (5.6.2). Bytes only; who sends them does not matter.
//
// Over UDP a collector learns the templates from the messages themselves, so they are repeated
// (RFC 7011 8.4). A record that was lost before it could be encoded, or with a message that nobody
// sent, is a gap in the sequence numbers, by which the collector knows (RFC 7011 3.1).
//
// Thread safety: one thread's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "nat/log_record.h"

namespace causeway {

class IpfixEncoder {
  public:
    // Below what Ethernet carries, with room for a tunnel on the way (RFC 7011 10.3.3).
    static constexpr std::size_t kMessageBytesMax = 1'400;
    static constexpr std::uint32_t kTemplateSeconds = 60;

    struct Message {
        std::span<const std::uint8_t> bytes;  // until the next call; empty: nothing to send
        std::size_t taken = 0;                // of the records
        std::size_t events = 0;               // of these, in the message
    };

    explicit IpfixEncoder(std::uint32_t observation_domain) noexcept
        : observation_domain_(observation_domain) {}

    // The first of the records, as many as one message holds. `seconds` since 1970.
    [[nodiscard]] Message encode(std::span<const NatLogRecord> records,
                                 std::uint32_t seconds) noexcept;

  private:
    void begin_message(std::uint32_t seconds) noexcept;
    void put_templates() noexcept;
    [[nodiscard]] bool put_event(const NatLogRecord& record) noexcept;
    void end_set() noexcept;
    template <class T>
    void put(T value) noexcept;
    void patch16(std::size_t at, std::size_t value) noexcept;

    std::uint32_t observation_domain_;
    std::uint32_t sequence_ = 0;
    std::uint32_t templates_due_ = 0;
    std::size_t size_ = 0;
    std::size_t set_at_ = 0;          // where the open set begins; zero: none is open
    std::uint16_t set_template_ = 0;  // whose records are in it
    std::array<std::uint8_t, kMessageBytesMax> bytes_{};
};

}  // namespace causeway
