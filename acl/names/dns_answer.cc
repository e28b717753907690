// SPDX-License-Identifier: Apache-2.0
#include "acl/names/dns_answer.h"

#include <algorithm>

#include "base/endian.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

// RFC 1035 4.1.1.
struct DnsHeader {
    Be16 id;
    Be16 flags;
    Be16 questions;
    Be16 answers;
    Be16 authorities;
    Be16 additionals;
};
static_assert(sizeof(DnsHeader) == 12 && alignof(DnsHeader) == 1);

// Of the flags: it is an answer, opcode 0, not truncated, RCODE 0.
constexpr std::uint16_t kAnswerMask = 0xfa0f;
constexpr std::uint16_t kAnswerValue = 0x8000;

constexpr std::size_t kWireNameBytesMax = 255;  // RFC 1035 2.3.4
constexpr std::uint16_t kInternet = 1;          // the class

enum class RecordType : std::uint16_t { kA = 1, kCname = 5, kAaaa = 28 };

struct Record {
    std::optional<Hostname> owner;  // none: a name that is no host's
    RecordType type;
    std::uint32_t ttl;
    std::size_t data;  // where it begins
    std::size_t data_bytes;
};

class Reader {
  public:
    explicit Reader(Bytes message) noexcept : message_(message) {}

    [[nodiscard]] DnsFault fault() const noexcept { return fault_; }
    void skip(std::size_t bytes) noexcept { (void)take(bytes); }
    [[nodiscard]] std::uint32_t number(std::size_t bytes) noexcept {
        std::uint32_t value = 0;
        for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
        return value;
    }
    [[nodiscard]] std::optional<Hostname> name() noexcept { return name(at_); }
    // That at a place of its own, as the target of an alias.
    [[nodiscard]] std::optional<Hostname> name_at(std::size_t at) noexcept { return name(at); }
    [[nodiscard]] Record record() noexcept {
        Record record{};
        record.owner = name();
        record.type = static_cast<RecordType>(number(2));
        const bool is_internet = number(2) == kInternet;
        // RFC 2181 8: what has the highest bit set is taken for 0.
        const std::uint32_t ttl = number(4);
        record.ttl = ttl >> 31 != 0 ? 0 : ttl;
        record.data_bytes = number(2);
        record.data = at_;
        skip(record.data_bytes);
        if (!is_internet) record.owner.reset();
        return record;
    }

  private:
    Bytes take(std::size_t bytes) noexcept {
        if (fault_ == DnsFault::kNone && bytes <= message_.size() - at_) {
            at_ += bytes;
            return message_.subspan(at_ - bytes, bytes);
        }
        fail(DnsFault::kCut);
        return {};
    }
    void fail(DnsFault fault) noexcept {
        if (fault_ == DnsFault::kNone) fault_ = fault;
    }

    // RFC 1035 4.1.4. Each pointer leads to before where its name's part began, so there is an end
    // to them. `at` is moved behind the name as it stands there.
    std::optional<Hostname> name(std::size_t& at) noexcept {
        Hostname name;
        bool is_host = true;
        std::size_t from = at;  // of this part
        std::size_t here = at;
        bool has_jumped = false;
        std::size_t wire_bytes = 1;  // of the name without pointers, with the root's label
        while (fault_ == DnsFault::kNone) {
            if (here >= message_.size()) {
                fail(DnsFault::kCut);
                break;
            }
            const std::uint8_t length = message_[here];
            if (length >= 0xc0) {
                if (here + 1 >= message_.size()) {
                    fail(DnsFault::kCut);
                    break;
                }
                const std::size_t to = (length & 0x3fU) << 8 | message_[here + 1];
                if (!has_jumped) at = here + 2;
                has_jumped = true;
                if (to >= from) {
                    fail(DnsFault::kBadName);
                    break;
                }
                from = here = to;
                continue;
            }
            if (length > Hostname::kLabelBytesMax) {
                fail(DnsFault::kBadName);
                break;
            }
            ++here;
            if (length == 0) break;
            if (length > message_.size() - here) {
                fail(DnsFault::kCut);
                break;
            }
            wire_bytes += 1U + length;
            if (wire_bytes > kWireNameBytesMax) {
                fail(DnsFault::kBadName);
                break;
            }
            is_host = is_host &&
                      name.append_label({reinterpret_cast<const char*>(&message_[here]), length});
            here += length;
        }
        if (!has_jumped) at = here;
        if (fault_ != DnsFault::kNone || !is_host || !name.is_complete()) return std::nullopt;
        return name;
    }

    Bytes message_;
    std::size_t at_ = 0;
    DnsFault fault_ = DnsFault::kNone;
};

IpAddress address_of(RecordType type, Bytes data) noexcept {
    const auto word = [data](std::size_t at) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < 8; ++i) value = value << 8 | data[at + i];
        return value;
    };
    if (type == RecordType::kAaaa) return Ipv6Address(word(0), word(8));
    return Ipv4Address(std::uint32_t{data[0]} << 24 | std::uint32_t{data[1]} << 16 |
                       std::uint32_t{data[2]} << 8 | data[3]);
}

// Follows the aliases from the name that was asked for, in whatever order the records stand, and
// collects the addresses of the last.
void follow(Bytes message, std::span<const Record> records, Reader& reader, DnsAnswer& answer) {
    std::uint32_t ttl = ~std::uint32_t{0};
    for (std::size_t step = 0; step < kDnsAliasesMax; ++step) {
        const Hostname name = answer.names.back();
        const auto alias = std::ranges::find_if(records, [&name](const Record& record) {
            return record.type == RecordType::kCname && record.owner == name;
        });
        if (alias == records.end()) break;
        const auto target = reader.name_at(alias->data);
        if (!target) return;
        ttl = std::min(ttl, alias->ttl);
        answer.names.push_back(*target);
    }
    for (const Record& record : records) {
        const std::size_t bytes = record.type == RecordType::kA      ? 4
                                  : record.type == RecordType::kAaaa ? 16
                                                                     : 0;
        if (bytes == 0 || record.data_bytes != bytes || record.owner != answer.names.back()) {
            continue;
        }
        answer.addresses.push_back({address_of(record.type, message.subspan(record.data, bytes)),
                                    std::min(ttl, record.ttl)});
    }
}

}  // namespace

std::string_view to_string(DnsFault fault) noexcept {
    switch (fault) {
        case DnsFault::kNone:
            return "none";
        case DnsFault::kCut:
            return "cut";
        case DnsFault::kBadName:
            return "bad_name";
        case DnsFault::kNoAnswer:
            return "no_answer";
    }
    return "unknown";
}

DnsFault parse_dns_answer(std::span<const std::uint8_t> message, DnsAnswer& answer) {
    answer.names.clear();
    answer.addresses.clear();
    if (message.size() < sizeof(DnsHeader)) return DnsFault::kCut;
    const auto& header = *reinterpret_cast<const DnsHeader*>(message.data());
    if ((header.flags.host() & kAnswerMask) != kAnswerValue || header.questions.host() != 1) {
        return DnsFault::kNoAnswer;
    }
    Reader reader(message);
    reader.skip(sizeof(DnsHeader));
    const auto question = reader.name();
    reader.skip(4);  // type and class
    std::vector<Record> records;
    const std::size_t count = std::min<std::size_t>(header.answers.host(), kDnsRecordsMax);
    for (std::size_t i = 0; i < count && reader.fault() == DnsFault::kNone; ++i) {
        const Record record = reader.record();
        if (record.owner) records.push_back(record);
    }
    if (reader.fault() != DnsFault::kNone) return reader.fault();
    if (!question) return DnsFault::kNoAnswer;
    answer.names.push_back(*question);
    follow(message, records, reader, answer);
    return reader.fault();
}

}  // namespace causeway
