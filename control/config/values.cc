// SPDX-License-Identifier: Apache-2.0
#include "control/config/values.h"

#include <fmt/format.h>

#include <charconv>
#include <concepts>
#include <limits>
#include <optional>
#include <utility>

#include "base/text.h"
#include "control/config/words.h"
#include "control/slow_path/subnet_hosts.h"

namespace causeway {
namespace {

constexpr std::size_t kSocketBytesMax = 107;    // sockaddr_un.sun_path without its final zero
constexpr std::size_t kInterfaceBytesMax = 15;  // IFNAMSIZ without its final zero
constexpr std::size_t kNamespaceBytesMax = 63;

constexpr std::uint64_t kMegabit = 1'000'000;
constexpr std::array<std::uint64_t, 10> kBandwidths{
    50 * kMegabit,    100 * kMegabit,   200 * kMegabit,    500 * kMegabit,    1'000 * kMegabit,
    2'000 * kMegabit, 5'000 * kMegabit, 10'000 * kMegabit, 40'000 * kMegabit, 100'000 * kMegabit};

struct Unit {
    std::string_view name;
    std::uint64_t bits;
};
constexpr std::array<Unit, 4> kUnits{Unit{"Gbps", 1'000 * kMegabit}, Unit{"Mbps", kMegabit},
                                     Unit{"kbps", 1'000}, Unit{"bps", 1}};

template <class... Arguments>
Unexpected invalid(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return {ErrorCode::kInvalid, fmt::format(format, std::forward<Arguments>(arguments)...)};
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

// Letters, digits, hyphens, underscores and dots, the first neither a hyphen nor a dot.
bool is_file_name(std::string_view text) {
    return !text.empty() && text[0] != '-' && text[0] != '.' &&
           std::ranges::all_of(text, [](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                      c == '_' || c == '.';
           });
}

// Decimal digits only, no leading zero: other readers of YAML would take those for octal.
template <class T>
std::optional<T> parse_digits(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_plain =
        !text.empty() && is_digit(text[0]) && (text[0] != '0' || text.size() == 1);
    if (!is_plain || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

template <class Address>
std::optional<Address> parse_address_of(std::string_view text) {
    if constexpr (std::same_as<Address, Ipv4Address>) {
        return parse_ipv4_address(text);
    } else {
        return parse_ipv6_address(text);
    }
}

bool looks_like_ipv6(std::string_view text) {
    return text.find(':') != std::string_view::npos;
}

template <class Address>
struct AddressAndLength {
    Address address;
    int length;
};

template <class Address>
std::optional<AddressAndLength<Address>> parse_address_and_length(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto address = parse_address_of<Address>(text.substr(0, slash));
    const auto length = parse_digits<unsigned>(text.substr(slash + 1));
    if (!address || !length || *length > unsigned{Address::kBits}) return std::nullopt;
    return AddressAndLength<Address>{*address, static_cast<int>(*length)};
}

template <class Address>
Result<IpAddress> parse_any_address(std::string_view text) {
    const auto address = parse_address_of<Address>(text);
    if (!address) {
        return invalid("\"{}\" is not an {} address: write it as in {}", quotable(text),
                       FamilyWords<Address>::kName, FamilyWords<Address>::kAddress);
    }
    return IpAddress(*address);
}

template <class Address>
Result<InterfaceAddress<Address>> interface_of(std::string_view text,
                                               const AddressAndLength<Address>& parsed) {
    const auto subnet = Prefix<Address>::of(parsed.address, parsed.length);
    const std::string_view reserved = reserved_name(subnet, parsed.address);
    if (!reserved.empty()) {
        return invalid("{} is the {} address of {}: give a host's address", text, reserved,
                       to_string(subnet));
    }
    return InterfaceAddress<Address>{parsed.address, subnet};
}

// The part after "af_xdp:" and the like; nothing where the device is of another kind.
std::optional<std::string_view> kernel_interface(std::string_view device) {
    for (const std::string_view kind : {"af_xdp:", "af_packet:", "tap:"}) {
        if (device.starts_with(kind)) return device.substr(kind.size());
    }
    return std::nullopt;
}

// 0000:3b:00.0, or 3b:00.0 in domain 0.
bool is_pci_address(std::string_view text) {
    static constexpr std::string_view kShape = "xxxx:xx:xx.x";
    const std::string_view shape = text.size() == 7 ? kShape.substr(5) : kShape;
    return std::ranges::equal(text, shape, [](char c, char expected) {
        return expected == 'x' ? is_hex(c) : c == expected;
    });
}

}  // namespace

Result<unsigned> NumberBetween::operator()(std::string_view text) const {
    const auto value = parse_digits<unsigned>(text);
    if (!value || *value < min || *value > max) {
        return invalid("\"{}\" is not a number from {} to {}", quotable(text), min, max);
    }
    return *value;
}

Result<std::string> parse_name(std::string_view text) {
    const auto may_be_inside = [](char c) { return is_lower(c) || is_digit(c) || c == '-'; };
    if (text.empty() || text.size() > 63 || text[0] == '-' ||
        !std::ranges::all_of(text, may_be_inside)) {
        return invalid(
            "\"{}\" is not a valid name: use 1 to 63 lower-case letters, digits and hyphens, not "
            "beginning with a hyphen",
            quotable(text));
    }
    return std::string(text);
}

Result<std::string> parse_service_key(std::string_view text) {
    static constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    std::string key = lower_case(text);
    const bool is_guid = std::ranges::equal(key, kShape, [](char c, char expected) {
        return expected == 'x' ? is_hex(c) : c == expected;
    });
    if (!is_guid) {
        return invalid(
            "\"{}\" is not a GUID: write 8-4-4-4-12 hexadecimal digits, as in "
            "4f2d0a9e-8c7b-4a56-9e1d-2b3c4d5e6f70",
            quotable(text));
    }
    return key;
}

Result<std::string> parse_device(std::string_view text) {
    const auto may_be_inside = [](char c) { return is_printable_ascii(c) && c != ' '; };
    if (text.empty() || !std::ranges::all_of(text, may_be_inside)) {
        return invalid("\"{}\" is not a device: use printable characters without blanks",
                       quotable(text));
    }
    if (const auto interface = kernel_interface(text)) {
        if (interface->empty() || interface->size() > kInterfaceBytesMax ||
            interface->find('/') != std::string_view::npos) {
            return invalid("\"{}\" names no interface: give 1 to {} characters after the colon",
                           quotable(text), kInterfaceBytesMax);
        }
        return std::string(text);
    }
    const std::string pci = lower_case(text);
    if (is_pci_address(pci)) return pci.size() == 7 ? "0000:" + pci : pci;
    // What remains is DPDK's to judge, unless it looks like one of ours mistyped.
    const std::string_view kind = text.substr(0, text.find_first_of(":,"));
    static constexpr std::array<std::string_view, 3> kKinds{"af_xdp", "af_packet", "tap"};
    const bool has_colon = kind.size() < text.size() && text[kind.size()] == ':';
    const std::string_view meant = has_colon ? nearest_word(kind, kKinds) : std::string_view{};
    if (!meant.empty()) {
        return invalid("\"{}\" is not a known kind of device: did you mean \"{}:\"?",
                       quotable(kind), meant);
    }
    return std::string(text);
}

std::string device_identity(std::string_view device) {
    if (const auto interface = kernel_interface(device)) return std::string(*interface);
    static constexpr std::string_view kInterfaceArgument = ",iface=";
    const auto argument = device.find(kInterfaceArgument);
    if (argument == std::string_view::npos) return std::string(device.substr(0, device.find(',')));
    const auto value = device.substr(argument + kInterfaceArgument.size());
    return std::string(value.substr(0, value.find(',')));
}

Result<std::string> parse_directory(std::string_view text) {
    constexpr std::size_t kBytesMax = 3'800;  // room for the names of files in it
    const bool is_path = text.size() > 1 && text.size() < kBytesMax && text.starts_with('/') &&
                         std::ranges::all_of(text, is_printable_ascii);
    if (is_path) return std::string(text);
    return Unexpected(ErrorCode::kInvalid, "\"" + quotable(text) +
                                               "\" is no absolute path of a directory: begin it "
                                               "with /");
}

Result<std::string> parse_socket(std::string_view text) {
    if (!text.starts_with('/') || text.size() > kSocketBytesMax ||
        !std::ranges::all_of(text, is_printable_ascii)) {
        return invalid("\"{}\" is not a socket's path: give an absolute path of at most {} bytes",
                       quotable(text), kSocketBytesMax);
    }
    return std::string(text);
}

Result<std::string> parse_group(std::string_view text) {
    const auto may_be_inside = [](char c) {
        return is_lower(c) || is_digit(c) || c == '-' || c == '_';
    };
    if (text.empty() || text.size() > 32 || !(is_lower(text[0]) || text[0] == '_') ||
        !std::ranges::all_of(text, may_be_inside)) {
        return invalid("\"{}\" is not a group's name: give one that `getent group` knows",
                       quotable(text));
    }
    return std::string(text);
}

Result<std::string> parse_namespace(std::string_view text) {
    if (text.size() > kNamespaceBytesMax || !is_file_name(text)) {
        return invalid(
            "\"{}\" is not a network namespace's name: use 1 to 63 letters, digits, hyphens, "
            "underscores and dots, not beginning with a dot or a hyphen",
            quotable(text));
    }
    return std::string(text);
}

Result<std::string> parse_interface(std::string_view text) {
    const bool is_taken = text == "lo" || text == "all" || text == "default";
    if (text.size() > kInterfaceBytesMax || !is_file_name(text) || is_taken) {
        return invalid(
            "\"{}\" is not a name for an interface: use 1 to 15 letters, digits, hyphens, "
            "underscores and dots, not beginning with a dot or a hyphen; not lo, all or default",
            quotable(text));
    }
    return std::string(text);
}

Result<std::string> parse_argument(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, is_printable_ascii)) {
        return invalid("\"{}\" is not an argument: use printable characters", quotable(text));
    }
    return std::string(text);
}

Result<unsigned> parse_descriptors(std::string_view text) {
    const auto value = parse_digits<unsigned>(text);
    if (!value || *value < 64 || *value > 32'768 || (*value & (*value - 1)) != 0) {
        return invalid("\"{}\" is not a power of two from 64 to 32768", quotable(text));
    }
    return *value;
}

Result<VlanId> parse_vlan_id(std::string_view text) {
    const auto value = parse_digits<std::uint16_t>(text);
    const auto id = value ? VlanId::from(*value) : std::nullopt;
    if (!id)
        return invalid("\"{}\" is not a VLAN tag: give a number from 1 to 4094", quotable(text));
    return *id;
}

Result<std::uint32_t> parse_peer_asn(std::string_view text) {
    const auto asn = parse_digits<std::uint32_t>(text);
    if (!asn) {
        return invalid("\"{}\" is not an AS number: give a number from 1 to 4294967294",
                       quotable(text));
    }
    const auto reserved = [&](std::string_view why) {
        return invalid("AS {} is reserved ({}): give the customer's own AS number", *asn, why);
    };
    if (*asn == 0) return reserved("RFC 7607");
    if (*asn == std::numeric_limits<std::uint32_t>::max()) return reserved("RFC 7300");
    if (*asn == 23'456) return reserved("AS_TRANS, RFC 6793");
    if (*asn == 12'076) return reserved("it is the router's own");
    if (*asn >= 65'515 && *asn <= 65'520) return reserved("65515 to 65520 are the cloud's own");
    return *asn;
}

Result<std::uint64_t> parse_bandwidth(std::string_view text) {
    static constexpr std::string_view kChoice =
        "choose 50, 100, 200 or 500 Mbps, or 1, 2, 5, 10, 40 or 100 Gbps";
    const auto unit = std::ranges::find_if(
        kUnits, [&](const Unit& candidate) { return text.ends_with(candidate.name); });
    if (unit == kUnits.end()) {
        return invalid("\"{}\" has no unit that is known (bps, kbps, Mbps, Gbps): {}",
                       quotable(text), kChoice);
    }
    std::string_view digits = text.substr(0, text.size() - unit->name.size());
    if (digits.ends_with(' ')) digits.remove_suffix(1);
    const auto count = parse_digits<std::uint64_t>(digits);
    const bool may_multiply = count && *count <= kBandwidths.back() / unit->bits;
    if (!may_multiply || std::ranges::find(kBandwidths, *count * unit->bits) == kBandwidths.end()) {
        return invalid("\"{}\" is not a bandwidth on offer: {}", quotable(text), kChoice);
    }
    return *count * unit->bits;
}

std::string bandwidth_text(std::uint64_t bandwidth_bps) {
    const auto unit = std::ranges::find_if(
        kUnits, [&](const Unit& candidate) { return bandwidth_bps % candidate.bits == 0; });
    return fmt::format("{} {}", bandwidth_bps / unit->bits, unit->name);
}

Result<IpAddress> parse_address(std::string_view text) {
    return looks_like_ipv6(text) ? parse_any_address<Ipv6Address>(text)
                                 : parse_any_address<Ipv4Address>(text);
}

template <class Address>
Result<Prefix<Address>> parse_prefix_of(std::string_view text) {
    const auto parsed = parse_address_and_length<Address>(text);
    if (!parsed) {
        return invalid("\"{}\" is not an {} prefix: write it as in {}", quotable(text),
                       FamilyWords<Address>::kName, FamilyWords<Address>::kPrefix);
    }
    const auto holder = Prefix<Address>::of(parsed->address, parsed->length);
    if (holder.address() != parsed->address) {
        return invalid("{} has host bits: the /{} that holds it is {}", text, parsed->length,
                       to_string(holder));
    }
    return holder;
}
template Result<Ipv4Prefix> parse_prefix_of<Ipv4Address>(std::string_view text);
template Result<Ipv6Prefix> parse_prefix_of<Ipv6Address>(std::string_view text);

Result<IpPrefix> parse_prefix(std::string_view text) {
    const auto as_either = [](const auto& prefix) -> Result<IpPrefix> {
        if (!prefix) return Unexpected(prefix.error());
        return IpPrefix(*prefix);
    };
    return looks_like_ipv6(text) ? as_either(parse_prefix_of<Ipv6Address>(text))
                                 : as_either(parse_prefix_of<Ipv4Address>(text));
}

Result<InterfaceAddress<Ipv4Address>> parse_ipv4_interface(std::string_view text) {
    const auto parsed = parse_address_and_length<Ipv4Address>(text);
    if (!parsed || parsed->length < 8 || parsed->length > 30) {
        return invalid(
            "\"{}\" is not our address with the length of its network: write it as in 10.2.0.1/24, "
            "/8 to /30",
            quotable(text));
    }
    return interface_of(text, *parsed);
}

Result<InterfaceAddress<Ipv6Address>> parse_ipv6_interface(std::string_view text) {
    const auto parsed = parse_address_and_length<Ipv6Address>(text);
    if (!parsed || parsed->length < 64 || parsed->length > 127) {
        return invalid(
            "\"{}\" is not our address with the length of its network: write it as in "
            "2001:db8:2::1/64, /64 to /127",
            quotable(text));
    }
    return interface_of(text, *parsed);
}

}  // namespace causeway
