// SPDX-License-Identifier: Apache-2.0
//
// Published<T>: the road by which a new table reaches the workers; Quiescence: how the writer knows
// that the old one is no longer read.
//
// Thread safety
//   publish(), reclaim(), Quiescence::begin()/is_over()   the control thread only.
//   read()                                                each worker, never blocks.
//   Quiescence::report(), online(), offline()             each worker, on its own id.
//
// Invariants
//   (1) A T is immutable from publish() until its destructor.
//   (2) A worker holds no T across its own report().
//   (3) A T dies only after every online worker has reported since the T was replaced.
//   (1) and (2) are the caller's to keep; (3) is ours. A worker that waits must be offline.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/grace.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

// Over rte_rcu_qsbr, whose memory it owns. Needs no EAL.
class Quiescence final : public GracePeriods {
  public:
    Quiescence() {
        const std::size_t bytes = rte_rcu_qsbr_get_memsize(kWorkersMax);
        void* memory = nullptr;
        CHECK(posix_memalign(&memory, kCacheLine, bytes) == 0);
        qsbr_.reset(static_cast<rte_rcu_qsbr*>(memory));
        CHECK(rte_rcu_qsbr_init(qsbr_.get(), kWorkersMax) == 0);
    }

    void online(WorkerId worker) noexcept {
        rte_rcu_qsbr_thread_register(qsbr_.get(), worker.value());
        rte_rcu_qsbr_thread_online(qsbr_.get(), worker.value());
    }
    void offline(WorkerId worker) noexcept {
        rte_rcu_qsbr_thread_offline(qsbr_.get(), worker.value());
        rte_rcu_qsbr_thread_unregister(qsbr_.get(), worker.value());
    }
    void report(WorkerId worker) noexcept { rte_rcu_qsbr_quiescent(qsbr_.get(), worker.value()); }

    [[nodiscard]] std::uint64_t begin() override { return rte_rcu_qsbr_start(qsbr_.get()); }
    [[nodiscard]] bool is_over(std::uint64_t token) override {
        return rte_rcu_qsbr_check(qsbr_.get(), token, false) == 1;
    }

  private:
    struct Free {
        void operator()(rte_rcu_qsbr* qsbr) const noexcept { std::free(qsbr); }
    };
    std::unique_ptr<rte_rcu_qsbr, Free> qsbr_;
};

template <class T>
class Published {
  public:
    explicit Published(GracePeriods& grace) : grace_(grace) {}

    [[nodiscard]] const T& read() const noexcept {
        return *current_.load(std::memory_order_acquire);
    }
    void publish(std::unique_ptr<const T> next) {
        const T* old = current_.exchange(next.release(), std::memory_order_acq_rel);
        if (old != nullptr) {
            retired_.emplace_back(grace_.begin(), std::unique_ptr<const T>(old));
        }
        reclaim();
    }
    // Frees what no worker can hold any more; called every now and then.
    void reclaim() {
        std::erase_if(retired_, [this](const auto& old) { return grace_.is_over(old.first); });
    }
    [[nodiscard]] std::size_t retired() const noexcept { return retired_.size(); }

    ~Published() { delete current_.load(std::memory_order_relaxed); }
    Published(const Published&) = delete;
    Published& operator=(const Published&) = delete;

  private:
    GracePeriods& grace_;
    std::atomic<const T*> current_{nullptr};
    std::vector<std::pair<std::uint64_t, std::unique_ptr<const T>>> retired_;
};

}  // namespace causeway
