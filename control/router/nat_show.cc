// SPDX-License-Identifier: Apache-2.0
//
// Nat: what operators look at, and sessions that they end. Tables are read while workers write
// them, row by row; each call looks at a bounded part of them.
#include <algorithm>
#include <utility>

#include "control/router/nat.h"

namespace causeway {
namespace {

// Rows that one call looks at: about a millisecond.
constexpr std::uint32_t kScanMax = 65'536;

constexpr std::array<std::string_view, kNatStates> kStateWords{
    "udp",        "icmp",        "inside-init", "outside-init", "established",
    "inside-fin", "outside-fin", "both-fin",    "transitory"};

struct OutcomeWord {
    NatOutcome outcome;
    std::string_view name;
    std::string_view meaning;
};
constexpr std::array kOutcomeWords{
    OutcomeWord{NatOutcome::kTranslated, "translated", "rewritten, and on its way"},
    OutcomeWord{NatOutcome::kUntouched, "untouched", "from outside, to no address of a NAT"},
    OutcomeWord{NatOutcome::kHandOver, "handed_over", "given to the worker of its session"},
    OutcomeWord{NatOutcome::kHeld, "held", "fragments that waited for their first"},
    OutcomeWord{NatOutcome::kMalformed, "malformed", "layer 4 is cut off, or does not add up"},
    OutcomeWord{NatOutcome::kForeign, "foreign", "a protocol without ports"},
    OutcomeWord{NatOutcome::kMidFlow, "mid_flow", "in the middle of a flow that nobody knows"},
    OutcomeWord{NatOutcome::kNoMapping, "no_mapping", "to a public port that nobody has"},
    OutcomeWord{NatOutcome::kFiltered, "filtered", "from an address the host has not sent to"},
    OutcomeWord{NatOutcome::kBusy, "busy", "other workers held the host all the while"},
    OutcomeWord{NatOutcome::kHostsFull, "hosts_full", "refused: the table of hosts"},
    OutcomeWord{NatOutcome::kHostSessions, "host_sessions", "refused: the host's sessions"},
    OutcomeWord{NatOutcome::kHostPorts, "host_ports", "refused: the host's ports"},
    OutcomeWord{NatOutcome::kPoolExhausted, "ports_exhausted", "refused: the pool's ports"},
    OutcomeWord{NatOutcome::kMappingsFull, "mappings_full", "refused: the table of mappings"},
    OutcomeWord{NatOutcome::kSessionsFull, "sessions_full", "refused: the table of sessions"},
    OutcomeWord{NatOutcome::kFragmentsFull, "fragments_full", "refused: fragments that wait"},
    OutcomeWord{NatOutcome::kFragmentRefused, "fragment_refused", "its first was refused"},
    OutcomeWord{NatOutcome::kIcmpUnmatched, "icmp_unmatched", "an error about no flow of ours"},
    OutcomeWord{NatOutcome::kNoPool, "no_pool", "its pool has just gone"},
};
static_assert(kOutcomeWords.size() == kNatOutcomes);

// Of new flows.
constexpr std::array kRefusals{NatOutcome::kBusy,          NatOutcome::kHostsFull,
                               NatOutcome::kHostSessions,  NatOutcome::kHostPorts,
                               NatOutcome::kPoolExhausted, NatOutcome::kMappingsFull,
                               NatOutcome::kSessionsFull,  NatOutcome::kNoPool};

template <class T>
bool fits(const std::optional<T>& wanted, const T& value) {
    return !wanted || *wanted == value;
}

}  // namespace

NatStatusView Nat::status() {
    NatStatusView view;
    for (const OutcomeWord& word : kOutcomeWords) {
        view.outcomes.push_back({word.name, word.meaning, 0});
    }
    if (engine_ == nullptr) return view;
    for (std::size_t k = 0; k < engine_->workers(); ++k) {
        const Translator& translator = engine_->translator(k);
        view.sessions += translator.sessions().size();
        view.sessions_max += translator.sessions().sessions_max();
        for (std::size_t i = 0; i < kOutcomeWords.size(); ++i) {
            view.outcomes[i].packets += translator.counter(kOutcomeWords[i].outcome);
        }
    }
    for (const auto& worker : forwarder_.workers()) {
        view.changed_worker += worker->nat().taken_over();
        view.cleared += worker->nat().cleared();
    }
    if (log_ != nullptr) {
        const NatLogCounters log = log_->counters();
        view.log = {log.events, log.lost, log.unwritten, log.messages, log.unsent};
    }
    const Flows now = flows();
    view.created = now.created;
    view.refused = now.refused;
    if (flows_.size() > 1) {
        const auto a_second = [this](std::uint64_t last, std::uint64_t first) {
            return static_cast<double>(last - first) / static_cast<double>(flows_.size() - 1);
        };
        view.created_per_second = a_second(flows_.back().created, flows_.front().created);
        view.refused_per_second = a_second(flows_.back().refused, flows_.front().refused);
    }
    view.tables = tables_;
    return view;
}

Nat::Flows Nat::flows() const {
    Flows all;
    for (std::size_t k = 0; k < engine_->workers(); ++k) {
        const Translator& translator = engine_->translator(k);
        all.created += translator.created();
        for (const NatOutcome refused : kRefusals) all.refused += translator.counter(refused);
    }
    return all;
}

std::vector<NatTableView> Nat::tables_now() const {
    // A flow's worker is not chosen by how much room it has: the fullest one counts.
    NatTableView sessions{.name = "sessions of a worker"};
    for (std::size_t k = 0; k < engine_->workers(); ++k) {
        const SessionTable& table = engine_->translator(k).sessions();
        sessions.used = std::max<std::uint64_t>(sessions.used, table.size());
        sessions.max = table.sessions_max();
    }
    const MappingTable& mappings = engine_->mappings();
    return {
        sessions,
        {.name = "mappings", .used = mappings.estimated_mappings(), .max = mappings.mappings_max()},
        {.name = "hosts", .used = mappings.hosts(), .max = mappings.hosts_max()}};
}

std::vector<NatPoolView> Nat::pools() {
    std::vector<NatPoolView> views;
    for (const auto& [name, pool] : pools_) {
        const PortSpace::Usage usage = engine_->space().usage(pool.id);
        NatPoolView view{
            .name = name,
            .circuit = {},
            .link = {},
            .addresses = static_cast<std::uint32_t>(pool.active.size() + pool.draining.size()),
            .draining = static_cast<std::uint32_t>(pool.draining.size()),
            .blocks = usage.blocks,
            .blocks_lent = usage.blocks_lent,
            .block_ports = engine_->space().settings(pool.id).block_ports,
            .is_alarmed = pool.is_alarmed};
        if (const auto planned = planned_.find(name); planned != planned_.end()) {
            view.circuit = planned->second.circuit;
            view.link = planned->second.link;
            view.alarm_percent = planned->second.alarm_percent;
        }
        views.push_back(std::move(view));
    }
    return views;
}

std::string Nat::name_of(NatPoolId pool) const {
    const auto found =
        std::ranges::find_if(pools_, [pool](const auto& entry) { return entry.second.id == pool; });
    return found == pools_.end() ? "-" : found->first;
}

Result<std::optional<NatPoolId>> Nat::pool_of(const NatFilter& filter) const {
    if (!filter.pool) return std::optional<NatPoolId>();
    const auto found = pools_.find(*filter.pool);
    if (found == pools_.end()) {
        return Unexpected(ErrorCode::kNotFound, "there is no pool " + *filter.pool, "pool");
    }
    return std::optional(found->second.id);
}

// A cursor is a worker and a session's number: the last one that was looked at.
template <class Visit>
std::optional<NatCursor> Nat::scan(const NatFilter& filter, std::optional<NatPoolId> pool,
                                   NatCursor after, Visit&& visit) {
    if (engine_ == nullptr) return std::nullopt;
    auto worker = static_cast<std::size_t>(after >> 32);
    auto number = static_cast<std::uint32_t>(after);
    std::uint32_t looked_at = 0;
    for (; worker < engine_->workers(); ++worker, number = 0) {
        const SessionTable& table = engine_->translator(worker).sessions();
        while (number < table.sessions_max()) {
            if (looked_at++ == kScanMax) return std::uint64_t{worker} << 32 | number;
            const auto reading = table.read(++number);
            if (!reading) continue;
            const FlowKey& inside = reading->inside;
            if (!fits(pool, inside.pool()) || !fits(filter.protocol, inside.protocol()) ||
                !fits(filter.inside, inside.own().address) ||
                !fits(filter.remote, inside.remote().address) ||
                !fits(filter.outside, reading->outside.own().address)) {
                continue;
            }
            if (!visit(worker, number, *reading)) return std::uint64_t{worker} << 32 | number;
        }
    }
    return std::nullopt;
}

Result<NatPage<NatSessionView>> Nat::sessions(const NatFilter& filter,
                                              const NatPageRequest& request) {
    const auto pool = pool_of(filter);
    if (!pool) return Unexpected(pool.error());
    NatPage<NatSessionView> page;
    const NatSeconds now = engine_ == nullptr ? 0 : engine_->now();
    page.next = scan(filter, *pool, request.after,
                     [&](std::size_t worker, std::uint32_t, const SessionTable::Reading& reading) {
                         const std::size_t state = std::min<std::size_t>(reading.state, 8);
                         page.items.push_back(
                             {.pool = name_of(reading.inside.pool()),
                              .protocol = reading.inside.protocol(),
                              .inside = reading.inside.own(),
                              .outside = reading.outside.own(),
                              .remote = reading.inside.remote(),
                              .state = kStateWords[state],
                              .age_seconds = now - std::min(now, reading.created),
                              .ends_in_seconds = reading.deadline - std::min(now, reading.deadline),
                              .worker = static_cast<unsigned>(worker)});
                         return page.items.size() < request.limit;
                     });
    return page;
}

// The control thread only asks: a session is its worker's to end. Stops where a worker has enough
// to do.
Result<NatCleared> Nat::clear(const NatFilter& filter, NatCursor after) {
    const auto pool = pool_of(filter);
    if (!pool) return Unexpected(pool.error());
    NatCleared cleared;
    NatCursor before = after;
    bool is_full = false;
    cleared.next =
        scan(filter, *pool, after,
             [&](std::size_t worker, std::uint32_t number, const SessionTable::Reading& reading) {
                 NatLane& lane = forwarder_.nat_lane(worker);
                 if (!lane.ask_to_clear({.session = number, .version = reading.version})) {
                     is_full = true;
                     return false;
                 }
                 before = std::uint64_t{worker} << 32 | number;
                 ++cleared.sessions;
                 return true;
             });
    if (is_full) cleared.next = before;
    return cleared;
}

Result<NatPage<NatHostView>> Nat::hosts(const NatFilter& filter, const NatPageRequest& request) {
    const auto pool = pool_of(filter);
    if (!pool) return Unexpected(pool.error());
    NatPage<NatHostView> page;
    if (engine_ == nullptr) return page;
    const MappingTable& mappings = engine_->mappings();
    const std::uint64_t last = mappings.host_numbers() - 1;
    auto host = static_cast<std::uint32_t>(std::min<std::uint64_t>(request.after, last));
    for (std::uint32_t looked_at = 0; host < last; ++looked_at) {
        if (looked_at == kScanMax || page.items.size() == request.limit) {
            page.next = host;
            break;
        }
        const auto reading = mappings.read_host(++host);
        if (!reading || !fits(*pool, reading->pool) || !fits(filter.inside, reading->address)) {
            continue;
        }
        page.items.push_back({.pool = name_of(reading->pool),
                              .address = reading->address,
                              .blocks = reading->blocks,
                              .sessions = reading->sessions});
    }
    return page;
}

Result<NatPage<NatMappingView>> Nat::mappings(const NatFilter& filter,
                                              const NatPageRequest& request) {
    const auto pool = pool_of(filter);
    if (!pool) return Unexpected(pool.error());
    NatPage<NatMappingView> page;
    if (engine_ == nullptr) return page;
    if (request.after == 0) {
        for (const auto& [name, planned] : planned_) {
            if (filter.pool && *filter.pool != name) continue;
            for (const NatStaticConfig& mapping : planned.statics) {
                if (filter.protocol && mapping.protocol && filter.protocol != mapping.protocol) {
                    continue;
                }
                if (!fits(filter.inside, mapping.inside.address) ||
                    !fits(filter.outside, mapping.outside.address)) {
                    continue;
                }
                page.items.push_back({.pool = name,
                                      .protocol = mapping.protocol.value_or(NatProtocol::kTcp),
                                      .inside = mapping.inside,
                                      .outside = mapping.outside,
                                      .is_static = true});
            }
        }
    }
    page.next = scan_mappings(filter, *pool, request, page);
    return page;
}

// A cursor is a PortRef: an address, a protocol and a port, as PortSpace numbers them, and all of
// them are looked through in this order.
std::optional<NatCursor> Nat::scan_mappings(const NatFilter& filter, std::optional<NatPoolId> pool,
                                            const NatPageRequest& request,
                                            NatPage<NatMappingView>& page) const {
    constexpr std::uint64_t kEnd = (kNatAddressesMax + 1) << 18;
    constexpr std::uint64_t kAddress = 1U << 18;
    PortSpace& space = engine_->space();
    std::uint64_t at = std::max<std::uint64_t>(request.after + 1, kAddress);
    std::uint32_t looked_at = 0;
    while (at < kEnd) {
        const auto port = PortRef::from_bits(static_cast<std::uint32_t>(at));
        const bool is_wanted = space.is_known(port.address()) &&
                               fits(pool, space.pool(port.address())) &&
                               fits(filter.outside, space.address(port.address()));
        if (!is_wanted || static_cast<std::size_t>(port.protocol()) >= kNatProtocols) {
            at = (at / kAddress + 1) * kAddress;
            continue;
        }
        if (looked_at++ == kScanMax || page.items.size() >= request.limit) return at - 1;
        ++at;
        const PortUse use = space.read(port);
        if (use.host() == 0 || !fits(filter.protocol, port.protocol())) continue;
        const auto inside = engine_->mappings().peek(port);
        if (!inside || !fits(filter.inside, inside->endpoint.address)) continue;
        page.items.push_back({.pool = name_of(inside->pool),
                              .protocol = port.protocol(),
                              .inside = inside->endpoint,
                              .outside = space.endpoint(port),
                              .sessions = use.sessions()});
    }
    return std::nullopt;
}

}  // namespace causeway
