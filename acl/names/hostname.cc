// SPDX-License-Identifier: Apache-2.0
#include "acl/names/hostname.h"

#include <algorithm>

namespace causeway {
namespace {

constexpr std::array<char, 256> kFold = [] {
    std::array<char, 256> fold{};
    for (unsigned c = 0; c < 26; ++c) {
        fold['a' + c] = fold['A' + c] = static_cast<char>('a' + c);
    }
    for (unsigned c = '0'; c <= '9'; ++c) fold[c] = static_cast<char>(c);
    fold['-'] = '-';
    fold['_'] = '_';
    return fold;
}();

}  // namespace

char fold_name_character(char c) noexcept {
    return kFold[static_cast<unsigned char>(c)];
}

bool Hostname::append_label(std::string_view label) noexcept {
    const std::size_t dot = labels_ == 0 ? 0 : 1;
    if (label.empty() || label.size() > kLabelBytesMax || labels_ == kLabelsMax ||
        size_ + dot + label.size() > kBytesMax) {
        return false;
    }
    if (dot != 0) bytes_[size_++] = '.';
    starts_[labels_++] = size_;
    char legal = 1;
    for (const char c : label) {
        const char folded = fold_name_character(c);
        legal = folded == 0 ? char{0} : legal;
        bytes_[size_++] = folded;
    }
    return legal != 0;
}

bool Hostname::is_complete() const noexcept {
    if (labels_ == 0) return false;
    const std::string_view last = text().substr(starts_[labels_ - 1U]);
    return !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Hostname> Hostname::from(std::string_view text) noexcept {
    if (text.ends_with('.')) text.remove_suffix(1);
    Hostname name;
    for (std::size_t end = 0; end != std::string_view::npos;) {
        end = text.find('.');
        if (!name.append_label(text.substr(0, end))) return std::nullopt;
        if (end != std::string_view::npos) text.remove_prefix(end + 1);
    }
    if (!name.is_complete()) return std::nullopt;
    return name;
}

}  // namespace causeway
