// SPDX-License-Identifier: Apache-2.0
#include "dataplane/acl_list.h"

#include <rte_errno.h>
#include <rte_vect.h>

#include <array>
#include <atomic>
#include <cstring>
#include <iterator>
#include <string>

#include "acl/validate.h"

namespace causeway {
namespace {

// Fields of a rule, by number, of either family: protocol, source and destination (in words), two
// ports, shape with DSCP, flags, and the names of source and destination, which only lists have
// that ask for them. rte_acl wants one byte first and then groups of four.
template <class Family>
struct Fields {
    using Layout = AclLayout<Family>;
    static constexpr std::uint8_t kWords = sizeof(typename Layout::Address) / 4;
    static constexpr std::uint8_t kSource = 1;
    static constexpr std::uint8_t kDestination = kSource + kWords;
    static constexpr std::uint8_t kSourcePort = kDestination + kWords;
    static constexpr std::uint8_t kDestinationPort = kSourcePort + 1;
    static constexpr std::uint8_t kShape = kDestinationPort + 1;
    static constexpr std::uint8_t kFlags = kShape + 1;
    static constexpr std::uint8_t kNames = kFlags + 1;
    static constexpr std::uint8_t kCount = kNames + 2;
};

enum class AclNameFields : std::uint8_t { kAbsent, kPresent };

template <class Family>
rte_acl_config configuration(AclNameFields names) {
    using F = Fields<Family>;
    using Layout = AclLayout<Family>;
    rte_acl_config config{};
    config.num_categories = 1;
    std::uint8_t group = 0;
    std::uint8_t field = 0;
    const auto add = [&](std::uint8_t type, std::uint8_t bytes, std::size_t offset,
                         std::uint8_t of_group) {
        config.defs[field] = {.type = type,
                              .size = bytes,
                              .field_index = field,
                              .input_index = of_group,
                              .offset = static_cast<std::uint32_t>(offset)};
        ++field;
    };
    add(RTE_ACL_FIELD_TYPE_BITMASK, 1, Layout::kProtocol, group++);
    for (std::size_t word = 0; word < 2U * F::kWords; ++word) {
        add(RTE_ACL_FIELD_TYPE_MASK, 4, Layout::kSource + 4 * word, group++);
    }
    add(RTE_ACL_FIELD_TYPE_RANGE, 2, Layout::kPorts, group);
    add(RTE_ACL_FIELD_TYPE_RANGE, 2, Layout::kPorts + 2, group++);
    add(RTE_ACL_FIELD_TYPE_BITMASK, 4, 0, group++);
    add(RTE_ACL_FIELD_TYPE_BITMASK, 4, kAclFlagsGroup<Family>, group++);
    if (names == AclNameFields::kPresent) {
        add(RTE_ACL_FIELD_TYPE_BITMASK, 4, kAclNames<Family>, group++);
        add(RTE_ACL_FIELD_TYPE_BITMASK, 4, kAclNames<Family> + 4, group);
    }
    config.num_fields = field;
    return config;
}

template <std::uint8_t kFields>
struct Rule {
    rte_acl_rule_data data;
    rte_acl_field field[kFields];
};
static_assert(sizeof(Rule<7>) == RTE_ACL_RULE_SZ(7));

void set_bits(rte_acl_field& field, std::uint32_t value, std::uint32_t mask) {
    field.value.u32 = value;
    field.mask_range.u32 = mask;
}
void set_range(rte_acl_field& field, const PortRange& range) {
    field.value.u16 = range.first;
    field.mask_range.u16 = range.last;
}
// The words of a prefix, each with as much of its length as falls to it.
template <class PrefixT>
void set_prefix(rte_acl_field* field, const PrefixT& prefix) {
    constexpr int kWords = PrefixT::kLengthMax / 32;
    for (int word = 0; word < kWords; ++word) {
        const int shift = 32 * (kWords - 1 - word);
        const auto value = static_cast<std::uint32_t>(prefix.address().value() >> shift);
        const int length = std::clamp(prefix.length() - 32 * word, 0, 32);
        set_bits(field[word], value, static_cast<std::uint32_t>(length));
    }
}

// The first four bytes of an image, in network order.
template <class Family>
constexpr std::uint32_t first_word(std::uint8_t shape, std::uint8_t dscp) {
    return std::uint32_t{shape} << 24 | std::uint32_t{dscp} << AclLayout<Family>::kDscpShift;
}

template <class Family>
Rule<Fields<Family>::kCount> rule_of(const AclEntry<typename AclLayout<Family>::Address>& entry) {
    using F = Fields<Family>;
    Rule<F::kCount> rule{};
    // The greatest priority wins, and result 0 says that nothing matched.
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - entry.rule);
    rule.data.userdata = entry.rule + 1;
    set_bits(rule.field[0], entry.protocol.value, entry.protocol.mask);
    set_prefix(&rule.field[F::kSource], entry.source);
    set_prefix(&rule.field[F::kDestination], entry.destination);
    set_range(rule.field[F::kSourcePort], entry.source_ports);
    set_range(rule.field[F::kDestinationPort], entry.destination_ports);
    set_bits(rule.field[F::kShape], first_word<Family>(entry.shape.value, entry.dscp.value),
             first_word<Family>(entry.shape.mask, entry.dscp.mask));
    set_bits(rule.field[F::kFlags], std::uint32_t{entry.flags.value} << 16,
             std::uint32_t{entry.flags.mask} << 16);
    set_bits(rule.field[F::kNames], entry.source_names, entry.source_names);
    set_bits(rule.field[F::kNames + 1], entry.destination_names, entry.destination_names);
    return rule;
}

// What a prefix wants of the n-th two bytes of an address.
template <class PrefixT>
ValueSet wish_of_chunk(const PrefixT& prefix, std::size_t n) {
    constexpr int kBits = 16;
    const int before = kBits * static_cast<int>(n);
    const int shift = PrefixT::kLengthMax - kBits - before;
    const auto first = static_cast<std::uint16_t>(prefix.address().value() >> shift);
    const int length = std::clamp(prefix.length() - before, 0, kBits);
    return {.first = first, .last = static_cast<std::uint16_t>(first | 0xffff >> length)};
}

struct Method {
    enum rte_acl_classify_alg algorithm;
    unsigned bits;  // of SIMD width, as EAL must allow it
    std::string_view name;
};
constexpr std::array kMethods{
    Method{RTE_ACL_CLASSIFY_AVX512X32, 512, "avx512x32"},
    Method{RTE_ACL_CLASSIFY_AVX512X16, 256, "avx512x16"},
    Method{RTE_ACL_CLASSIFY_AVX2, 256, "avx2"},
    Method{RTE_ACL_CLASSIFY_SSE, 128, "sse"},
    Method{RTE_ACL_CLASSIFY_SCALAR, 0, "scalar"},
};

// Gives a context the best that this machine and EAL allow.
const Method& choose_method(rte_acl_ctx* context) {
    for (const Method& method : kMethods) {
        if (rte_vect_get_max_simd_bitwidth() < method.bits) continue;
        if (rte_acl_set_ctx_classify(context, method.algorithm) == 0) return method;
    }
    return kMethods.back();
}

// DPDK's names are of the whole process, and lists may be built on any thread.
std::string unique_name(const char* family) {
    static std::atomic<unsigned> count{0};
    return "acl" + std::to_string(count++) + family;
}

Unexpected out_of_memory(std::string_view list, int error) {
    return Unexpected(ErrorCode::kUnavailable,
                      "no memory for list " + std::string(list) + ": " + std::strerror(error));
}

}  // namespace

// The fields of an entry are those of rule_of(), in the order of their bytes.
template <class Family>
std::unique_ptr<const ClassTables> AclList::build_tables(const Entries<Family>& entries) {
    using Layout = AclLayout<Family>;
    using Width = ClassTables::Field::Width;
    constexpr std::uint16_t kResultsMax = 0xffff;
    if (entries.size() > ClassTables::kEntriesMax || entries.back().rule >= kResultsMax ||
        ask_names(entries)) {
        return nullptr;
    }
    std::vector<ClassTables::Field> fields;
    const auto add = [&](std::size_t byte, Width width, auto&& wish_of) {
        fields.push_back({.byte = static_cast<std::uint8_t>(byte), .width = width, .wanted = {}});
        std::ranges::transform(entries, std::back_inserter(fields.back().wanted), wish_of);
    };
    const auto add_prefix = [&](std::size_t byte, auto prefix_of) {
        for (std::size_t chunk = 0; chunk < sizeof(typename Layout::Address) / 2; ++chunk) {
            add(byte + 2 * chunk, Width::kTwoBytes,
                [=](const auto& entry) { return wish_of_chunk(entry.*prefix_of, chunk); });
        }
    };
    const auto add_ports = [&](std::size_t byte, auto ports_of) {
        add(byte, Width::kTwoBytes, [=](const auto& entry) {
            const PortRange& ports = entry.*ports_of;
            return ValueSet{.first = ports.first, .last = ports.last};
        });
    };
    const auto add_bits = [&](std::size_t byte, auto bits_of) {
        add(byte, Width::kByte, [=](const auto& entry) {
            const BitMatch& match = entry.*bits_of;
            return ValueSet{.bits = match.value, .mask = match.mask};
        });
    };
    using Entry = AclEntry<typename Layout::Address>;
    add(0, Width::kTwoBytes, [](const Entry& entry) {
        const auto first_two = [](std::uint8_t shape, std::uint8_t dscp) {
            return static_cast<std::uint16_t>(first_word<Family>(shape, dscp) >> 16);
        };
        return ValueSet{.bits = first_two(entry.shape.value, entry.dscp.value),
                        .mask = first_two(entry.shape.mask, entry.dscp.mask)};
    });
    add_bits(Layout::kProtocol, &Entry::protocol);
    add_prefix(Layout::kSource, &Entry::source);
    add_prefix(Layout::kSource + sizeof(typename Layout::Address), &Entry::destination);
    add_ports(Layout::kPorts, &Entry::source_ports);
    add_ports(Layout::kPorts + 2, &Entry::destination_ports);
    add_bits(kAclFlagsGroup<Family> + 1, &Entry::flags);
    std::vector<std::uint16_t> results;
    for (const Entry& entry : entries) {
        results.push_back(static_cast<std::uint16_t>(entry.rule + 1));
    }
    return ClassTables::build(fields, results);
}

template <class Family>
Result<AclList::Context> AclList::build_trie(std::string_view list,
                                             const Entries<Family>& entries) {
    const AclNameFields names =
        ask_names(entries) ? AclNameFields::kPresent : AclNameFields::kAbsent;
    const std::string name = unique_name(std::is_same_v<Family, Ipv4> ? "v4" : "v6");
    const rte_acl_param parameters{
        .name = name.c_str(),
        .socket_id = -1,
        .rule_size = static_cast<std::uint32_t>(RTE_ACL_RULE_SZ(Fields<Family>::kCount)),
        .max_rule_num = static_cast<std::uint32_t>(entries.size())};
    Context context(rte_acl_create(&parameters));
    if (context == nullptr) return out_of_memory(list, rte_errno);
    for (const auto& entry : entries) {
        const auto rule = rule_of<Family>(entry);
        const int added =
            rte_acl_add_rules(context.get(), reinterpret_cast<const rte_acl_rule*>(&rule), 1);
        CHECK(added == 0);  // there is room, and no field is out of its range
    }
    const rte_acl_config config = configuration<Family>(names);
    if (const int built = rte_acl_build(context.get(), &config); built != 0) {
        return out_of_memory(list, -built);
    }
    choose_method(context.get());
    return context;
}

template <class Family>
Result<AclList::Classifier> AclList::build_classifier(std::string_view list,
                                                      const Entries<Family>& entries,
                                                      AclEngine engine) {
    Classifier classifier;
    if (entries.empty()) return classifier;
    if (engine == AclEngine::kBest) classifier.tables = build_tables<Family>(entries);
    if (classifier.tables != nullptr) return classifier;
    auto trie = build_trie<Family>(list, entries);
    if (!trie) return Unexpected(trie.error());
    classifier.trie = std::move(trie).value();
    return classifier;
}

Result<std::unique_ptr<const AclList>> AclList::build(const Acl& acl, const AclSets& sets,
                                                      std::span<const RuleCounterId> counters,
                                                      AclEngine engine) {
    CHECK(counters.size() == acl.rules.size() + 1);
    if (const Status status = validate(acl, sets); !status) return Unexpected(status.error());
    const auto entries = compile(acl, sets);
    if (!entries) return Unexpected(entries.error());
    std::unique_ptr<AclList> list(new AclList);
    auto ipv4 = build_classifier<Ipv4>(acl.name, entries->ipv4, engine);
    if (!ipv4) return Unexpected(ipv4.error());
    list->ipv4_ = std::move(ipv4).value();
    auto ipv6 = build_classifier<Ipv6>(acl.name, entries->ipv6, engine);
    if (!ipv6) return Unexpected(ipv6.error());
    list->ipv6_ = std::move(ipv6).value();
    list->asks_names_ = std::ranges::any_of(acl.rules, &causeway::asks_names);

    static constexpr std::array kExitOf{Exit::kNone, Exit::kAclDenied, Exit::kAclProhibited};
    const auto add = [&](const AclAction& action, RuleCounterId counter) {
        const auto target = sets.targets.find(action.steer);
        const AclOutcome outcome{
            .counter = counter,
            .log_one_in = action.log_one_in,
            .steer = target == sets.targets.end() ? SteerGroups() : target->second,
            .exit = kExitOf[static_cast<std::size_t>(action.verdict)],
            .mark_dscp = action.mark_dscp.value_or(AclOutcome::kNoMark)};
        if (outcome.extras() == AclExtras::kSome) list->extras_ = AclExtras::kSome;
        list->outcomes_.push_back(outcome);
    };
    list->outcomes_.reserve(counters.size());
    add(acl.otherwise, counters.back());
    for (std::size_t i = 0; i < acl.rules.size(); ++i) add(acl.rules[i].action, counters[i]);
    return std::unique_ptr<const AclList>(std::move(list));
}

std::string_view acl_classify_method() noexcept {
    static const std::string_view kName = [] {
        const std::string name = unique_name("probe");
        const rte_acl_param parameters{.name = name.c_str(),
                                       .socket_id = -1,
                                       .rule_size = RTE_ACL_RULE_SZ(1),
                                       .max_rule_num = 1};
        std::unique_ptr<rte_acl_ctx, Deleter<rte_acl_free>> context(rte_acl_create(&parameters));
        return context == nullptr ? std::string_view("none") : choose_method(context.get()).name;
    }();
    return kName;
}

}  // namespace causeway
