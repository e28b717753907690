// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a QUIC client's datagram: as they come, and, since almost none of them opens, as
// the frames of one that did.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "acl/names/quic_initial.h"
#include "base/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    static const std::unique_ptr<QuicInitialReader> kReader =
        std::move(QuicInitialReader::create()).value();
    const std::span datagram(data, size);
    QuicHello hello;
    const auto seen = kReader->read(datagram, hello);
    if (seen == QuicInitialReader::Seen::kNoInitial) CHECK(hello.crypto.bytes().empty());
    const NameSearch search = find_name_in_client_hello(hello.crypto.bytes());
    if (search.state == NameSearch::State::kFound) {
        CHECK(seen != QuicInitialReader::Seen::kNoInitial);
    }
    QuicHello frames;
    if (read_quic_frames(datagram, frames.crypto)) {
        CHECK(frames.crypto.bytes().size() <= size);
    }
    return 0;
}
