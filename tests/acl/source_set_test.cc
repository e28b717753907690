// SPDX-License-Identifier: Apache-2.0
#include "acl/source_set.h"

#include <gtest/gtest.h>

#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

TEST(SourceSet, of_nothing_holds_nothing) {
    EXPECT_FALSE(SourceSet<Ipv4Address>().contains(ip("192.0.2.1")));
    EXPECT_TRUE(SourceSet<Ipv4Address>().is_empty());
}

TEST(SourceSet, holds_the_ends_of_its_prefixes) {
    const std::vector prefixes{prefix("192.0.2.0/24"), prefix("203.0.113.128/25")};
    const SourceSet<Ipv4Address> set(prefixes);
    for (const char* const in : {"192.0.2.0", "192.0.2.255", "203.0.113.128", "203.0.113.255"}) {
        EXPECT_TRUE(set.contains(ip(in))) << in;
    }
    for (const char* const out : {"192.0.1.255", "192.0.3.0", "203.0.113.127", "0.0.0.0"}) {
        EXPECT_FALSE(set.contains(ip(out))) << out;
    }
}

template <class AddressT>
void compare_with_prefixes(SeededRandom& random) {
    using PrefixT = Prefix<AddressT>;
    std::vector<PrefixT> prefixes;
    const auto any_address = [&random] {
        // Eight bits at the top differ, and eight at the bottom.
        const auto top = static_cast<typename AddressT::Number>(random.below(256));
        return AddressT(top << (AddressT::kBits - 8) |
                        static_cast<typename AddressT::Number>(random.below(256)));
    };
    for (std::size_t i = random.below(20); i > 0; --i) {
        const int length = static_cast<int>(random.below(AddressT::kBits + 1));
        prefixes.push_back(PrefixT::of(any_address(), length));
    }
    const SourceSet<AddressT> set(prefixes);
    for (int i = 0; i < 200; ++i) {
        const AddressT address = any_address();
        EXPECT_EQ(set.contains(address), std::ranges::any_of(prefixes, [&](const PrefixT& prefix) {
                      return prefix.contains(address);
                  }));
    }
}

TEST(SourceSet, holds_what_any_prefix_holds) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(500); ++round) {
        compare_with_prefixes<Ipv4Address>(random);
        compare_with_prefixes<Ipv6Address>(random);
        ASSERT_FALSE(HasFailure());
    }
}

}  // namespace
}  // namespace causeway::test
