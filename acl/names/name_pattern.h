// SPDX-License-Identifier: Apache-2.0
//
// NamePattern: names, as an operator writes them.
//
//   outlook.office.com                    that name
//   *.office.com                          all names below it, at any depth, not itself
//   *-files.sharepoint.com                "*" anywhere else: one or more characters of one label
//   autodiscover.*.onmicrosoft.com
//
// Of two patterns that match a name the more specific one decides: that with more characters that
// are not "*". So a plain name beats every pattern with a "*" that matches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "acl/names/hostname.h"
#include "base/result.h"

namespace causeway {

// Whether a name is what the text of a pattern means.
[[nodiscard]] bool pattern_matches(std::string_view pattern, const Hostname& name) noexcept;

class NamePattern {
  public:
    enum class Kind : std::uint8_t {
        kName,        // itself
        kSubdomains,  // "*." and a plain name
        kWildcard,    // any other "*"
    };
    static constexpr std::size_t kWildcardsMax = 4;

    // The error says what is wrong, without naming the pattern.
    [[nodiscard]] static Result<NamePattern> from(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }  // in lower case
    [[nodiscard]] Kind kind() const noexcept { return kind_; }
    [[nodiscard]] std::size_t literals() const noexcept { return literals_; }
    // Of kName and kSubdomains: the name, or that above.
    [[nodiscard]] std::string_view base() const noexcept;
    [[nodiscard]] bool matches(const Hostname& name) const noexcept {
        return pattern_matches(text_, name);
    }
    // Of kWildcard: what stands between its "*"; a name that matches has all of them.
    [[nodiscard]] std::vector<std::string> parts() const;

    friend auto operator<=>(const NamePattern& a, const NamePattern& b) noexcept {
        return a.text_ <=> b.text_;
    }
    friend bool operator==(const NamePattern& a, const NamePattern& b) noexcept {
        return a.text_ == b.text_;
    }

  private:
    std::string text_;
    Kind kind_ = Kind::kName;
    std::size_t literals_ = 0;
};

}  // namespace causeway
