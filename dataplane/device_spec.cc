// SPDX-License-Identifier: Apache-2.0
#include "dataplane/device_spec.h"

#include <linux/if.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace causeway {
namespace {

constexpr std::size_t kDeviceNameMax = 63;  // RTE_DEV_NAME_MAX_LEN without its end
constexpr std::size_t kDeviceTextMax = 1'024;

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}
constexpr bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}
constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Unexpected refuse(std::string_view text, std::string_view why) {
    return {ErrorCode::kInvalid, "device \"" + std::string(text) + "\": " + std::string(why)};
}

// 0000:3b:00.0 from that or from 3b:00.0; nothing if the text has another shape.
std::optional<std::string> pci_address(std::string_view text) {
    std::string address(text);
    std::ranges::transform(address, address.begin(), lower);
    if (address.size() == 7) address.insert(0, "0000:");
    constexpr std::string_view kShape = "hhhh:hh:hh.f";
    if (address.size() != kShape.size()) return std::nullopt;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        const char c = address[i];
        const bool fits = kShape[i] == 'h'   ? is_hex(c)
                          : kShape[i] == 'f' ? c >= '0' && c <= '7'
                                             : c == kShape[i];
        if (!fits) return std::nullopt;
    }
    if (address[8] > '1') return std::nullopt;  // a bus has 32 devices
    return address;
}

// The kernel's own rule (dev_valid_name), and no comma, which would end DPDK's argument.
std::optional<std::string_view> fault_of_interface(std::string_view name) {
    if (name.empty()) return "the interface has no name";
    if (name.size() >= IFNAMSIZ) return "an interface's name has at most 15 characters";
    if (name == "." || name == "..") return "no interface can have this name";
    const bool fits = std::ranges::all_of(name, [](char c) {
        return c > ' ' && c <= '~' && c != '/' && c != ':' && c != ',' && c != '=';
    });
    if (!fits) return "an interface's name has no blank and none of / : , =";
    return std::nullopt;
}

std::optional<std::string_view> fault_of_arguments(std::string_view args) {
    if (!std::ranges::all_of(args, [](char c) { return c > ' ' && c <= '~'; })) {
        return "blanks and control characters have no place in device arguments";
    }
    return std::nullopt;
}

struct Scheme {
    std::string_view text;
    DeviceKind kind;
    std::string_view driver;
};
constexpr std::array kSchemes{
    Scheme{"af_xdp:", DeviceKind::kAfXdp, "net_af_xdp"},
    Scheme{"af_packet:", DeviceKind::kAfPacket, "net_af_packet"},
    Scheme{"tap:", DeviceKind::kTap, "net_tap"},
};

const Scheme& scheme_of(DeviceKind kind) {
    const auto* const found = std::ranges::find(kSchemes, kind, &Scheme::kind);
    CHECK(found != kSchemes.end());
    return *found;
}

}  // namespace

Result<DeviceSpec> parse_device_spec(std::string_view text) {
    if (text.empty()) return refuse(text, "there must be one");
    if (text.size() > kDeviceTextMax) return refuse(text.substr(0, 32), "too long");

    for (const Scheme& scheme : kSchemes) {
        if (!text.starts_with(scheme.text)) continue;
        const std::string_view interface = text.substr(scheme.text.size());
        if (const auto fault = fault_of_interface(interface)) return refuse(text, *fault);
        return DeviceSpec{
            .kind = scheme.kind, .name = {}, .args = {}, .interface = std::string(interface)};
    }

    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const std::string_view args =
        comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (const auto fault = fault_of_arguments(args)) return refuse(text, *fault);

    if (auto address = pci_address(name)) {
        return DeviceSpec{.kind = DeviceKind::kPci,
                          .name = std::move(*address),
                          .args = std::string(args),
                          .interface = {}};
    }
    if (name.starts_with("net_") && name.size() > 4 && name.size() <= kDeviceNameMax &&
        std::ranges::all_of(name, is_word)) {
        return DeviceSpec{.kind = DeviceKind::kVirtual,
                          .name = std::string(name),
                          .args = std::string(args),
                          .interface = {}};
    }
    return refuse(text,
                  "neither a PCI address (0000:3b:00.0) nor af_xdp:IFACE, af_packet:IFACE, "
                  "tap:NAME or a virtual device of DPDK (net_...)");
}

std::string to_string(const DeviceSpec& spec) {
    if (!spec.interface.empty()) return std::string(scheme_of(spec.kind).text) + spec.interface;
    return spec.args.empty() ? spec.name : spec.name + ',' + spec.args;
}

EalDevice eal_device(const DeviceSpec& spec, PortId id, const XdpDetails& xdp) {
    if (spec.kind == DeviceKind::kPci) return {"pci", spec.name, spec.args};
    if (spec.kind == DeviceKind::kVirtual) return {"vdev", spec.name, spec.args};

    EalDevice device{.bus = "vdev",
                     .name = std::string(scheme_of(spec.kind).driver) + std::to_string(id.value()),
                     .args = "iface=" + spec.interface};
    if (spec.kind == DeviceKind::kAfXdp) {
        // busy_budget=0: else every empty poll is a system call, and a worker polls many queues.
        device.args += ",start_queue=0,queue_count=" + std::to_string(xdp.queues) +
                       ",busy_budget=0,xdp_prog=" + xdp.program;
    }
    return device;
}

}  // namespace causeway
