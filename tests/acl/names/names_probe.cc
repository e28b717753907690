// SPDX-License-Identifier: Apache-2.0
//
// What the parsers find, one question and one answer a line, for test_names.py:
//
//   dns HEX                  fault, or names and addresses with their TTL
//   stream FIRST SEQ:HEX...  segments of a client's TCP stream: found NAME, none, or more
//   quic HEX...              a client's datagrams, likewise
//   flow udp:HEX...          a flow's datagrams as the inspector takes them: of each the sets of
//   flow SEQ:FLAGS:HEX...    its label, or "-" where that is not known yet; or its segments
#include <charconv>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "acl/names/dns_answer.h"
#include "acl/names/flow_inspector.h"
#include "acl/names/http_request.h"
#include "acl/names/name_matcher.h"
#include "acl/names/quic_initial.h"
#include "acl/names/stream_head.h"
#include "base/check.h"
#include "base/text.h"

namespace causeway {
namespace {

std::vector<std::uint8_t> bytes_of(std::string_view hex) {
    std::vector<std::uint8_t> bytes(hex.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const at = hex.data() + 2 * i;
        CHECK(std::from_chars(at, at + 2, bytes[i], 16).ptr == at + 2);
    }
    return bytes;
}

std::string text_of(const NameSearch& search) {
    switch (search.state) {
        case NameSearch::State::kMore:
            return "more";
        case NameSearch::State::kNone:
            return "none";
        case NameSearch::State::kFound:
            return "found " + std::string(search.name.text());
    }
    return {};
}

std::string dns(std::istream& words) {
    std::string hex;
    words >> hex;
    DnsAnswer answer;
    const DnsFault fault = parse_dns_answer(bytes_of(hex), answer);
    if (fault != DnsFault::kNone) return std::string(to_string(fault));
    std::string text;
    for (const Hostname& name : answer.names) text += std::string(name.text()) + ' ';
    for (const DnsAddress& address : answer.addresses) {
        text += to_string(address.address) + '/' + std::to_string(address.ttl) + ' ';
    }
    return text;
}

std::string stream(std::istream& words) {
    std::uint32_t first = 0;
    words >> first;
    StreamHead<kClientHelloBytesMax> head(first);
    for (std::string word; words >> word;) {
        const std::size_t colon = word.find(':');
        head.put(static_cast<std::uint32_t>(std::stoul(word.substr(0, colon))),
                 bytes_of(std::string_view(word).substr(colon + 1)));
    }
    return text_of(find_name_in_stream(head.bytes()));
}

std::string quic(QuicInitialReader& reader, std::istream& words) {
    QuicHello hello;
    std::string seen;
    for (std::string word; words >> word;) {
        static constexpr std::array kSeen{"initial", "no_initial", "unopened"};
        seen += kSeen[static_cast<std::size_t>(reader.read(bytes_of(word), hello))];
        seen += ' ';
    }
    return seen + text_of(find_name_in_client_hello(hello.crypto.bytes()));
}

// Of one set, of the names below example.com.
class Flows {
  public:
    Flows() {
        sets_[0].name = "example";
        sets_[0].members.push_back(NamePattern::from("*.example.com").value());
        matcher_ = std::make_unique<NameMatcher>(sets_, plan_patterns(sets_), nullptr);
        scratch_ = matcher_->make_scratch().value();
        inspector_ = FlowInspector::create().value();
    }
    std::string take(std::istream& words) {
        ++key_;
        std::string text;
        for (std::string word; words >> word;) {
            const auto label = take(word);
            text += (label ? std::to_string(*label) : "-") + ' ';
        }
        return text;
    }

  private:
    std::optional<NameSetBits> take(const std::string& word) {
        const std::size_t colon = word.find(':');
        if (word.starts_with("udp:")) {
            const auto datagram = bytes_of(std::string_view(word).substr(colon + 1));
            return inspector_->take(key_, datagram, {*matcher_, scratch_});
        }
        const std::size_t next = word.find(':', colon + 1);
        const auto payload = bytes_of(std::string_view(word).substr(next + 1));
        const TcpSegment segment{
            .sequence = static_cast<std::uint32_t>(std::stoul(word)),
            .flags = static_cast<std::uint8_t>(std::stoul(word.substr(colon + 1))),
            .payload = payload};
        return inspector_->take(key_, segment, {*matcher_, scratch_});
    }

    std::vector<NameSet> sets_ = std::vector<NameSet>(1);
    std::unique_ptr<NameMatcher> matcher_;
    PatternScratch scratch_;
    std::unique_ptr<FlowInspector> inspector_;
    std::uint64_t key_ = 0;
};

}  // namespace
}  // namespace causeway

int main() {
    auto reader = causeway::QuicInitialReader::create();
    CHECK(reader.has_value());
    causeway::Flows flows;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string kind;
        words >> kind;
        if (kind == "dns") std::cout << causeway::dns(words) << '\n';
        if (kind == "stream") std::cout << causeway::stream(words) << '\n';
        if (kind == "flow") std::cout << flows.take(words) << '\n';
        if (kind == "quic") std::cout << causeway::quic(**reader, words) << '\n';
    }
}
