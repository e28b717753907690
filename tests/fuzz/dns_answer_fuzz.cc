// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an answer of the DNS: what is found is within its bounds, and a message that is cut
// where its records are says nothing else.
#include <cstddef>
#include <cstdint>
#include <span>

#include "acl/names/dns_answer.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::span message(data, size);
    DnsAnswer answer;
    const DnsFault fault = parse_dns_answer(message, answer);
    if (fault != DnsFault::kNone) return 0;
    CHECK(!answer.names.empty() && answer.names.size() <= kDnsAliasesMax + 1);
    CHECK(answer.addresses.size() <= kDnsRecordsMax);
    for (const Hostname& name : answer.names) CHECK(Hostname::from(name.text()) == name);
    for (const DnsAddress& address : answer.addresses) CHECK(address.ttl >> 31 == 0);
    DnsAnswer of_part;
    for (std::size_t part = 0; part < size && size <= 512; ++part) {
        if (parse_dns_answer(message.first(part), of_part) != DnsFault::kNone) continue;
        CHECK(of_part.names == answer.names);  // what is cut off was not of the answers
        CHECK(of_part.addresses.size() == answer.addresses.size());
    }
    return 0;
}
