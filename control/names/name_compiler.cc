// SPDX-License-Identifier: Apache-2.0
#include "control/names/name_compiler.h"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <utility>

namespace causeway {
namespace {

// Behind the control thread, with which it shares a core.
constexpr int kNiceness = 10;

}  // namespace

NameCompiler::NameCompiler(std::string state_directory)
    : cache_(std::move(state_directory)), thread_([this] { run(); }) {}

NameCompiler::~NameCompiler() {
    {
        const std::lock_guard lock(mutex_);
        is_stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void NameCompiler::submit(std::shared_ptr<const NameSets> sets) {
    {
        const std::lock_guard lock(mutex_);
        waiting_ = std::move(sets);
    }
    changed_.notify_all();
}

std::shared_ptr<const CompiledNames> NameCompiler::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, nullptr);
}

void NameCompiler::wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ == nullptr && !is_compiling_; });
}

void NameCompiler::run() {
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness);
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return is_stopped_ || waiting_ != nullptr; });
        if (is_stopped_) return;
        auto sets = std::exchange(waiting_, nullptr);
        is_compiling_ = true;
        lock.unlock();
        auto compiled = compile(std::move(sets));
        lock.lock();
        is_compiling_ = false;
        done_ = std::move(compiled);
        changed_.notify_all();
    }
}

std::shared_ptr<const CompiledNames> NameCompiler::compile(
    std::shared_ptr<const NameSets> sets) const {
    const auto start = std::chrono::steady_clock::now();
    auto names = std::make_shared<CompiledNames>();
    names->sets = std::move(sets);
    PatternPlan plan = plan_patterns(*names->sets);
    std::unique_ptr<const PatternDatabase> patterns;
    if (!plan.patterns.empty()) {
        patterns = cache_.load(plan.patterns);
        names->was_kept = patterns != nullptr;
        if (patterns == nullptr) {
            auto compiled = PatternDatabase::compile(plan.patterns);
            if (!compiled) {
                names->error = compiled.error();
                return names;
            }
            patterns = std::move(compiled).value();
            const Status kept = cache_.store(plan.patterns, *patterns);
            if (!kept) names->not_kept = kept.error();
        }
    }
    names->matcher = std::make_unique<const NameMatcher>(*names->sets, plan, std::move(patterns));
    names->seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return names;
}

}  // namespace causeway
