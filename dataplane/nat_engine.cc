// SPDX-License-Identifier: Apache-2.0
#include "dataplane/nat_engine.h"

#include <span>
#include <utility>

#include "dataplane/rss.h"

namespace causeway {
namespace {

// As the devices spread flows, or we in their stead.
Result<Steering> steering_of(unsigned workers) {
    std::vector<WorkerId> table;
    for (std::uint16_t slot = 0; slot < kRssSlots; ++slot) {
        table.emplace_back(static_cast<std::uint8_t>(worker_of(slot, workers)));
    }
    return Steering::toeplitz(kRssKey, table);
}

}  // namespace

Result<std::unique_ptr<NatEngine>> NatEngine::create(const NatEngineOptions& options) {
    auto steering = steering_of(options.workers);
    if (!steering) return Unexpected(steering.error());
    std::unique_ptr<NatEngine> engine(new NatEngine(std::move(steering).value()));
    engine->now_ = engine->rest_began_ = options.now;
    auto space = PortSpace::create();
    if (!space) return Unexpected(space.error());
    engine->space_ = std::move(space).value();
    auto mappings = MappingTable::create(*engine->space_, engine->steering_, options.mappings);
    if (!mappings) return Unexpected(mappings.error());
    engine->mappings_ = std::move(mappings).value();
    const std::uint32_t sessions_max = options.sessions_max / options.workers;
    if (!options.session_file.empty()) {
        auto file = SessionFile::create(options.session_file, {options.workers, sessions_max});
        if (!file) return Unexpected(file.error());
        engine->session_file_ = std::move(file).value();
    }
    for (unsigned worker = 0; worker < options.workers; ++worker) {
        if (options.logging != NatLogging::kNothing) {
            engine->events_.push_back(std::make_unique<NatEventRing>());
        }
        auto translator = Translator::create(
            *engine->mappings_,
            {.worker = WorkerId(static_cast<std::uint8_t>(worker)),
             .sessions_max = sessions_max,
             .session_lines = engine->session_file_ ? engine->session_file_->lines(worker)
                                                    : std::span<Session>(),
             .fragments = options.fragments,
             .secret = options.mappings.secret,
             .now = options.now,
             .pages = options.pages,
             .events = engine->events_.empty() ? nullptr : engine->events_.back().get(),
             .logging = options.logging});
        if (!translator) return Unexpected(translator.error());
        engine->translators_.push_back(std::move(translator).value());
    }
    return engine;
}

Result<RestoredSessions> NatEngine::restore(const SavedSessions& saved) {
    std::vector<Translator*> workers;
    for (const auto& translator : translators_) workers.push_back(translator.get());
    const RestoredSessions restored = restore_sessions(saved, workers, now());
    if (const Status kept = keep_sessions(); !kept) return Unexpected(kept.error());
    return restored;
}

Status NatEngine::keep_sessions() {
    return session_file_ ? session_file_->commit() : ok();
}

std::vector<NatEventRing*> NatEngine::events() const {
    std::vector<NatEventRing*> rings;
    for (const auto& ring : events_) rings.push_back(ring.get());
    return rings;
}

void NatEngine::fill(NatTables& tables) noexcept {
    for (std::size_t worker = 0; worker < translators_.size(); ++worker) {
        tables.translators[worker] = translators_[worker].get();
    }
    tables.now = &now_;
}

}  // namespace causeway
