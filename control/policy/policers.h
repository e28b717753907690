// SPDX-License-Identifier: Apache-2.0
//
// Policers: the buckets by which circuits and peerings are held to their bandwidth, one for each
// link, direction and level, and the same again for expedited traffic; and one for each direction
// of each class into which rules of name policies put what they permit.
//
// Thread safety: control thread only; the buckets are the workers', too (dataplane/policer.h).
//
// A bucket lives as long as what it stands for: a change of rate or burst changes it in place, and
// whoever had sent half a burst still has.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/types.h"
#include "control/config/config.h"
#include "dataplane/policer.h"
#include "dataplane/stages/filter.h"

namespace causeway {

enum class TrafficClass : std::uint8_t { kRest, kExpedited };

struct PolicerKey {
    std::string circuit;
    std::optional<PeeringType> peering;  // none: the circuit's level
    Link link = Link::kPrimary;
    Direction direction = Direction::kIn;
    TrafficClass traffic = TrafficClass::kRest;
    friend auto operator<=>(const PolicerKey&, const PolicerKey&) = default;
};

struct PolicerState {
    std::shared_ptr<Policer> policer;
    std::uint64_t bits_per_second = 0;  // what it is for
    std::uint64_t burst_bytes = 0;
    unsigned tolerance_percent = 0;
    // Where tolerance is 0, always. Else from when it was exceeded until it has not been for
    // Policers::kForgivenAfter.
    bool is_held = true;
    std::uint64_t drops_seen = 0;
    std::uint64_t calm_since_ns = 0;
};

class Policers {
  public:
    static constexpr std::uint64_t kForgivenAfter = 1'000'000'000;  // ns

    explicit Policers(std::uint64_t ticks_per_second) : ticks_per_second_(ticks_per_second) {}

    // Those of a configuration, in place of those before.
    void adopt(const std::vector<CircuitConfig>& circuits, std::uint64_t now_ticks);
    void adopt(const std::vector<PolicerClassConfig>& classes, std::uint64_t now_ticks);

    // What polices an attachment, and what it keeps alive; nothing where nothing does.
    struct Plan {
        PolicePlan plan;
        std::vector<std::shared_ptr<Policer>> kept;
    };
    [[nodiscard]] std::shared_ptr<const Plan> plan_of(const CircuitConfig& circuit,
                                                      PeeringType peering, Link link,
                                                      Direction direction) const;

    // Holds to their rate those who have exceeded it by more than is tolerated, and forgives those
    // who keep to it; to be called every twenty milliseconds or so.
    void tick(std::uint64_t now_ns, std::uint64_t now_ticks);

    [[nodiscard]] const std::map<PolicerKey, PolicerState>& all() const noexcept { return all_; }
    using Classes = std::map<std::pair<std::string, Direction>, PolicerState>;
    [[nodiscard]] const Classes& classes() const noexcept { return classes_; }

  private:
    // That of a key, of which there may be one before.
    template <class States>
    void put(const typename States::key_type& key, std::uint64_t bits_per_second,
             const PolicingConfig& policing, std::uint64_t now_ticks, const States& before_all,
             States& next) const;
    [[nodiscard]] static PolicerRate rate_of(const PolicerState& state) noexcept;

    const std::uint64_t ticks_per_second_;
    std::map<PolicerKey, PolicerState> all_;  // of circuits
    Classes classes_;
};

}  // namespace causeway
