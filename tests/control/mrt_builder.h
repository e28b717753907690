// SPDX-License-Identifier: Apache-2.0
//
// MrtBuilder: TABLE_DUMP_V2 dumps (RFC 6396 4.3), written field by field as the RFC draws them.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"

namespace causeway::test {

using Bytes = std::vector<std::uint8_t>;

template <class Number>
void put(Bytes& bytes, Number number) {
    for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

inline void put(Bytes& bytes, const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

inline void put(Bytes& bytes, const IpAddress& address) {
    std::visit([&](auto one) { put(bytes, one.value()); }, address);
}

// A path attribute (RFC 4271 4.3); a long one has two bytes of length.
inline Bytes attribute(std::uint8_t type, const Bytes& value) {
    Bytes bytes;
    const bool is_long = value.size() > 255;
    put<std::uint8_t>(bytes, is_long ? 0x50 : 0x40);
    put(bytes, type);
    if (is_long) {
        put(bytes, static_cast<std::uint16_t>(value.size()));
    } else {
        put(bytes, static_cast<std::uint8_t>(value.size()));
    }
    put(bytes, value);
    return bytes;
}

inline Bytes next_hop_attribute(Ipv4Address address) {
    Bytes value;
    put(value, IpAddress(address));
    return attribute(3, value);
}

// MP_REACH_NLRI as RFC 6396 4.3.4 has it in a dump: the next hop with its length, nothing else.
inline Bytes mp_reach_attribute(std::initializer_list<IpAddress> addresses) {
    Bytes next_hop;
    for (const IpAddress& address : addresses) put(next_hop, address);
    Bytes value;
    put(value, static_cast<std::uint8_t>(next_hop.size()));
    put(value, next_hop);
    return attribute(14, value);
}

struct MrtEntry {
    std::uint16_t peer = 0;
    Bytes attributes;
};

class MrtBuilder {
  public:
    MrtBuilder& record(std::uint16_t subtype, const Bytes& body, std::uint16_t type = 13) {
        put<std::uint32_t>(bytes_, 1'700'000'000);
        put(bytes_, type);
        put(bytes_, subtype);
        put(bytes_, static_cast<std::uint32_t>(body.size()));
        put(bytes_, body);
        return *this;
    }

    MrtBuilder& peers(std::initializer_list<IpAddress> addresses) {
        Bytes body;
        put<std::uint32_t>(body, 0xc0000201);
        put<std::uint16_t>(body, 4);
        put(body, Bytes{'v', 'i', 'e', 'w'});
        put(body, static_cast<std::uint16_t>(addresses.size()));
        for (const IpAddress& address : addresses) {
            const bool is_ipv6 = std::holds_alternative<Ipv6Address>(address);
            put<std::uint8_t>(body, is_ipv6 ? 3 : 0);  // the second bit: an AS of four bytes
            put<std::uint32_t>(body, 0xc0000202);
            put(body, address);
            if (is_ipv6) {
                put<std::uint32_t>(body, 65'010);
            } else {
                put<std::uint16_t>(body, 65'010);
            }
        }
        return record(1, body);
    }

    // With additional paths where the subtype is of RFC 8050.
    MrtBuilder& rib(std::uint16_t subtype, const IpPrefix& prefix,
                    std::initializer_list<MrtEntry> entries) {
        Bytes body;
        put<std::uint32_t>(body, sequence_++);
        const int length = std::visit([](auto one) { return one.length(); }, prefix);
        put(body, static_cast<std::uint8_t>(length));
        Bytes address;
        std::visit([&](auto one) { put(address, one.address().value()); }, prefix);
        address.resize(static_cast<std::size_t>((length + 7) / 8));
        put(body, address);
        put(body, static_cast<std::uint16_t>(entries.size()));
        for (const MrtEntry& entry : entries) {
            put(body, entry.peer);
            put<std::uint32_t>(body, 1'600'000'000);
            if (subtype >= 8) put<std::uint32_t>(body, 7);
            put(body, static_cast<std::uint16_t>(entry.attributes.size()));
            put(body, entry.attributes);
        }
        return record(subtype, body);
    }

    [[nodiscard]] const Bytes& bytes() const { return bytes_; }
    [[nodiscard]] std::string text() const { return {bytes_.begin(), bytes_.end()}; }

  private:
    Bytes bytes_;
    std::uint32_t sequence_ = 0;
};

}  // namespace causeway::test
