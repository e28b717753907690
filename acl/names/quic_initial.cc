// SPDX-License-Identifier: Apache-2.0

// The one-shot functions of OpenSSL allocate; the older ones, which work on what they are given, do
// not.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "acl/names/quic_initial.h"

#include <openssl/aes.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

constexpr std::size_t kTagBytes = 16;  // of AES-128-GCM (RFC 5116 5.1)
constexpr std::size_t kSampleBytes = 16;
constexpr unsigned kPacketsMax = 3;  // of one datagram that are opened; a client sends one or two

// What differs between the versions.
struct QuicVersion {
    std::uint32_t number;
    std::uint8_t initial_type;  // bits 4 and 5 of a long header's first byte
    std::array<std::uint8_t, 20> salt;
    std::string_view key_label;
    std::string_view iv_label;
    std::string_view hp_label;
};
constexpr std::array kVersions{
    // RFC 9000 17.2.2, RFC 9001 5.1, 5.2
    QuicVersion{1,
                0,
                {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                "quic key",
                "quic iv",
                "quic hp"},
    // RFC 9369 3.2, 3.3.1, 3.3.2
    QuicVersion{0x6b33'43cf,
                1,
                {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
                "quicv2 key",
                "quicv2 iv",
                "quicv2 hp"},
};

// RFC 2104, of two parts. REQUIRES: a key of at most 64 bytes.
Digest hmac(Bytes key, Bytes first, Bytes second) noexcept {
    std::array<std::uint8_t, SHA256_CBLOCK> pad{};
    Digest digest;
    const auto round = [&](std::uint8_t with, Bytes a, Bytes b) {
        pad.fill(with);
        for (std::size_t i = 0; i < key.size(); ++i) pad[i] ^= key[i];
        SHA256_CTX context;
        SHA256_Init(&context);
        SHA256_Update(&context, pad.data(), pad.size());
        SHA256_Update(&context, a.data(), a.size());
        SHA256_Update(&context, b.data(), b.size());
        SHA256_Final(digest.data(), &context);
    };
    round(0x36, first, second);
    const Digest inner = digest;
    round(0x5c, inner, {});
    return digest;
}

// RFC 8446 7.1 over RFC 5869 2.3, with no context and at most one block.
template <std::size_t kBytes>
std::array<std::uint8_t, kBytes> expand_label(Bytes secret, std::string_view label) noexcept {
    static_assert(kBytes <= SHA256_DIGEST_LENGTH);
    constexpr std::string_view kPrefix = "tls13 ";
    std::array<std::uint8_t, 32> info{};
    std::size_t size = 0;
    info[size++] = 0;
    info[size++] = kBytes;
    info[size++] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
    for (const std::string_view part : {kPrefix, label}) {
        std::ranges::copy(part, info.begin() + static_cast<std::ptrdiff_t>(size));
        size += part.size();
    }
    info[size++] = 0;
    constexpr std::array<std::uint8_t, 1> kFirstBlock{1};
    const Digest block = hmac(secret, std::span(info).first(size), kFirstBlock);
    std::array<std::uint8_t, kBytes> expanded;
    std::copy_n(block.begin(), kBytes, expanded.begin());
    return expanded;
}

// Reads what must be there; afterwards has_failed() says whether it was.
class Reader {
  public:
    explicit Reader(Bytes bytes) noexcept : bytes_(bytes) {}
    [[nodiscard]] Bytes take(std::uint64_t count) noexcept {
        if (count > bytes_.size() - at_) {
            has_failed_ = true;
            at_ = bytes_.size();
            return {};
        }
        at_ += count;
        return bytes_.subspan(at_ - count, count);
    }
    [[nodiscard]] std::uint64_t number(std::size_t count) noexcept {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : take(count)) value = value << 8 | byte;
        return value;
    }
    // RFC 9000 16.
    [[nodiscard]] std::uint64_t varint() noexcept {
        if (at_ == bytes_.size()) return number(1);
        const unsigned length = bytes_[at_] >> 6;
        return number(std::size_t{1} << length) & (~std::uint64_t{0} >> (64 - (8U << length) + 2));
    }
    [[nodiscard]] std::size_t at() const noexcept { return at_; }
    [[nodiscard]] bool is_empty() const noexcept { return at_ == bytes_.size(); }
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }

  private:
    Bytes bytes_;
    std::size_t at_ = 0;
    bool has_failed_ = false;
};

std::optional<QuicConnectionId> take_id(Reader& reader) noexcept {
    QuicConnectionId id;
    const std::uint64_t size = reader.number(1);
    if (size > QuicConnectionId::kBytesMax) return std::nullopt;
    id.size = static_cast<std::uint8_t>(size);
    std::ranges::copy(reader.take(size), id.bytes.begin());
    return id;
}

}  // namespace

// RFC 9000 12.4, 19.
bool read_quic_frames(Bytes frames, StreamHead<kClientHelloBytesMax>& crypto) noexcept {
    Reader reader(frames);
    while (!reader.is_empty()) {
        const std::uint64_t type = reader.varint();
        switch (type) {
            case 0x00:  // PADDING
            case 0x01:  // PING
                break;
            case 0x02:
            case 0x03: {  // ACK, the latter with the counts of ECN
                (void)reader.varint();
                (void)reader.varint();
                const std::uint64_t ranges = reader.varint();
                (void)reader.varint();
                const std::uint64_t numbers = 2 * ranges + (type == 0x03 ? 3 : 0);
                for (std::uint64_t i = 0; i < numbers && !reader.has_failed(); ++i) {
                    (void)reader.varint();
                }
                break;
            }
            case 0x06: {  // CRYPTO
                const std::uint64_t offset = reader.varint();
                const Bytes data = reader.take(reader.varint());
                if (!reader.has_failed() && offset < kClientHelloBytesMax) {
                    crypto.put(static_cast<std::uint32_t>(offset), data);
                }
                break;
            }
            case 0x1c:  // CONNECTION_CLOSE: there is nothing to come
                return !reader.has_failed();
            default:
                return false;
        }
        if (reader.has_failed()) return false;
    }
    return true;
}

// An Initial packet as it lies in its datagram.
struct QuicInitialReader::Packet {
    const QuicVersion* version = nullptr;
    QuicConnectionId destination;
    Bytes bytes;                    // header and all
    std::size_t number_offset = 0;  // of the packet number
};

// RFC 9001 5.1, 5.2.
struct QuicInitialReader::Keys {
    std::array<std::uint8_t, 16> key;
    std::array<std::uint8_t, 12> iv;
    std::array<std::uint8_t, 16> hp;

    Keys(const QuicVersion& version, Bytes id) noexcept {
        const Digest initial = hmac(version.salt, id, {});
        const auto client = expand_label<SHA256_DIGEST_LENGTH>(initial, "client in");
        key = expand_label<16>(client, version.key_label);
        iv = expand_label<12>(client, version.iv_label);
        hp = expand_label<16>(client, version.hp_label);
    }
};

void QuicInitialReader::FreeCipher::operator()(EVP_CIPHER_CTX* context) const noexcept {
    EVP_CIPHER_CTX_free(context);
}

Result<std::unique_ptr<QuicInitialReader>> QuicInitialReader::create() {
    Cipher cipher(EVP_CIPHER_CTX_new());
    if (cipher == nullptr ||
        EVP_DecryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, nullptr, nullptr) != 1) {
        return Unexpected(ErrorCode::kUnavailable, "libcrypto has no AES-128-GCM");
    }
    return std::unique_ptr<QuicInitialReader>(new QuicInitialReader(std::move(cipher)));
}

// RFC 9001 5.3, 5.4. `frames` lies in plain_.
bool QuicInitialReader::open(const Packet& packet, Bytes id, Bytes& frames) noexcept {
    const Keys keys(*packet.version, id);
    const std::size_t number_at = packet.number_offset;
    if (packet.bytes.size() < number_at + 4 + kSampleBytes) return false;
    AES_KEY schedule;
    AES_set_encrypt_key(keys.hp.data(), 128, &schedule);
    std::array<std::uint8_t, AES_BLOCK_SIZE> mask;
    AES_encrypt(packet.bytes.data() + number_at + 4, mask.data(), &schedule);

    // The header as its sender had it. Packet numbers of a client's first packets are small, so
    // what is sent of them is all of them (RFC 9000 17.1).
    std::array<std::uint8_t, 4> number{};
    const auto first = static_cast<std::uint8_t>(packet.bytes[0] ^ (mask[0] & 0x0fU));
    const std::size_t number_bytes = (first & 3U) + 1U;
    auto nonce = keys.iv;
    for (std::size_t i = 0; i < number_bytes; ++i) {
        number[i] = packet.bytes[number_at + i] ^ mask[1 + i];
        nonce[nonce.size() - number_bytes + i] ^= number[i];
    }
    const std::size_t begin = number_at + number_bytes;
    const std::size_t size = packet.bytes.size() - begin - kTagBytes;
    std::array<std::uint8_t, kTagBytes> tag;
    std::copy_n(packet.bytes.data() + begin + size, kTagBytes, tag.begin());

    EVP_CIPHER_CTX* const cipher = cipher_.get();
    int written = 0;
    const auto decrypt = [&](std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) {
        return EVP_DecryptUpdate(cipher, to, &written, from, static_cast<int>(bytes)) == 1;
    };
    const bool is_open =
        EVP_DecryptInit_ex(cipher, nullptr, nullptr, keys.key.data(), nonce.data()) == 1 &&
        decrypt(nullptr, &first, 1) && decrypt(nullptr, packet.bytes.data() + 1, number_at - 1) &&
        decrypt(nullptr, number.data(), number_bytes) &&
        decrypt(plain_.data(), packet.bytes.data() + begin, size) &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                            tag.data()) == 1 &&
        EVP_DecryptFinal_ex(cipher, plain_.data() + size, &written) == 1;
    frames = std::span(plain_).first(size);
    return is_open;
}

QuicInitialReader::Seen QuicInitialReader::read(Bytes datagram, QuicHello& hello) noexcept {
    Seen seen = Seen::kNoInitial;
    // RFC 9000 12.2: several packets may share a datagram, and each but the last names its end.
    for (unsigned count = 0; count < kPacketsMax; ++count) {
        if (datagram.size() < 7 || datagram.size() > plain_.size() || datagram[0] >> 6 != 3) break;
        Reader reader(datagram);
        const std::uint64_t first = reader.number(1);
        const std::uint64_t number = reader.number(4);
        const auto version = std::ranges::find(kVersions, number, &QuicVersion::number);
        if (version == kVersions.end() || (first >> 4 & 3U) != version->initial_type) break;
        const auto destination = take_id(reader);
        const auto source = take_id(reader);
        if (!destination || !source) break;
        (void)reader.take(reader.varint());  // the token
        const std::uint64_t length = reader.varint();
        const std::size_t number_offset = reader.at();
        (void)reader.take(length);
        if (reader.has_failed()) break;
        const Packet packet{.version = &*version,
                            .destination = *destination,
                            .bytes = datagram.first(reader.at()),
                            .number_offset = number_offset};
        datagram = datagram.subspan(reader.at());
        if (!hello.has_id) hello.first_id = *destination;
        hello.has_id = true;
        Bytes frames;
        bool is_open = open(packet, hello.first_id.span(), frames);
        // A server that asks for a token gives a new ID along with it (RFC 9001 5.2).
        if (!is_open && *destination != hello.first_id) {
            is_open = open(packet, destination->span(), frames);
            if (is_open) hello.first_id = *destination;
        }
        if (!is_open || !read_quic_frames(frames, hello.crypto)) return Seen::kUnopened;
        seen = Seen::kInitial;
    }
    return seen;
}

}  // namespace causeway
