// SPDX-License-Identifier: Apache-2.0
//
// NatEngine: all of NAT44 that outlives a configuration: public addresses and their ports,
// mappings, and each worker's sessions. Its tables are as large as they ever get from the start.
//
// Thread safety: made and ticked by the control thread; its parts say for themselves who may use
// them. It must outlive the workers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "dataplane/nat_tables.h"
#include "nat/event.h"
#include "nat/mapping_table.h"
#include "nat/port_space.h"
#include "nat/session_file.h"
#include "nat/steering.h"
#include "nat/translator.h"

namespace causeway {

struct NatEngineOptions {
    unsigned workers = 1;
    std::uint32_t sessions_max = 1'000'000;  // of all workers together
    MappingTable::Options mappings;          // with the secret of all tables
    FragmentTable::Options fragments;        // of one worker
    NatSeconds now = 0;
    PageSize pages = PageSize::kHuge;
    std::string session_file;  // where sessions outlive the process; empty: nowhere
    NatLogging logging = NatLogging::kNothing;
};

class NatEngine {
  public:
    [[nodiscard]] static Result<std::unique_ptr<NatEngine>> create(const NatEngineOptions& options);

    [[nodiscard]] PortSpace& space() noexcept { return *space_; }
    [[nodiscard]] const MappingTable& mappings() const noexcept { return *mappings_; }
    [[nodiscard]] std::size_t workers() const noexcept { return translators_.size(); }
    [[nodiscard]] Translator& translator(std::size_t worker) noexcept {
        return *translators_[worker];
    }

    // Takes over what an earlier process left, once its public addresses are there, and before a
    // worker knows of the engine. From then on the next process finds ours.
    [[nodiscard]] Result<RestoredSessions> restore(const SavedSessions& saved);
    // Where there is nothing to take over.
    [[nodiscard]] Status keep_sessions();

    // What the workers tell the log, a ring each.
    [[nodiscard]] std::vector<NatEventRing*> events() const;

    // The clock of all timers. It never goes back.
    void tick(NatSeconds now) noexcept {
        if (now <= now_.load(std::memory_order_relaxed)) return;
        now_.store(now, std::memory_order_relaxed);
        if (now - rest_began_ < kNatBlockRestSeconds) return;
        space_->end_rest();
        rest_began_ = now;
    }
    [[nodiscard]] NatSeconds now() const noexcept { return now_.load(std::memory_order_relaxed); }

    // Whatever every NatTables says of it.
    void fill(NatTables& tables) noexcept;

  private:
    explicit NatEngine(Steering steering) : steering_(std::move(steering)) {}

    Steering steering_;
    std::atomic<NatSeconds> now_ = 0;
    NatSeconds rest_began_ = 0;  // of ports
    std::unique_ptr<PortSpace> space_;
    std::unique_ptr<MappingTable> mappings_;
    std::optional<SessionFile> session_file_;
    std::vector<std::unique_ptr<NatEventRing>> events_;
    std::vector<std::unique_ptr<Translator>> translators_;
};

}  // namespace causeway
