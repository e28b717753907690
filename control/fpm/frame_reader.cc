// SPDX-License-Identifier: Apache-2.0
#include "control/fpm/frame_reader.h"

#include <cstring>

#include "base/endian.h"

namespace causeway {
namespace {

struct FrameHeader {
    std::uint8_t version;
    std::uint8_t type;
    Be16 length;
};
static_assert(sizeof(FrameHeader) == kFpmHeaderBytes && alignof(FrameHeader) == 1);

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kTypeNetlink = 1;

std::optional<FpmEvent> wrong_with(const FrameHeader& header) {
    if (header.version != kVersion) return FpmEvent::kBadVersion;
    if (header.type != kTypeNetlink) return FpmEvent::kNotNetlink;
    if (header.length.host() < kFpmHeaderBytes) return FpmEvent::kShortFrame;
    if (header.length.host() > kFpmFrameBytesMax) return FpmEvent::kOversizeFrame;
    return std::nullopt;
}

}  // namespace

void FpmFrameReader::append(std::span<const std::uint8_t> bytes) {
    if (error_) return;  // what follows is noise
    // Moved down only when more was given out than is left, so that each byte moves at most twice.
    if (begin_ >= waiting_bytes()) {
        bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
        begin_ = 0;
    }
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::optional<std::size_t> FpmFrameReader::whole_length() {
    if (error_ || waiting_bytes() < kFpmHeaderBytes) return std::nullopt;
    FrameHeader header;
    std::memcpy(&header, bytes_.data() + begin_, sizeof header);
    error_ = wrong_with(header);
    const std::size_t length = header.length.host();
    if (error_ || waiting_bytes() < length) return std::nullopt;
    return length;
}

bool FpmFrameReader::has_frame() {
    return whole_length().has_value() || error_.has_value();
}

std::optional<std::span<const std::uint8_t>> FpmFrameReader::next() {
    const std::optional<std::size_t> length = whole_length();
    if (!length) return std::nullopt;
    const auto frame = std::span<const std::uint8_t>(bytes_).subspan(begin_, *length);
    begin_ += *length;
    return frame.subspan(kFpmHeaderBytes);
}

}  // namespace causeway
