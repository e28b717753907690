// SPDX-License-Identifier: Apache-2.0
//
// RouterApi: everything the control socket can ask of the router, in the operator's words. There is
// no JSON here and no table of the data plane: methods.h turns these values into answers, the
// router fills them from what it owns, tests put a fake in its place.
//
// Thread safety: control thread only. No call may block; lists are paged so that none takes long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/names_api.h"
#include "control/api/nat_api.h"
#include "control/api/page_request.h"
#include "control/api/policy_api.h"
#include "control/api/views.h"
#include "control/config/config.h"

namespace causeway {

struct NeighbourCursor {
    std::string attachment;
    IpAddress address;
    friend auto operator<=>(const NeighbourCursor&, const NeighbourCursor&) = default;
};

struct RouteCursor {
    std::string vrf;
    IpPrefix prefix;  // those of IPv4 come first
    RouteSource source = RouteSource::kConnected;
    friend auto operator<=>(const RouteCursor&, const RouteCursor&) = default;
};

struct RouteFilter {
    std::optional<std::string> vrf;
    std::optional<RouteSource> source;
    std::optional<IpPrefix> within;  // this prefix and those it covers
};

enum class RouteEditKind : std::uint8_t {
    kAdd,      // refused where the prefix has a route of this kind already
    kReplace,  // adds, or takes the place of the one there is
    kDelete,   // refused where it has none
};

// One edit of a batch. Its next hops are batch.via[via_first, via_first + via_count): one pool
// for the whole batch, because a vector for each of a million routes is a million allocations.
struct RouteEdit {
    RouteEditKind kind = RouteEditKind::kAdd;
    RouteAction action = RouteAction::kForward;
    IpPrefix prefix;
    std::uint32_t via_first = 0;
    std::uint32_t via_count = 0;  // 0 unless kForward and not kDelete
};

// Edits of the routes that callers have put into one VRF, all or none, in their order.
struct RouteBatch {
    std::string vrf;
    std::vector<RouteEdit> edits;
    std::vector<RouteNextHop> via;

    [[nodiscard]] std::span<const RouteNextHop> via_of(const RouteEdit& edit) const {
        return std::span(via).subspan(edit.via_first, edit.via_count);
    }
};

// The named link of every circuit, or of the one whose name or service key is given.
struct LinkTarget {
    Link link = Link::kPrimary;
    std::optional<std::string> circuit;
};
struct AttachmentTarget {
    std::string name;
};
struct PortTarget {
    std::string name;
};
using AdminTarget = std::variant<LinkTarget, AttachmentTarget, PortTarget>;

enum class ApplyMode : std::uint8_t { kValidate, kCommit };

// A part of what end_sync() removes.
struct RouteSweep {
    std::size_t removed = 0;
    std::optional<IpPrefix> next;  // where the next part begins; nothing: this was the last
};

struct RouteFailure {
    std::size_t index = 0;  // in RouteBatch::edits
    Error error;            // field, where set, is relative to the edit: "via[0]", "prefix"
};

// Nothing was changed unless `failures` is empty.
struct RouteOutcome {
    std::size_t added = 0;
    std::size_t replaced = 0;
    std::size_t deleted = 0;
    std::vector<RouteFailure> failures;  // at most kRouteFailuresMax, in the batch's order
};
inline constexpr std::size_t kRouteFailuresMax = 32;

inline constexpr std::uint64_t kDrainSeconds = 60;  // unless the caller says otherwise
inline constexpr std::uint64_t kDrainSecondsMax = 86'400;

struct AdminOutcome {
    std::vector<std::string> changed;  // names of attachments (or the port) whose state moved
};

struct ConfigChange {
    enum class Kind : std::uint8_t { kAdded, kRemoved, kChanged };
    Kind kind = Kind::kChanged;
    std::string subject;  // "circuit contoso", "route contoso 10.8.0.0/16"
    std::string detail;   // "bandwidth 1 Gbps -> 2 Gbps"; may be empty
};

// Either errors, and nothing was touched, or the difference that was (or would be) made.
struct ConfigOutcome {
    std::vector<ConfigError> errors;
    std::vector<ConfigChange> changes;
    std::vector<ConfigError> warnings{};  // what is right, but hardly meant
};

// Whether a configuration is told with passwords.
enum class Secrets : std::uint8_t { kLeftOut, kShown };

class RouterApi : public PolicyApi {
  public:
    [[nodiscard]] virtual DaemonStatus status() = 0;
    [[nodiscard]] virtual std::vector<PortView> ports() = 0;
    [[nodiscard]] virtual std::vector<StageView> stages() = 0;
    [[nodiscard]] virtual std::vector<FpmView> fpm_listeners() = 0;

    // Cursors of the next four: the row's name.
    [[nodiscard]] virtual Page<VrfView, std::string> vrfs(const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Page<CircuitView, std::string> circuits(
        const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Page<AttachmentView, std::string> attachments(
        const PageRequest<std::string>&) = 0;
    // Of every attachment, and of every port for the frames that no attachment claims.
    [[nodiscard]] virtual Page<CountersView, std::string> counters(
        const PageRequest<std::string>&) = 0;
    [[nodiscard]] virtual Result<CircuitView> circuit(std::string_view name_or_key) = 0;
    [[nodiscard]] virtual Result<AttachmentView> attachment(std::string_view name) = 0;
    [[nodiscard]] virtual Result<CountersView> counters_of(std::string_view name) = 0;

    // Of one attachment, or of all.
    [[nodiscard]] virtual Result<Page<NeighbourView, NeighbourCursor>> neighbours(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) = 0;

    [[nodiscard]] virtual Result<Page<BfdView, NeighbourCursor>> bfd_sessions(
        const std::optional<std::string>& attachment, const PageRequest<NeighbourCursor>&) = 0;

    [[nodiscard]] virtual Result<Page<RouteView, RouteCursor>> routes(
        const RouteFilter&, const PageRequest<RouteCursor>&) = 0;
    [[nodiscard]] virtual Result<RouteMatch> match(std::string_view vrf, const IpAddress&) = 0;
    [[nodiscard]] virtual Page<GroupView, GroupId> groups(const PageRequest<GroupId>&) = 0;

    // Every reason there is, also those at zero: of one attachment or port, or of the whole router.
    [[nodiscard]] virtual Result<std::vector<ReasonCount>> drops(
        const std::optional<std::string>& owner) = 0;

    // By class: of one attachment, or of all there are.
    [[nodiscard]] virtual Result<std::vector<PuntView>> punts(
        const std::optional<std::string>& attachment) = 0;

    // kNotFound: no such VRF. What is wrong with single edits stands in the outcome.
    [[nodiscard]] virtual Result<RouteOutcome> change_routes(const RouteBatch&) = 0;
    // A feeder's replay: all that callers have put into the VRF is stale until it is put again, and
    // what still is goes at the end, part by part. The number that the first returns tells the
    // second which replay it ends: kInvalid, if another has begun since.
    [[nodiscard]] virtual Result<std::uint64_t> begin_sync(std::string_view vrf) = 0;
    [[nodiscard]] virtual Result<RouteSweep> end_sync(std::string_view vrf, std::uint64_t sync,
                                                      const std::optional<IpPrefix>& after) = 0;
    [[nodiscard]] virtual Result<AdminOutcome> set_admin(const AdminTarget&, AdminStatus) = 0;
    // Empties a link, and takes it down when nothing uses it any more, or after so many seconds.
    [[nodiscard]] virtual Result<AdminOutcome> drain(const LinkTarget&, std::uint64_t seconds) = 0;
    [[nodiscard]] virtual Result<AdminOutcome> undrain(const LinkTarget&) = 0;

    [[nodiscard]] virtual NatApi& nat() = 0;
    [[nodiscard]] virtual NamesApi& names() = 0;

    [[nodiscard]] virtual std::string config_yaml(Secrets) = 0;  // the running configuration
    [[nodiscard]] virtual ConfigOutcome apply_config(std::string_view yaml, ApplyMode) = 0;
};

}  // namespace causeway
