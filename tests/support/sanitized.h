// SPDX-License-Identifier: Apache-2.0
//
// Whether this build checks each access to memory, so that what takes the shipped one seconds takes
// it minutes. clang has a question for it, gcc a macro.
#pragma once

namespace causeway::test {

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define CAUSEWAY_IS_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CAUSEWAY_IS_SANITIZED
#endif

#ifdef CAUSEWAY_IS_SANITIZED
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace causeway::test
