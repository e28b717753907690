// SPDX-License-Identifier: Apache-2.0
//
// IpInterface: what an attachment is in one family.
#pragma once

#include <optional>

#include "base/types.h"

namespace causeway {

template <class Address>
struct IpInterface {
    Address address;  // ours
    Prefix<Address> subnet;
    std::optional<Address> peer;  // the customer's address, on an edge port
    friend bool operator==(const IpInterface&, const IpInterface&) = default;
};

}  // namespace causeway
