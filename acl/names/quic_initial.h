// SPDX-License-Identifier: Apache-2.0
//
// The ClientHello in a QUIC client's Initial packets, of version 1 (RFC 9000, RFC 9001) and 2 (RFC
// 9369). Their keys follow from the connection's first ID, which everyone on the way can read.
//
// Thread safety: a QuicInitialReader is one thread's. It allocates nothing after create().
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "acl/names/stream_head.h"
#include "acl/names/tls_client_hello.h"
#include "base/result.h"

namespace causeway {

// RFC 9000 17.2: at most 20 bytes.
struct QuicConnectionId {
    static constexpr std::size_t kBytesMax = 20;
    std::array<std::uint8_t, kBytesMax> bytes{};
    std::uint8_t size = 0;
    [[nodiscard]] std::span<const std::uint8_t> span() const noexcept {
        return std::span(bytes).first(size);
    }
    friend bool operator==(const QuicConnectionId&, const QuicConnectionId&) = default;
};

// What is kept of a connection until its name is known. The keys follow from the ID in the first
// packet; the client soon sends to another, but keeps the keys (RFC 9001 5.2).
struct QuicHello {
    QuicConnectionId first_id;
    bool has_id = false;
    StreamHead<kClientHelloBytesMax> crypto{0};
};

// Takes the CRYPTO data out of an Initial packet's frames. False where there is something that such
// a packet may not hold.
[[nodiscard]] bool read_quic_frames(std::span<const std::uint8_t> frames,
                                    StreamHead<kClientHelloBytesMax>& crypto) noexcept;

class QuicInitialReader {
  public:
    [[nodiscard]] static Result<std::unique_ptr<QuicInitialReader>> create();

    // What a datagram was.
    enum class Seen : std::uint8_t {
        kInitial,    // at least one Initial packet was opened; its CRYPTO data is in `hello`
        kNoInitial,  // no client's Initial packet of a version that is known
        kUnopened,   // one that does not open, or holds what it must not
    };
    [[nodiscard]] Seen read(std::span<const std::uint8_t> datagram, QuicHello& hello) noexcept;

  private:
    struct FreeCipher {
        void operator()(EVP_CIPHER_CTX* context) const noexcept;
    };
    using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;
    struct Packet;
    struct Keys;

    explicit QuicInitialReader(Cipher cipher) noexcept : cipher_(std::move(cipher)) {}
    [[nodiscard]] bool open(const Packet& packet, std::span<const std::uint8_t> id,
                            std::span<const std::uint8_t>& frames) noexcept;

    Cipher cipher_;  // AES-128-GCM
    std::array<std::uint8_t, 65'536> plain_;
};

}  // namespace causeway
