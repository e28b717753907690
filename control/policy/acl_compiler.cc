// SPDX-License-Identifier: Apache-2.0
#include "control/policy/acl_compiler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace causeway {
namespace {

// Behind the control thread, with which it shares a core.
constexpr int kNiceness = 10;

void build(CompiledAcl& work) {
    const auto start = std::chrono::steady_clock::now();
    const AclSource& source = *work.source;
    auto list = AclList::build(source.acl, *source.sets, work.rows->rows());
    if (list) {
        work.list = std::move(list).value();
    } else {
        work.error = list.error();
    }
    work.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

AclCompiler::AclCompiler() : thread_([this] { run(); }) {}

AclCompiler::~AclCompiler() {
    {
        const std::lock_guard lock(mutex_);
        is_stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void AclCompiler::submit(std::shared_ptr<const AclSource> source,
                         std::shared_ptr<const RuleRows::Lease> rows) {
    auto work = std::make_unique<CompiledAcl>();
    work->source = std::move(source);
    work->rows = std::move(rows);
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(waiting_, [&](const auto& other) {
            return other->source->acl.name == work->source->acl.name;
        });
        waiting_.push_back(std::move(work));
    }
    changed_.notify_all();
}

std::vector<std::unique_ptr<const CompiledAcl>> AclCompiler::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
}

std::vector<AclReview> AclCompiler::take_reviews() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reviews_, {});
}

void AclCompiler::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.empty() && !is_building_; });
}

// What is to be built goes before what is to be looked at.
void AclCompiler::run() {
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock,
                      [this] { return is_stopped_ || !waiting_.empty() || !unreviewed_.empty(); });
        if (is_stopped_) return;
        if (waiting_.empty()) {
            review_next(lock);
        } else {
            build_next(lock);
        }
    }
}

// What it takes it gives back, so leases end where they began: on the control thread.
void AclCompiler::build_next(std::unique_lock<std::mutex>& lock) {
    std::unique_ptr<CompiledAcl> work = std::move(waiting_.front());
    waiting_.pop_front();
    is_building_ = true;
    lock.unlock();
    build(*work);
    lock.lock();
    is_building_ = false;
    if (work->list != nullptr) unreviewed_.push_back(work->source);
    done_.push_back(std::move(work));
    changed_.notify_all();
}

void AclCompiler::review_next(std::unique_lock<std::mutex>& lock) {
    AclReview review{.source = std::move(unreviewed_.front()), .findings = {}};
    unreviewed_.pop_front();
    lock.unlock();
    const auto entries = compile(review.source->acl, *review.source->sets);
    if (entries) review.findings = find_idle_rules(review.source->acl, *entries);
    lock.lock();
    reviews_.push_back(std::move(review));
}

}  // namespace causeway
