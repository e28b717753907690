// SPDX-License-Identifier: Apache-2.0
#include "acl/names/tls_client_hello.h"

#include <algorithm>
#include <array>

#include "acl/names/byte_cursor.h"

namespace causeway {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;      // RFC 8446 B.1
constexpr std::size_t kRecordHeaderBytes = 5;      // RFC 8446 5.1: type, version, length
constexpr std::size_t kRecordBytesMax = 1U << 14;  // RFC 8446 5.1
constexpr std::uint8_t kClientHello = 1;           // RFC 8446 B.3
constexpr std::uint16_t kServerNameExtension = 0;  // RFC 6066 1.1
constexpr std::uint8_t kHostName = 0;              // RFC 6066 3

NameSearch ran_out(const ByteCursor& cursor) noexcept {
    return cursor.may_go_on() ? NameSearch::more() : NameSearch::none();
}

// RFC 6066 3: a list with at most one name of each type.
NameSearch find_in_server_names(ByteCursor extension) noexcept {
    ByteCursor names = extension.block(2);
    while (!names.is_at_end()) {
        const std::uint32_t type = names.number(1);
        const std::size_t bytes = names.number(2);
        const auto text = names.take(bytes);
        if (names.has_failed()) return ran_out(names);
        if (type != kHostName) continue;
        const auto name = Hostname::from({reinterpret_cast<const char*>(text.data()), text.size()});
        return name ? NameSearch::found(*name) : NameSearch::none();
    }
    return ran_out(names);
}

}  // namespace

NameSearch find_name_in_client_hello(std::span<const std::uint8_t> handshake) noexcept {
    if (handshake.empty()) return NameSearch::more();
    if (handshake.front() != kClientHello) return NameSearch::none();
    ByteCursor messages(handshake.subspan(1));
    ByteCursor hello = messages.block(3);
    hello.skip(2 + 32);  // version, random
    for (const std::size_t length_bytes : {1U, 2U, 1U}) {
        (void)hello.block(length_bytes);  // session, cipher suites, compression methods
    }
    ByteCursor extensions = hello.block(2);
    while (!extensions.is_at_end()) {
        const std::uint32_t type = extensions.number(2);
        const ByteCursor extension = extensions.block(2);
        if (type == kServerNameExtension && !extension.has_failed()) {
            return find_in_server_names(extension);
        }
    }
    // A message that is whole has all its fields, and ran out only where it has no extensions.
    return ran_out(extensions);
}

NameSearch find_name_in_tls(std::span<const std::uint8_t> stream) noexcept {
    std::array<std::uint8_t, kClientHelloBytesMax> handshake;
    std::size_t size = 0;
    bool is_over = false;  // what follows is no handshake
    while (!stream.empty() && size < handshake.size()) {
        const std::size_t length =
            stream.size() < kRecordHeaderBytes ? 1 : std::size_t{stream[3]} << 8 | stream[4];
        is_over = stream[0] != kHandshakeRecord || (stream.size() > 1 && stream[1] != 3) ||
                  length == 0 || length > kRecordBytesMax;
        if (is_over || stream.size() < kRecordHeaderBytes) break;
        stream = stream.subspan(kRecordHeaderBytes);
        const std::size_t part = std::min(length, stream.size());
        const std::size_t kept = std::min(part, handshake.size() - size);
        std::copy_n(stream.data(), kept, handshake.data() + size);
        size += kept;
        stream = stream.subspan(part);
    }
    const NameSearch search = find_name_in_client_hello(std::span(handshake).first(size));
    return is_over && search.state == NameSearch::State::kMore ? NameSearch::none() : search;
}

}  // namespace causeway
