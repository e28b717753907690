// SPDX-License-Identifier: Apache-2.0
#include "nat/ipfix.h"

#include <cstring>

#include "base/check.h"
#include "base/endian.h"

namespace causeway {
namespace {

constexpr std::uint16_t kVersion = 10;     // RFC 7011 3.1
constexpr std::uint16_t kTemplateSet = 2;  // RFC 7011 3.3.2
constexpr std::size_t kMessageHeaderBytes = 16;
constexpr std::size_t kSetHeaderBytes = 4;

struct Field {
    std::uint16_t element;  // of IANA's registry
    std::uint16_t bytes;
};

constexpr std::uint16_t kBlockTemplate = 256;
constexpr std::array kBlockFields{
    Field{323, 8},  // observationTimeMilliseconds
    Field{230, 1},  // natEvent
    Field{463, 4},  // natInstanceID: the pool
    Field{8, 4},    // sourceIPv4Address
    Field{225, 4},  // postNATSourceIPv4Address
    Field{361, 2},  // portRangeStart
    Field{362, 2},  // portRangeEnd
};

constexpr std::uint16_t kSessionTemplate = 257;
constexpr std::array kSessionFields{
    Field{323, 8},  // observationTimeMilliseconds
    Field{230, 1},  // natEvent
    Field{463, 4},  // natInstanceID
    Field{4, 1},    // protocolIdentifier
    Field{8, 4},    // sourceIPv4Address
    Field{225, 4},  // postNATSourceIPv4Address
    Field{7, 2},    // sourceTransportPort; of ICMP the identifier
    Field{227, 2},  // postNAPTSourceTransportPort
    Field{12, 4},   // destinationIPv4Address
    Field{226, 4},  // postNATDestinationIPv4Address
    Field{11, 2},   // destinationTransportPort
    Field{228, 2},  // postNAPTDestinationTransportPort
};

template <class Fields>
constexpr std::size_t record_bytes(const Fields& fields) noexcept {
    std::size_t bytes = 0;
    for (const Field& field : fields) bytes += field.bytes;
    return bytes;
}
constexpr std::size_t kBlockBytes = record_bytes(kBlockFields);
constexpr std::size_t kSessionBytes = record_bytes(kSessionFields);

// RFC 8158 4.3, table 2.
std::uint8_t nat_event(NatEventKind kind) noexcept {
    switch (kind) {
        case NatEventKind::kSessionBegun:
            return 4;
        case NatEventKind::kSessionEnded:
            return 5;
        case NatEventKind::kBlockLent:
            return 16;
        case NatEventKind::kBlockReturned:
            return 17;
    }
    return 0;
}

bool is_of_block(NatEventKind kind) noexcept {
    return kind == NatEventKind::kBlockLent || kind == NatEventKind::kBlockReturned;
}

}  // namespace

template <class T>
void IpfixEncoder::put(T value) noexcept {
    DCHECK(size_ + sizeof value <= bytes_.size());
    const T wire = swap_bytes(value);
    std::memcpy(&bytes_[size_], &wire, sizeof wire);
    size_ += sizeof wire;
}

void IpfixEncoder::patch16(std::size_t at, std::size_t value) noexcept {
    const Be16 wire(static_cast<std::uint16_t>(value));
    std::memcpy(&bytes_[at], &wire, sizeof wire);
}

void IpfixEncoder::begin_message(std::uint32_t seconds) noexcept {
    size_ = 0;
    set_at_ = 0;
    put(kVersion);
    put(std::uint16_t{0});  // the length, in the end
    put(seconds);
    put(sequence_);
    put(observation_domain_);
}

void IpfixEncoder::put_templates() noexcept {
    set_at_ = size_;
    put(kTemplateSet);
    put(std::uint16_t{0});
    const auto put_template = [this](std::uint16_t number, const auto& fields) noexcept {
        put(number);
        put(static_cast<std::uint16_t>(fields.size()));
        for (const Field& field : fields) {
            put(field.element);
            put(field.bytes);
        }
    };
    put_template(kBlockTemplate, kBlockFields);
    put_template(kSessionTemplate, kSessionFields);
    end_set();
}

void IpfixEncoder::end_set() noexcept {
    if (set_at_ != 0) patch16(set_at_ + 2, size_ - set_at_);
    set_at_ = 0;
}

bool IpfixEncoder::put_event(const NatLogRecord& record) noexcept {
    const NatEvent& event = record.event;
    const bool is_block = is_of_block(event.kind);
    const std::uint16_t wanted = is_block ? kBlockTemplate : kSessionTemplate;
    const bool fits_set = set_at_ != 0 && set_template_ == wanted;
    const std::size_t needs =
        (is_block ? kBlockBytes : kSessionBytes) + (fits_set ? 0 : kSetHeaderBytes);
    if (size_ + needs > bytes_.size()) return false;
    if (!fits_set) {
        end_set();
        set_at_ = size_;
        set_template_ = wanted;
        put(wanted);
        put(std::uint16_t{0});
    }
    put(record.time_ms);
    put(nat_event(event.kind));
    put(std::uint32_t{event.pool.value()});
    if (!is_block) put(protocol_number(event.protocol));
    put(event.inside.address.value());
    put(event.outside.address.value());
    if (is_block) {
        put(event.outside.port);
        put(static_cast<std::uint16_t>(event.outside.port + event.ports - 1));
        return true;
    }
    put(event.inside.port);
    put(event.outside.port);
    put(event.remote.address.value());
    put(event.remote.address.value());
    put(event.remote.port);
    put(event.remote.port);
    return true;
}

IpfixEncoder::Message IpfixEncoder::encode(std::span<const NatLogRecord> records,
                                           std::uint32_t seconds) noexcept {
    Message message;
    std::uint32_t lost = 0;
    begin_message(seconds);
    if (seconds >= templates_due_) {
        put_templates();
        templates_due_ = seconds + kTemplateSeconds;
    }
    for (const NatLogRecord& record : records) {
        if (record.lost != 0) {
            lost += record.lost;
        } else if (put_event(record)) {
            ++message.events;
        } else {
            break;
        }
        ++message.taken;
    }
    end_set();
    sequence_ += static_cast<std::uint32_t>(message.events) + lost;
    if (size_ == kMessageHeaderBytes) return message;
    patch16(2, size_);
    message.bytes = std::span(bytes_).first(size_);
    return message;
}

}  // namespace causeway
