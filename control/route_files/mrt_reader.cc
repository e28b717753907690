// SPDX-License-Identifier: Apache-2.0
#include "control/route_files/mrt_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>

#include "base/text.h"

namespace causeway {
namespace {

constexpr std::size_t kHeaderBytes = 12;        // RFC 6396 2
constexpr std::uint16_t kTableDumpV2 = 13;      // RFC 6396 4
constexpr std::uint8_t kAttributeNextHop = 3;   // RFC 4271 5.1.3
constexpr std::uint8_t kAttributeMpReach = 14;  // RFC 4760 3
constexpr std::uint8_t kExtendedLength = 0x10;  // RFC 4271 4.3
constexpr std::uint8_t kPeerHasIpv6 = 0x01;     // RFC 6396 4.3.1
constexpr std::uint8_t kPeerHasFourByteAs = 0x02;

// Subtypes of TABLE_DUMP_V2: RFC 6396 4.3, RFC 6397 4, RFC 8050 4.
enum Subtype : std::uint16_t {
    kPeerIndexTable = 1,
    kRibIpv4Unicast = 2,
    kRibIpv4Multicast = 3,
    kRibIpv6Unicast = 4,
    kRibIpv6Multicast = 5,
    kRibGeneric = 6,
    kGeoPeerTable = 7,
    kRibIpv4UnicastAddPath = 8,
    kRibIpv4MulticastAddPath = 9,
    kRibIpv6UnicastAddPath = 10,
    kRibIpv6MulticastAddPath = 11,
    kRibGenericAddPath = 12,
};

// Takes numbers and addresses off the front of bytes. Behind their end it gives zeros and
// remembers: the caller asks once, when it has read all.
class Cursor {
  public:
    explicit Cursor(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool is_short() const noexcept { return is_short_; }
    [[nodiscard]] std::size_t left() const noexcept { return bytes_.size(); }

    std::span<const std::uint8_t> take(std::size_t count) {
        is_short_ |= count > bytes_.size();
        const auto taken = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }

    template <class Number>
    Number number() {
        Number value = 0;
        for (const std::uint8_t byte : take(sizeof(Number)))
            value = static_cast<Number>(value << 8 | byte);
        return value;
    }

    template <class Address>
    Address address() {
        return Address(number<typename Address::Number>());
    }

  private:
    std::span<const std::uint8_t> bytes_;
    bool is_short_ = false;
};

template <class Address>
Address address_of(std::span<const std::uint8_t> bytes) {
    return Cursor(bytes).address<Address>();
}

// Of MP_REACH_NLRI a dump keeps the next hop alone (RFC 6396 4.3.4); some collectors keep the whole
// attribute, whose first byte is that of an address family, 0, and so no length of a next hop. A
// link-local address may follow the global one (RFC 2545 3).
std::optional<IpAddress> mp_reach_next_hop(std::span<const std::uint8_t> value) {
    Cursor cursor(value);
    constexpr std::size_t kFamilyBytes = 3;
    if (!value.empty() && value[0] == 0) cursor.take(kFamilyBytes);
    const auto next_hop = cursor.take(cursor.number<std::uint8_t>());
    if (cursor.is_short()) return std::nullopt;
    if (next_hop.size() == 4) return address_of<Ipv4Address>(next_hop);
    if (next_hop.size() == 16 || next_hop.size() == 32) return address_of<Ipv6Address>(next_hop);
    return std::nullopt;
}

// The next hop among the attributes of a route; the peer itself where none is given. Nothing: the
// attributes are damaged.
std::optional<IpAddress> next_hop_of(std::span<const std::uint8_t> attributes,
                                     const IpAddress& peer) {
    Cursor cursor(attributes);
    std::optional<IpAddress> next_hop;
    bool is_of_mp_reach = false;
    while (cursor.left() > 0) {
        const auto flags = cursor.number<std::uint8_t>();
        const auto type = cursor.number<std::uint8_t>();
        const std::size_t size = (flags & kExtendedLength) != 0 ? cursor.number<std::uint16_t>()
                                                                : cursor.number<std::uint8_t>();
        const auto value = cursor.take(size);
        if (cursor.is_short()) return std::nullopt;
        if (type == kAttributeMpReach) {
            next_hop = mp_reach_next_hop(value);
            if (!next_hop) return std::nullopt;
            is_of_mp_reach = true;
        } else if (type == kAttributeNextHop && !is_of_mp_reach) {
            if (value.size() != 4) return std::nullopt;
            next_hop = address_of<Ipv4Address>(value);
        }
    }
    return next_hop.value_or(peer);
}

}  // namespace

std::string MrtReader::place(std::uint64_t number) const {
    return fmt::format("record {}", number);
}

Unexpected MrtReader::wrong(std::string message) const {
    return {ErrorCode::kInvalid, std::move(message),
            fmt::format("record {} at byte {}", record_, record_begins_)};
}

Result<std::optional<MrtReader::Record>> MrtReader::next_record() {
    ++record_;
    record_begins_ = window_.offset();
    auto ahead = window_.peek(kHeaderBytes);
    if (!ahead) return wrong(ahead.error().message);
    if (ahead->empty()) return std::optional<Record>();
    if (ahead->size() < kHeaderBytes) return wrong("the file ends within the header of a record");
    Cursor header(*ahead);
    header.take(sizeof(std::uint32_t));  // the time
    Record record{.type = header.number<std::uint16_t>(),
                  .subtype = header.number<std::uint16_t>(),
                  .body = {}};
    const auto size = header.number<std::uint32_t>();
    if (record.type != kTableDumpV2)
        return wrong(fmt::format("MRT type {} is not TABLE_DUMP_V2 ({}), which alone holds a table",
                                 record.type, kTableDumpV2));
    if (size > kMrtRecordBytesMax)
        return wrong(
            fmt::format("a record of {} bytes; the limit is {}", size, kMrtRecordBytesMax));
    ahead = window_.peek(kHeaderBytes + size);
    if (!ahead) return wrong(ahead.error().message);
    if (ahead->size() < kHeaderBytes + size)
        return wrong(fmt::format("the file ends {} bytes before the record does",
                                 kHeaderBytes + size - ahead->size()));
    record.body = ahead->subspan(kHeaderBytes, size);
    window_.skip(kHeaderBytes + size);  // the bytes stay until the next peek
    return std::optional(record);
}

// RFC 6396 4.3.1.
Status MrtReader::read_peers(std::span<const std::uint8_t> body) {
    Cursor cursor(body);
    cursor.take(sizeof(std::uint32_t));           // the collector
    cursor.take(cursor.number<std::uint16_t>());  // the name of its view
    const auto count = cursor.number<std::uint16_t>();
    peers_.clear();
    for (unsigned i = 0; i < count && !cursor.is_short(); ++i) {
        const auto type = cursor.number<std::uint8_t>();
        cursor.take(sizeof(std::uint32_t));  // its BGP identifier
        if ((type & kPeerHasIpv6) != 0) {
            peers_.emplace_back(cursor.address<Ipv6Address>());
        } else {
            peers_.emplace_back(cursor.address<Ipv4Address>());
        }
        cursor.take((type & kPeerHasFourByteAs) != 0 ? 4 : 2);
    }
    if (cursor.is_short() || cursor.left() != 0)
        return wrong("the table of peers is not as long as its record");
    return choose_peer();
}

Status MrtReader::choose_peer() {
    chosen_.reset();
    if (std::holds_alternative<std::monostate>(choice_)) return ok();
    std::size_t index = peers_.size();
    std::string wanted;
    if (const IpAddress* address = std::get_if<IpAddress>(&choice_)) {
        index = static_cast<std::size_t>(std::ranges::find(peers_, *address) - peers_.begin());
        wanted = to_string(*address);
    } else {
        index = std::get<std::uint16_t>(choice_);
        wanted = std::to_string(index);
    }
    if (index < peers_.size()) {
        chosen_ = static_cast<std::uint16_t>(index);
        return ok();
    }
    constexpr std::size_t kShownMax = 16;
    std::string known;
    for (std::size_t i = 0; i < std::min(peers_.size(), kShownMax); ++i)
        known += fmt::format("{} {} is {}", i == 0 ? "" : ",", i, to_string(peers_[i]));
    return wrong(fmt::format("there is no peer {} among the dump's {}:{}{}", wanted, peers_.size(),
                             known, peers_.size() > kShownMax ? ", ..." : ""));
}

// RFC 6396 4.3.2; entries with a path identifier: RFC 8050 4.1.
template <class Address>
Result<std::optional<FileRoute>> MrtReader::read_rib(const Record& record) {
    Cursor cursor(record.body);
    cursor.take(sizeof(std::uint32_t));  // the sequence number
    const int length = cursor.number<std::uint8_t>();
    if (length > Address::kBits)
        return wrong(fmt::format("a prefix of {} bits; an address has {}", length, Address::kBits));
    typename Address::Number value = 0;
    int shift = Address::kBits;
    for (const std::uint8_t byte : cursor.take(static_cast<std::size_t>((length + 7) / 8)))
        value |= typename Address::Number{byte} << (shift -= 8);
    // Bits of the last byte behind the prefix have no meaning (RFC 4271 4.3).
    FileRoute route{Prefix<Address>::of(Address(value), length), {}, record_};

    const bool has_path_ids = record.subtype >= kRibIpv4UnicastAddPath;
    const auto count = cursor.number<std::uint16_t>();
    bool is_found = false;
    for (unsigned i = 0; i < count && !cursor.is_short(); ++i) {
        const auto peer = cursor.number<std::uint16_t>();
        cursor.take(sizeof(std::uint32_t));  // when it came
        if (has_path_ids) cursor.take(sizeof(std::uint32_t));
        const auto attributes = cursor.take(cursor.number<std::uint16_t>());
        if (cursor.is_short()) break;
        if (peer >= peers_.size())
            return wrong(fmt::format("a route of peer {}; the dump has {} peers before it", peer,
                                     peers_.size()));
        if (is_found || (chosen_ && peer != *chosen_)) continue;
        const std::optional<IpAddress> next_hop = next_hop_of(attributes, peers_[peer]);
        if (!next_hop) return wrong("the attributes of a route are damaged");
        route.way = *next_hop;
        is_found = true;
    }
    if (cursor.is_short() || cursor.left() != 0)
        return wrong("the routes of a prefix are not as long as their record");
    if (!is_found) return std::optional<FileRoute>();
    return std::optional(route);
}

Result<std::optional<FileRoute>> MrtReader::next() {
    while (true) {
        const auto read = next_record();
        if (!read) return Unexpected(read.error());
        if (!read->has_value()) return std::optional<FileRoute>();
        const Record& record = **read;
        Result<std::optional<FileRoute>> route = std::optional<FileRoute>();
        switch (record.subtype) {
            case kPeerIndexTable:
                if (const Status status = read_peers(record.body); !status)
                    return Unexpected(status.error());
                continue;
            case kRibIpv4Unicast:
            case kRibIpv4UnicastAddPath:
                route = read_rib<Ipv4Address>(record);
                break;
            case kRibIpv6Unicast:
            case kRibIpv6UnicastAddPath:
                route = read_rib<Ipv6Address>(record);
                break;
            case kRibIpv4Multicast:
            case kRibIpv6Multicast:
            case kRibGeneric:
            case kGeoPeerTable:
            case kRibIpv4MulticastAddPath:
            case kRibIpv6MulticastAddPath:
            case kRibGenericAddPath:
                break;
            default:
                return wrong(fmt::format("TABLE_DUMP_V2 has no subtype {}", record.subtype));
        }
        if (!route || route->has_value()) return route;
        ++passed_over_;
    }
}

}  // namespace causeway
