// SPDX-License-Identifier: Apache-2.0
//
// The name that an HTTP/1 request is for (RFC 9112 3.2, RFC 9110 7.2): of its target, where that is
// a whole URI or an authority, else of its Host field.
#pragma once

#include <cstdint>
#include <span>

#include "acl/names/name_search.h"

namespace causeway {

// In the first bytes that an HTTP client sends.
[[nodiscard]] NameSearch find_name_in_http(std::span<const std::uint8_t> stream) noexcept;

// Of a client that speaks TLS or HTTP, whichever it is.
[[nodiscard]] NameSearch find_name_in_stream(std::span<const std::uint8_t> stream) noexcept;

}  // namespace causeway
