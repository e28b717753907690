// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/checksum.h"
#include "base/headers.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

// What an address's first octet says of it, so that the usual packet needs one load an address.
class MartianTable {
  public:
    // 0/8 "this host", 127/8 loopback, 224/4 multicast, 240/4 reserved (RFC 1812 5.3.7, RFC 6890),
    // and the octet 169, under which 169.254/16 (RFC 3927 2.6.2) is to be looked at closely.
    [[nodiscard]] static bool is_suspect(const Be32& address) noexcept {
        return kSuspect[*reinterpret_cast<const std::uint8_t*>(&address)];
    }
    [[nodiscard]] static constexpr bool is_martian(Ipv4Address address) noexcept {
        const std::uint32_t octet = address.value() >> 24;
        return octet == 0 || octet == 127 || octet >= 224 || address.value() >> 16 == 0xa9fe;
    }

  private:
    static constexpr auto kSuspect = [] {
        std::array<bool, 256> suspect{};
        for (std::size_t octet = 0; octet < 256; ++octet) {
            suspect[octet] = octet == 0 || octet == 127 || octet == 169 || octet >= 224;
        }
        return suspect;
    }();
};

// Lets pass what a router may forward; sends ARP to the control thread, and IPv6 to its own walk.
//
//   Reads    meta.is_usual, meta.frame_bytes, meta.header_bytes, the EtherType, the IPv4 header
//   Writes   meta.packet_bytes
//   Exits    kArp kIpv6 kUnknownEtherType kTruncatedFrame kBadIpv4Header kBadIpv4Checksum
//            kBadIpv4Length kMartianSource kMartianDestination kSourceRoute kIpOptions
//            kBadFragment kBfd
//   Source   RFC 1812 5.2.2 (checks 1 to 5), 5.3.7 (martians), RFC 7126 4.3, 4.4 (source routes;
//            other options are refused or pass unread, as the peering has it), RFC 1858 and
//            RFC 3128 (fragments)
struct CheckIpv4 {
    static constexpr std::string_view kName = "check_ipv4";

    CheckIpv4(Burst&, const Tables& tables) noexcept : tables_(tables) {}

    Exit operator()(PacketMeta& meta, rte_mbuf&) const noexcept {
        const Ipv4Header& header = meta.ipv4();
        const std::uint16_t total = header.total_length.host();
        const int room = meta.frame_bytes - meta.header_bytes;
        meta.packet_bytes = total;
        // Hardly any of these branches is ever taken, so each is one instruction with its
        // comparison.
        const int suspect =
            MartianTable::is_suspect(header.source) | MartianTable::is_suspect(header.destination);
        if ((meta.is_usual || is_plain(meta.frame)) && suspect == 0 &&
            header.source != header.destination && total >= sizeof(Ipv4Header) && total <= room &&
            checksum_is_good(header) && !may_be_bfd(header)) [[likely]]
            return Exit::kNone;
        return examine(meta, tables_);
    }

  private:
    // The EtherType, and what usual packets have alike: version 4, no options, no fragment. Their
    // bytes as one vector, from the EtherType on.
    [[nodiscard]] static bool is_plain(const std::uint8_t* layer3) noexcept {
        const __m128i usual = _mm_setr_epi8(0x08, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const __m128i mask = _mm_setr_epi8(-1, -1, -1, 0, 0, 0, 0, 0, 0x3f, -1, 0, 0, 0, 0, 0, 0);
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(layer3 - 2));
        return _mm_testz_si128(_mm_xor_si128(bytes, usual), mask) != 0;
    }
    [[nodiscard]] static std::uint64_t word_at(const Ipv4Header& header,
                                               std::size_t offset) noexcept {
        std::uint64_t word;
        std::memcpy(&word, reinterpret_cast<const std::uint8_t*>(&header) + offset, sizeof word);
        return word;
    }

    // Of a header without options. RFC 1071 1 (3): its words sum up to all ones where the checksum
    // is right, in one's complement. Such a sum, of words of any width and less its folds, is a
    // multiple of 0xffff; only a header of zeros has that, too.
    [[nodiscard]] static bool checksum_is_good(const Ipv4Header& header) noexcept {
        const std::uint64_t first = word_at(header, 0);
        const std::uint64_t second = word_at(header, 8);
        const std::uint32_t third = header.destination.wire();
        // Each carry comes back in; g++ 12 takes three instructions more.
        std::uint64_t sum = first;
        asm("addq %1, %0\n\tadcq %2, %0\n\tadcq $0, %0"
            : "+&r"(sum)
            : "rm"(second), "r"(std::uint64_t{third})
            : "cc");
        return sum % 0xffff == 0;
    }

    // UDP, and from no farther than the other end of the link: TTL and protocol as one word.
    [[nodiscard]] static bool may_be_bfd(const Ipv4Header& header) noexcept {
        constexpr Be16 kUdpOfLink{std::uint16_t{kBfdTtl} << 8 |
                                  static_cast<std::uint16_t>(IpProtocol::kUdp)};
        return static_cast<std::uint16_t>(word_at(header, offsetof(Ipv4Header, ttl))) ==
               kUdpOfLink.wire();
    }

    // The whole examination, for whatever is not a plain good packet, in the order of RFC 1812.
    [[nodiscard, gnu::pure]] static Exit examine(const PacketMeta& meta,
                                                 const Tables& tables) noexcept;

    const Tables& tables_;
};

}  // namespace causeway
