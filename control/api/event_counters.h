// SPDX-License-Identifier: Apache-2.0
//
// EventCounters: how often each thing happened that a protocol's peer can make happen, by a table
// of names and meanings; and which of them the log has not been told of yet.
//
// Thread safety: control thread only.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace causeway {

// What an event means for whoever caused it.
enum class EventVerdict : std::uint8_t {
    kFine,
    kSkipped,  // the message is passed over or waits; what follows is read on
    kClosed,   // the stream makes no sense any more: the connection is closed
};

template <class EventT>
struct EventInfo {
    using Event = EventT;
    EventT event;
    EventVerdict verdict;
    std::string_view name;
    std::string_view meaning;
};

template <class Infos>
[[nodiscard]] consteval bool events_follow_enum(const Infos& infos) {
    using Event = typename Infos::value_type::Event;
    for (std::size_t i = 0; i < infos.size(); ++i) {
        if (static_cast<std::size_t>(infos[i].event) != i) return false;
    }
    return infos.size() == static_cast<std::size_t>(Event::kCount);
}

template <const auto& kInfos>
class EventCounters {
  public:
    using Info = typename std::remove_cvref_t<decltype(kInfos)>::value_type;
    using Event = typename Info::Event;

    // `subject` says which, where that helps: a table, a discriminator, a message type.
    void count(Event event, std::uint32_t subject = 0) noexcept {
        const auto index = static_cast<std::size_t>(event);
        ++counts_[index];
        if (!is_new_[index] && !is_told_[index]) subjects_[index] = subject;
        is_new_[index] = true;
    }
    [[nodiscard]] std::uint64_t read(Event event) const noexcept {
        return counts_[static_cast<std::size_t>(event)];
    }

    // Calls tell(info, subject) for each event that is not fine and was counted for the first time
    // since expect_anew(): so the log has one line, not one a message.
    template <class Tell>
    void tell_new(const Tell& tell) {
        if (is_new_.none()) return;
        for (const Info& info : kInfos) {
            const auto index = static_cast<std::size_t>(info.event);
            if (!is_new_[index] || is_told_[index] || info.verdict == EventVerdict::kFine) continue;
            is_told_[index] = true;
            tell(info, subjects_[index]);
        }
        is_new_.reset();
    }
    void expect_anew() noexcept { is_told_.reset(); }

  private:
    static constexpr std::size_t kCount = kInfos.size();
    std::array<std::uint64_t, kCount> counts_{};
    std::array<std::uint32_t, kCount> subjects_{};
    std::bitset<kCount> is_new_;
    std::bitset<kCount> is_told_;
};

}  // namespace causeway
