// SPDX-License-Identifier: Apache-2.0
//
// A file of names, one a line, as publishers of such lists have them; "#" begins a comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acl/names/name_pattern.h"
#include "base/result.h"

namespace causeway {

inline constexpr std::size_t kNamesFileBytesMax = std::size_t{64} << 20;

// The error has the line of the file, and nothing of what it says.
[[nodiscard]] Result<std::vector<NamePattern>> read_names_file(const std::string& path);
// The same of what is in it.
[[nodiscard]] Result<std::vector<NamePattern>> parse_names(std::string_view text,
                                                           std::string_view path);

}  // namespace causeway
