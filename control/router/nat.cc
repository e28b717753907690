// SPDX-License-Identifier: Apache-2.0
#include "control/router/nat.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "control/log/log.h"

namespace causeway {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kRateSeconds = 10;

// Of hash tables and ports: nobody outside may guess it.
HashSecret random_secret() {
    HashSecret secret;
    (void)getrandom(&secret, sizeof secret, 0);
    return secret;
}

NatSeconds seconds_of(std::uint64_t now_ns) {
    return static_cast<NatSeconds>(now_ns / kSecondNs);
}

std::uint64_t steady_now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

std::set<Ipv4Address> addresses_of(const std::vector<Ipv4Prefix>& pool) {
    std::set<Ipv4Address> addresses;
    for (const Ipv4Prefix& prefix : pool) {
        for (std::uint64_t address = prefix.first().value(); address <= prefix.last().value();
             ++address) {
            addresses.insert(Ipv4Address(static_cast<std::uint32_t>(address)));
        }
    }
    return addresses;
}

}  // namespace

Status Nat::start(const NatLimits& limits) {
    if (Status status = open_saved(limits.session_file); !status) return status;
    auto engine =
        NatEngine::create({.workers = static_cast<unsigned>(forwarder_.worker_cores().size()),
                           .sessions_max = limits.sessions,
                           .mappings = {.hosts_max = limits.hosts,
                                        .mappings_max = limits.mappings,
                                        .peers_max = limits.sessions,
                                        .secret = random_secret()},
                           .fragments = {},
                           .now = seconds_of(steady_now_ns()),
                           .session_file = limits.session_file,
                           .logging = limits.log ? limits.log->events : NatLogging::kNothing});
    if (!engine) return Unexpected(engine.error());
    engine_ = std::move(engine).value();
    if (!limits.log) return ok();
    if (Status status = start_log(*limits.log); !status) {
        engine_.reset();
        return status;
    }
    return ok();
}

Status Nat::start_log(const NatLogConfig& log) {
    auto writer = NatLogWriter::start({.file = log.file,
                                       .file_bytes_max = std::uint64_t{log.file_mib} << 20,
                                       .collector = log.collector,
                                       .observation_domain = log.observation_domain,
                                       .clock = [this] { return engine_->now(); }},
                                      engine_->events());
    if (!writer) return Unexpected(ErrorCode::kUnavailable, writer.error().message, "nat.log");
    log_ = std::move(writer).value();
    return ok();
}

// A file that is refused stays, under another name, for who wants to know why.
Status Nat::open_saved(const std::string& path) {
    saved_.reset();
    if (path.empty()) return ok();
    auto saved = SavedSessions::open(path);
    if (saved) {
        saved_ = std::move(saved).value();
        return ok();
    }
    if (saved.error().code == ErrorCode::kExists) {
        return Unexpected(ErrorCode::kUnavailable, saved.error().message, "nat.session-file");
    }
    log_error("NAT: sessions of the daemon before are lost: {}", saved.error().message);
    const std::string aside = path + ".refused";
    if (std::rename(path.c_str(), aside.c_str()) == 0) log_info("NAT: kept as {}", aside);
    return ok();
}

Status Nat::take_over() {
    is_taken_over_ = true;
    if (!saved_) return engine_->keep_sessions();
    const auto restored = engine_->restore(*saved_);
    saved_.reset();
    if (!restored) return Unexpected(restored.error());
    log_info("NAT: {} sessions of the daemon before live on; {} were over, {} lost their port",
             restored->restored, restored->over, restored->lost);
    return ok();
}

Status Nat::install(const Plan& plan, const NatLimits& limits) {
    alarm_percent_ = limits.alarm_percent;
    if (plan.nats.empty() && engine_ == nullptr) return ok();
    if (engine_ == nullptr) {
        if (const Status status = start(limits); !status) return status;
    }
    for (auto& [name, pool] : pools_) {
        pool.is_going = !plan.nats.contains(name);
        if (!pool.is_going) continue;
        pool.cleared_to = 0;
        planned_.erase(name);
        (void)bring_addresses(name, pool, {});
    }
    for (const auto& [name, planned] : plan.nats) {
        if (Status status = install_pool(name, planned); !status) {
            Error error = status.error();
            error.message = fmt::format("NAT of {}: {}", name, error.message);
            return Unexpected(std::move(error));
        }
    }
    return is_taken_over_ || plan.nats.empty() ? ok() : take_over();
}

Status Nat::install_pool(const std::string& name, const PlannedNat& planned) {
    auto found = pools_.find(name);
    if (found == pools_.end()) {
        const auto id = free_id();
        if (!id) return Unexpected(id.error());
        if (const Status status = engine_->space().add_pool(*id, planned.settings); !status) {
            return status;
        }
        found = pools_.emplace(name, Pool{.id = *id}).first;
    }
    Pool& pool = found->second;
    if (const Status status = engine_->space().change(pool.id, planned.settings); !status) {
        return status;
    }
    const Status status = bring_addresses(name, pool, addresses_of(planned.pool));
    if (!status) return status;
    planned_.insert_or_assign(name, planned);
    return reserve(pool, planned);
}

Result<NatPoolId> Nat::free_id() const {
    std::vector<bool> taken(kNatPoolsMax);
    for (const auto& [name, pool] : pools_) taken[pool.id.value()] = true;
    const auto free = std::ranges::find(taken, false);
    if (free == taken.end()) return Unexpected(ErrorCode::kFull, "there are too many pools");
    return NatPoolId(static_cast<std::uint16_t>(free - taken.begin()));
}

// First what comes, so that a pool is never without addresses between two that are not empty.
Status Nat::bring_addresses(const std::string& name, Pool& pool,
                            const std::set<Ipv4Address>& wanted) {
    PortSpace& space = engine_->space();
    for (const Ipv4Address address : wanted) {
        if (pool.active.contains(address)) continue;
        if (pool.draining.erase(address) != 0) {
            space.stop_draining(address);
        } else if (const Status status = space.add_address(pool.id, address); !status) {
            const bool is_drained_elsewhere = status.error().code == ErrorCode::kExists;
            if (!is_drained_elsewhere) return status;
            return Unexpected(
                ErrorCode::kUnavailable,
                fmt::format("{} still has sessions of the pool that had it before: "
                            "wait, or end them with `causeway nat clear --outside {}`",
                            to_string(address), to_string(address)));
        }
        pool.active.insert(address);
    }
    std::erase_if(pool.active, [&](Ipv4Address address) {
        if (wanted.contains(address)) return false;
        CHECK(space.drain(address).has_value());
        pool.draining.emplace(address, second_);
        log_info("NAT of {}: {} drains", name, to_string(address));
        return true;
    });
    return ok();
}

// Ports that are published are lent to nobody.
Status Nat::reserve(Pool& pool, const PlannedNat& planned) {
    std::set<Endpoint> wanted;
    for (const NatStaticConfig& mapping : planned.statics) {
        if (mapping.protocol && pool.active.contains(mapping.outside.address)) {
            wanted.insert(mapping.outside);
        }
    }
    std::erase_if(pool.reserved, [&](const Endpoint& end) {
        if (wanted.contains(end)) return false;
        engine_->space().release(end.address, end.port);
        return true;
    });
    for (const Endpoint& end : wanted) {
        if (pool.reserved.contains(end)) continue;
        if (const Status status = engine_->space().reserve(end.address, end.port); !status) {
            return Unexpected(
                ErrorCode::kUnavailable,
                fmt::format("port {} of {} is in a block that a host holds: publish a "
                            "port below 1024, or an address outside of the pool",
                            end.port, to_string(end.address)));
        }
        pool.reserved.insert(end);
    }
    return ok();
}

std::unique_ptr<const NatTables> Nat::tables(const Numbers& numbers) const {
    if (!is_taken_over_) return nullptr;
    auto tables = std::make_unique<NatTables>();
    engine_->fill(*tables);
    std::vector<PublicAddresses::Entry> publics;
    std::vector<StaticMapping> statics;
    if (!planned_.empty()) tables->outside = numbers.vrf(std::string(kMicrosoftVrf));
    for (const auto& [name, planned] : planned_) {
        const Pool& pool = pools_.at(name);
        const VrfId inside = numbers.vrf(planned.vrf);
        std::set<Ipv4Address> addresses = pool.active;
        for (const auto& [address, since] : pool.draining) addresses.insert(address);
        for (const NatStaticConfig& mapping : planned.statics) {
            addresses.insert(mapping.outside.address);
            statics.push_back({pool.id, mapping.protocol, mapping.inside, mapping.outside});
        }
        for (const Ipv4Address address : addresses) {
            publics.push_back({Ipv4Prefix::of(address, 32), pool.id, inside});
        }
        std::vector<AttachmentId> attachments;
        for (const std::string& attachment : planned.attachments) {
            attachments.push_back(numbers.attachment(attachment));
        }
        std::vector<NatException> exceptions;
        for (const NatUntranslated& packets : planned.untranslated) {
            exceptions.push_back({packets.source, packets.destination});
        }
        tables->add_inside({.pool = pool.id,
                            .sources = SourceSet<Ipv4Address>(planned.inside),
                            .exceptions = std::move(exceptions)},
                           attachments);
    }
    tables->publics = PublicAddresses(std::move(publics));
    auto mappings = StaticMappings::create(statics);
    CHECK(mappings.has_value());  // rules of load_config()
    tables->statics = std::move(mappings).value();
    return tables;
}

void Nat::tick(std::uint64_t now_ns) {
    if (engine_ == nullptr) return;
    engine_->tick(seconds_of(now_ns));
    for (auto& [name, pool] : pools_) {
        if (pool.is_going && (!pool.draining.empty())) {
            const auto cleared = clear({.pool = name}, pool.cleared_to);
            pool.cleared_to = cleared ? cleared->next.value_or(0) : 0;
        }
    }
    if (now_ns / kSecondNs == second_) return;
    second_ = now_ns / kSecondNs;
    flows_.push_back(flows());
    if (flows_.size() > kRateSeconds + 1) flows_.pop_front();
    watch_tables();
    for (auto& [name, pool] : pools_) {
        remove_drained(pool);
        watch(name, pool);
    }
    std::erase_if(pools_, [](const auto& entry) {
        const Pool& pool = entry.second;
        return pool.is_going && pool.active.empty() && pool.draining.empty();
    });
}

// Not before a whole second has passed since: by then no worker is still about to lend a block.
void Nat::remove_drained(Pool& pool) {
    std::erase_if(pool.draining, [&](const auto& entry) {
        const auto& [address, since] = entry;
        if (second_ < since + 2 || !engine_->space().is_drained(address)) return false;
        const Ipv4Address gone = address;
        std::erase_if(pool.reserved, [&](const Endpoint& end) { return end.address == gone; });
        return engine_->space().remove(gone).has_value();
    });
}

// Before they are full: what finds no place is a flow that is refused.
void Nat::watch_tables() {
    std::vector<NatTableView> now = tables_now();
    for (std::size_t k = 0; k < now.size(); ++k) {
        NatTableView& table = now[k];
        table.is_alarmed = table.used * 100 >= table.max * alarm_percent_;
        const bool was_alarmed = k < tables_.size() && tables_[k].is_alarmed;
        if (table.is_alarmed == was_alarmed) continue;
        if (table.is_alarmed) {
            log_warning("NAT: the table of {} has {} of {}, {} % is the alarm", table.name,
                        table.used, table.max, alarm_percent_);
        } else {
            log_info("NAT: the table of {} has {} of {}, below the alarm again", table.name,
                     table.used, table.max);
        }
    }
    tables_ = std::move(now);
}

void Nat::watch(const std::string& name, Pool& pool) {
    const auto planned = planned_.find(name);
    if (planned == planned_.end()) return;
    const PortSpace::Usage usage = engine_->space().usage(pool.id);
    const unsigned alarm = planned->second.alarm_percent;
    const bool is_over =
        std::uint64_t{usage.blocks_lent} * 100 >= std::uint64_t{usage.blocks} * alarm;
    if (is_over == pool.is_alarmed) return;
    pool.is_alarmed = is_over;
    if (is_over) {
        log_warning("NAT of {}: {} of {} blocks are lent, {} % is the alarm", name,
                    usage.blocks_lent, usage.blocks, alarm);
    } else {
        log_info("NAT of {}: {} of {} blocks are lent, below the alarm again", name,
                 usage.blocks_lent, usage.blocks);
    }
}

}  // namespace causeway
