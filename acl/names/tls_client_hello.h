// SPDX-License-Identifier: Apache-2.0
//
// The server's name in a TLS ClientHello (RFC 6066 3), of any version of TLS: RFC 8446 4.1.2 kept
// the form of RFC 5246 7.4.1.2.
#pragma once

#include <cstdint>
#include <span>

#include "acl/names/name_search.h"

namespace causeway {

// Of a ClientHello longer than this a name is found only if it comes before.
inline constexpr std::size_t kClientHelloBytesMax = 4'096;

// In handshake messages without records, as QUIC has them: the first is the ClientHello.
[[nodiscard]] NameSearch find_name_in_client_hello(
    std::span<const std::uint8_t> handshake) noexcept;

// In the first bytes that a TLS client sends. The ClientHello may be in any number of records (RFC
// 8446 5.1).
[[nodiscard]] NameSearch find_name_in_tls(std::span<const std::uint8_t> stream) noexcept;

}  // namespace causeway
