// SPDX-License-Identifier: Apache-2.0
//
// The access lists of the walks' fuzz targets: between them a rule of each kind, and sets and
// targets for these to name.
#pragma once

#include <cstdint>
#include <memory>

#include "acl/rule.h"
#include "dataplane/acl_list.h"

namespace causeway::test {

// Bits of the name sets "video" and "office".
inline constexpr NameSetBits kFuzzVideo = 0b01;
inline constexpr NameSetBits kFuzzOffice = 0b10;

// Targets: "elsewhere", and "elsewhere4", which IPv6 does not know.
[[nodiscard]] AclSets fuzz_sets(const SteerGroups& elsewhere);
// Of what comes in: by ports, ICMP, flags, DSCP, fragments and names; some mark, log and steer.
[[nodiscard]] const Acl& fuzz_list_in();
// Of what goes out; it steers nothing.
[[nodiscard]] const Acl& fuzz_list_out();
// Of what a NAT leaves as it is.
[[nodiscard]] const Acl& fuzz_list_untranslated();

// The list's counters are those from `first_counter` on. REQUIRES: test_eal() has been asked for.
[[nodiscard]] std::unique_ptr<const AclList> build_fuzz_list(const Acl& acl, const AclSets& sets,
                                                             std::uint32_t first_counter);

}  // namespace causeway::test
