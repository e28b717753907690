// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as bgpd's answers, whole and in pieces whose sizes they choose: the same answers, of
// which not a byte is lost.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "control/frr/bgpd_client.h"

namespace causeway {
namespace {

constexpr std::size_t kTrailerBytes = 4;

struct Heard {
    std::vector<VtyAnswer> answers;
    std::size_t waiting = 0;
};

void hear(VtyReader& reader, Heard& heard) {
    while (const auto answer = reader.next()) heard.answers.push_back(*answer);
    heard.waiting = reader.waiting();
}

Heard read_whole(std::string_view bytes) {
    VtyReader reader;
    Heard heard;
    reader.append(bytes);
    hear(reader, heard);
    return heard;
}

Heard read_in_pieces(std::string_view bytes) {
    VtyReader reader;
    Heard heard;
    while (!bytes.empty()) {
        const std::size_t size =
            std::min<std::size_t>(bytes.size(), 1 + static_cast<std::uint8_t>(bytes.front()) % 16);
        reader.append(bytes.substr(0, size));
        bytes.remove_prefix(size);
        hear(reader, heard);
    }
    return heard;
}

void run(std::string_view bytes) {
    const Heard whole = read_whole(bytes);
    const Heard pieces = read_in_pieces(bytes);
    CHECK(whole.answers.size() == pieces.answers.size() && whole.waiting == pieces.waiting);
    std::size_t at = 0;
    for (std::size_t i = 0; i < whole.answers.size(); ++i) {
        const VtyAnswer& answer = whole.answers[i];
        CHECK(answer.text == pieces.answers[i].text && answer.code == pieces.answers[i].code);
        CHECK(answer.text.find('\0') == std::string::npos);
        CHECK(bytes.substr(at, answer.text.size()) == answer.text);
        at += answer.text.size() + kTrailerBytes;
        CHECK(static_cast<std::uint8_t>(bytes[at - 1]) == answer.code);
    }
    CHECK(at + whole.waiting == bytes.size());
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::run({reinterpret_cast<const char*>(data), size});
    return 0;
}
