// SPDX-License-Identifier: Apache-2.0
//
// Words of a document in a message to the operator: quoted safely, and the one that was meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace causeway {

[[nodiscard]] bool is_printable_ascii(char c) noexcept;
[[nodiscard]] std::string lower_case(std::string_view text);  // of ASCII letters

// The text as it may stand in a message: printable ASCII, cut where it is long.
[[nodiscard]] std::string quotable(std::string_view text);

// The known word that this one was probably meant to be; empty where none is near.
[[nodiscard]] std::string_view nearest_word(std::string_view word,
                                            std::span<const std::string_view> known);

// `: did you mean "s-tag"?` where a known word is near, else the list of all; nothing
// where that would be long.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     std::span<const std::string_view> known);

}  // namespace causeway
