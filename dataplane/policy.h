// SPDX-License-Identifier: Apache-2.0
//
// What an operator asks of an attachment's packets besides that they be sound: who may send how
// much, to where, and under which DSCP.
//
// Thread safety: all of it is immutable once a Tables points to it, and outlives that Tables by a
// grace period; it belongs to the control thread.
#pragma once

#include <cstdint>
#include <vector>

#include "acl/dscp_map.h"
#include "acl/source_set.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

class AclList;
class LearnedAddresses;
class NameResolvers;
struct NamePolicy;
struct PolicePlan;

// One bit for each stage that has something to do for an attachment. The walk collects those of a
// burst and passes over stages that nobody in it needs, so who has no policy pays one "or".
class PolicyBits {
  public:
    constexpr PolicyBits() noexcept = default;

    [[nodiscard]] constexpr bool has_any(PolicyBits bits) const noexcept {
        return (bits_ & bits.bits_) != 0;
    }
    [[nodiscard]] constexpr PolicyBits without(PolicyBits bits) const noexcept {
        PolicyBits rest;
        rest.bits_ = static_cast<std::uint16_t>(bits_ & ~bits.bits_);
        return rest;
    }
    constexpr PolicyBits& operator|=(PolicyBits other) noexcept {
        bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
        return *this;
    }
    [[nodiscard]] friend constexpr PolicyBits operator|(PolicyBits a, PolicyBits b) noexcept {
        return a |= b;
    }
    friend constexpr bool operator==(PolicyBits, PolicyBits) = default;

    [[nodiscard]] static constexpr PolicyBits bit(unsigned number) noexcept {
        PolicyBits bits;
        bits.bits_ = static_cast<std::uint16_t>(1U << number);
        return bits;
    }

  private:
    std::uint16_t bits_ = 0;
};
inline constexpr PolicyBits kFiltersIn = PolicyBits::bit(0);
inline constexpr PolicyBits kFiltersOut = PolicyBits::bit(1);
inline constexpr PolicyBits kChecksSources = PolicyBits::bit(3);
inline constexpr PolicyBits kMapsDscp = PolicyBits::bit(4);
inline constexpr PolicyBits kPolicesIn = PolicyBits::bit(5);
inline constexpr PolicyBits kPolicesOut = PolicyBits::bit(6);
inline constexpr PolicyBits kLacksIpv6 = PolicyBits::bit(7);  // it has no address of IPv6
inline constexpr PolicyBits kSteers = PolicyBits::bit(2);     // of a burst only: a rule has steered
// It is where public addresses of a NAT are reached: its packets may be to one, or from inside.
inline constexpr PolicyBits kTranslates = PolicyBits::bit(8);
// BFD to us is for our own sessions; without it, it goes to the control plane like the rest.
inline constexpr PolicyBits kRunsBfd = PolicyBits::bit(9);
inline constexpr PolicyBits kMatchesNames = PolicyBits::bit(10);
inline constexpr PolicyBits kHearsAnswers = PolicyBits::bit(11);  // of the DNS, that go out there
inline constexpr PolicyBits kPolicesNames =
    PolicyBits::bit(12);  // classes hold what goes out there
inline constexpr PolicyBits kDropsIpOptions = PolicyBits::bit(13);

// How the source of what comes in is looked at.
enum class SourceCheck : std::uint8_t {
    kOff,
    kAdvertised,  // it lies in the peering's validated public prefixes; without any, nothing passes
    kStrict,      // its route leads back to the peering, by either link
    kLoose,       // it has a route
};

// What becomes of a packet that comes in with options of IPv4, or hop-by-hop options of IPv6.
// Source routes are dropped in any case.
enum class IpOptions : std::uint8_t { kPass, kDrop };

// Of both families.
struct IpSources {
    SourceSet<Ipv4Address> ipv4;
    SourceSet<Ipv6Address> ipv6;
};
struct LinkPrefixes {
    Ipv4Prefix ipv4 = Ipv4Prefix::of(Ipv4Address(), 32);  // none: what no packet has
    Ipv6Prefix ipv6 = Ipv6Prefix::of(Ipv6Address(), 128);
};

struct AttachmentPolicy {
    const AclList* filter_in = nullptr;   // of what comes in here
    const AclList* filter_out = nullptr;  // of what goes out here
    // What it permits, NAT leaves as it is (RFC 6888 REQ-6); null: nothing.
    const AclList* untranslated = nullptr;
    const NamePolicy* names = nullptr;         // of what comes in here
    const NamePolicy* name_classes = nullptr;  // the same if it has classes, for what goes out here
    // Whose answers are heard that go out here; null: nobody's.
    const NameResolvers* resolvers = nullptr;
    // What they have taught in the attachment's VRF; it changes in place. Never null where any of
    // the above asks for names.
    const LearnedAddresses* learned = nullptr;
    const IpSources* sources = nullptr;  // kAdvertised: null as long as nothing is validated
    const DscpMap* dscp_map = nullptr;   // of what comes in and of what goes out; null: untouched
    // Their policers are written by workers and outlive every Tables that leads to them.
    const PolicePlan* police_in = nullptr;
    const PolicePlan* police_out = nullptr;
    PeeringId peering;  // alike for both links; 0: not a customer's
    SourceCheck source_check = SourceCheck::kOff;
    IpOptions ip_options = IpOptions::kPass;
    LinkPrefixes link_prefixes;

    [[nodiscard]] PolicyBits bits() const noexcept {
        PolicyBits bits;
        if (filter_in != nullptr) bits |= kFiltersIn;
        if (filter_out != nullptr) bits |= kFiltersOut;
        if (names != nullptr) bits |= kMatchesNames;
        if (name_classes != nullptr) bits |= kPolicesNames;
        if (resolvers != nullptr) bits |= kHearsAnswers;
        if (source_check != SourceCheck::kOff) bits |= kChecksSources;
        if (ip_options == IpOptions::kDrop) bits |= kDropsIpOptions;
        if (dscp_map != nullptr) bits |= kMapsDscp;
        if (police_in != nullptr) bits |= kPolicesIn;
        if (police_out != nullptr) bits |= kPolicesOut;
        return bits;
    }
};

struct Policies {
    std::vector<AttachmentPolicy> attachments = std::vector<AttachmentPolicy>(kAttachmentsMax);

    [[nodiscard]] const AttachmentPolicy& of(AttachmentId attachment) const noexcept {
        return attachments[attachment.value()];
    }
};

}  // namespace causeway
