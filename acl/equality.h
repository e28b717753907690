// SPDX-License-Identifier: Apache-2.0
//
// Whether two lists say the same: what a configuration compares to know what has changed.
#pragma once

#include "acl/rule.h"

namespace causeway {

[[nodiscard]] inline bool operator==(const AddressMatch& a, const AddressMatch& b) {
    return a.prefixes == b.prefixes && a.sets == b.sets;
}
[[nodiscard]] inline bool operator==(const PortMatch& a, const PortMatch& b) {
    return a.ranges == b.ranges && a.sets == b.sets;
}
[[nodiscard]] inline bool operator==(const IcmpMatch& a, const IcmpMatch& b) {
    return a.type == b.type && a.code == b.code;
}
[[nodiscard]] inline bool operator==(const TcpFlagsMatch& a, const TcpFlagsMatch& b) {
    return a.value == b.value && a.mask == b.mask;
}
[[nodiscard]] inline bool operator==(const AclRule& a, const AclRule& b) {
    return a.name == b.name && a.source == b.source && a.destination == b.destination &&
           a.source_names == b.source_names && a.destination_names == b.destination_names &&
           a.protocol == b.protocol && a.source_ports == b.source_ports &&
           a.destination_ports == b.destination_ports && a.icmp == b.icmp &&
           a.tcp_flags == b.tcp_flags && a.dscp == b.dscp && a.fragments == b.fragments &&
           a.action == b.action;
}
[[nodiscard]] inline bool operator==(const Acl& a, const Acl& b) {
    return a.name == b.name && a.rules == b.rules && a.otherwise == b.otherwise;
}

}  // namespace causeway
