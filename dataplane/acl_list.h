// SPDX-License-Identifier: Apache-2.0
//
// AclList: a compiled list, ready to be asked in bulk. Each family has class tables
// (acl/class_tables.h) where they are small enough and no rule asks for names, and else an rte_acl
// context, which takes any list and more time.
//
// Thread safety: immutable once built; any number of readers. The control thread builds a new one
// (a third of a second for ten thousand rules, off the packet path), lets the next Tables name it,
// and destroys the old one after a grace period: a packet sees the whole old list or the whole new.
#pragma once

#include <rte_acl.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "acl/class_tables.h"
#include "acl/compile.h"
#include "acl/rule.h"
#include "base/result.h"
#include "dataplane/acl_image.h"
#include "dataplane/counters.h"
#include "dataplane/dpdk.h"

namespace causeway {

// Whether there is more to do than to count and to judge.
enum class AclExtras : std::uint8_t { kNone, kSome };

// What a rule does to a packet, as the walk reads it.
struct AclOutcome {
    RuleCounterId counter;
    std::uint32_t log_one_in = 0;
    SteerGroups steer;
    Exit exit = Exit::kNone;
    std::uint8_t mark_dscp = kNoMark;

    static constexpr std::uint8_t kNoMark = 0xff;
    // Where packets of the family go; 0: as the routes say.
    template <class Family>
    [[nodiscard]] GroupId way() const noexcept {
        return std::is_same_v<Family, Ipv4> ? steer.ipv4 : steer.ipv6;
    }
    [[nodiscard]] AclExtras extras() const noexcept {
        const bool has_any = log_one_in != 0 || steer != SteerGroups() || mark_dscp != kNoMark;
        return has_any ? AclExtras::kSome : AclExtras::kNone;
    }
};
static_assert(sizeof(AclOutcome) == 16);

enum class AclEngine : std::uint8_t { kBest, kTrie };  // kTrie: rte_acl, whatever the list

class AclList {
  public:
    // counters[i] is rule i's, and counters.back() is that of `otherwise`. kInvalid and kFull as
    // validate() and compile() say, kUnavailable where memory is short.
    [[nodiscard]] static Result<std::unique_ptr<const AclList>> build(
        const Acl& acl, const AclSets& sets, std::span<const RuleCounterId> counters,
        AclEngine engine = AclEngine::kBest);

    // results[k] = which outcome images[k] meets: REQUIRES a result for each image. Not inlined:
    // the loops around a burst's one question took two cycles a packet more with it in their midst.
    template <class Family>
    [[gnu::noinline]] void classify(std::span<const std::uint8_t*> images,
                                    std::span<std::uint32_t> results) const noexcept {
        const Classifier& classifier = classifier_of<Family>();
        if (classifier.tables != nullptr) [[likely]] {
            classifier.tables->lookup(images, results);
        } else if (classifier.trie != nullptr) {
            (void)rte_acl_classify(classifier.trie.get(), images.data(), results.data(),
                                   static_cast<std::uint32_t>(images.size()), 1);
        } else {
            std::fill(results.begin(), results.end(), 0U);
        }
    }
    // By result.
    [[nodiscard]] const AclOutcome* outcomes() const noexcept { return outcomes_.data(); }
    [[nodiscard]] AclExtras extras() const noexcept { return extras_; }
    // Whether a rule asks for the names of addresses: then images go through name_acl_images().
    [[nodiscard]] bool asks_names() const noexcept { return asks_names_; }
    // Whether a rule steers; such a list has no place on a way out.
    [[nodiscard]] bool steers() const noexcept {
        return std::ranges::any_of(outcomes_,
                                   [](const AclOutcome& o) { return o.steer != SteerGroups(); });
    }

    // For benchmarks and tests. Null where no rule concerns the family, or it has the other.
    template <class Family>
    [[nodiscard]] const rte_acl_ctx* trie_of() const noexcept {
        return classifier_of<Family>().trie.get();
    }
    template <class Family>
    [[nodiscard]] const ClassTables* tables_of() const noexcept {
        return classifier_of<Family>().tables.get();
    }

  private:
    using Context = std::unique_ptr<rte_acl_ctx, Deleter<rte_acl_free>>;
    template <class Family>
    using Entries = std::vector<AclEntry<typename AclLayout<Family>::Address>>;
    // One of them, or none where no rule concerns the family.
    struct Classifier {
        std::unique_ptr<const ClassTables> tables;
        Context trie;
    };
    template <class Family>
    [[nodiscard]] static std::unique_ptr<const ClassTables> build_tables(
        const Entries<Family>& entries);
    template <class Family>
    [[nodiscard]] static Result<Context> build_trie(std::string_view list,
                                                    const Entries<Family>& entries);
    template <class Family>
    [[nodiscard]] static Result<Classifier> build_classifier(std::string_view list,
                                                             const Entries<Family>& entries,
                                                             AclEngine engine);
    template <class Family>
    [[nodiscard]] const Classifier& classifier_of() const noexcept {
        return std::is_same_v<Family, Ipv4> ? ipv4_ : ipv6_;
    }

    AclList() = default;

    Classifier ipv4_;
    Classifier ipv6_;
    std::vector<AclOutcome> outcomes_;  // 0: otherwise; i + 1: rule i
    AclExtras extras_ = AclExtras::kNone;
    bool asks_names_ = false;
};

// The instructions that lists are classified with on this machine, as in "avx512x32".
[[nodiscard]] std::string_view acl_classify_method() noexcept;

}  // namespace causeway
