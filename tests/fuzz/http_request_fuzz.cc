// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an HTTP client's first bytes.
#include "acl/names/http_request.h"
#include "tests/fuzz/check_every_part.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::check_every_part({data, size}, causeway::find_name_in_http);
    return 0;
}
