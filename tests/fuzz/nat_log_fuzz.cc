// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a log of the NAT, once as they come and once behind a sound header, or little would
// get past it. What is read must be what would be written, and a message of it must hold it.
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "base/check.h"
#include "control/nat_log/log_file.h"
#include "nat/ipfix.h"

namespace causeway {
namespace {

void read(const std::string& bytes) {
    std::istringstream in(bytes);
    IpfixEncoder encoder(1);
    (void)read_nat_log(in, [&](const NatLogRecord& record) {
        const auto again = decode(encode(record));
        CHECK(again.has_value() && *again == record);
        const IpfixEncoder::Message message = encoder.encode({&record, 1}, 0);
        CHECK(message.taken == 1 && message.bytes.size() <= IpfixEncoder::kMessageBytesMax);
    });
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const NatLogHeader header = nat_log_header();
    read(bytes);
    read(std::string(header.begin(), header.end()) + bytes);
    return 0;
}
