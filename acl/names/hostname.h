// SPDX-License-Identifier: Apache-2.0
//
// Hostname: a name of the DNS as names are compared: in lower case and without the last dot.
//
// RFC 1035 2.3.4 bounds a label to 63 bytes and a name, as its text, to 253. Of characters it has
// letters, digits, "-" and "_"; a name of anything else is none that a set could hold. Nor is an
// address: no top-level domain is all digits (RFC 3696 2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace causeway {

class Hostname {
  public:
    static constexpr std::size_t kBytesMax = 253;
    static constexpr std::size_t kLabelBytesMax = 63;
    static constexpr std::size_t kLabelsMax = 127;
    static constexpr std::size_t kPadding = 16;  // readable bytes behind the end

    Hostname() noexcept = default;  // of no label
    // From text, with a last dot or without.
    [[nodiscard]] static std::optional<Hostname> from(std::string_view text) noexcept;

    // Adds a label behind the others. False where the name is none any more: it is to be thrown
    // away then.
    [[nodiscard]] bool append_label(std::string_view label) noexcept;
    // Whether it may stand: it has a label, and the last one is not all digits.
    [[nodiscard]] bool is_complete() const noexcept;

    [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t labels() const noexcept { return labels_; }
    // Where the label begins; the first is that farthest from the root.
    [[nodiscard]] std::size_t start_of(std::size_t label) const noexcept { return starts_[label]; }
    [[nodiscard]] std::size_t bytes_of(std::size_t label) const noexcept {
        const std::size_t end = label + 1 < labels_ ? starts_[label + 1] - 1U : size_;
        return end - starts_[label];
    }
    [[nodiscard]] const char* data() const noexcept { return bytes_.data(); }

    friend bool operator==(const Hostname& a, const Hostname& b) noexcept {
        return a.text() == b.text();
    }

  private:
    std::array<char, kBytesMax + kPadding> bytes_{};
    std::uint8_t size_ = 0;
    std::uint8_t labels_ = 0;
    std::array<std::uint8_t, kLabelsMax> starts_;  // of the first labels_
};

// A character of a name, in lower case; 0 where a name has no such.
[[nodiscard]] char fold_name_character(char c) noexcept;

}  // namespace causeway
