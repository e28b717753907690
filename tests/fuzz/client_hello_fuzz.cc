// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a TLS client's first bytes, and as handshake messages.
#include "acl/names/tls_client_hello.h"
#include "tests/fuzz/check_every_part.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::check_every_part({data, size}, causeway::find_name_in_tls);
    causeway::check_every_part({data, size}, causeway::find_name_in_client_hello);
    return 0;
}
