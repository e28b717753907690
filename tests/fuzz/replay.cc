// SPDX-License-Identifier: Apache-2.0
//
// A main for a fuzz target where there is no libFuzzer: runs every file of the corpus, then seeded
// random mutations of them. So each target runs in every build, with every compiler.
//
//   x_replay MUTATIONS CORPUS_FOLDER...
//
// A crash names its seed and its mutation: CAUSEWAY_SEED=seed repeats the run.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

// In the order of their names, so that a seed means the same everywhere.
std::vector<Input> read_corpus(std::span<char*> folders) {
    std::vector<std::filesystem::path> paths;
    for (const char* folder : folders) {
        const std::filesystem::directory_iterator files(folder);
        paths.insert(paths.end(), begin(files), end(files));
    }
    std::ranges::sort(paths);
    std::vector<Input> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return corpus;
}

class Mutator {
  public:
    Mutator(const std::vector<Input>& corpus, std::uint64_t seed)
        : corpus_(corpus), engine_(seed) {}

    // A file of the corpus after one to eight changes.
    Input next() {
        Input input = corpus_[below(corpus_.size())];
        for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(input);
        return input;
    }

  private:
    std::size_t below(std::size_t bound) { return engine_() % bound; }
    auto at(Input& input, std::size_t index) {
        return input.begin() + static_cast<std::ptrdiff_t>(index);
    }

    void change(Input& input) {
        const std::size_t where = below(input.size() + 1);
        if (where == input.size()) {
            input.push_back(static_cast<std::uint8_t>(engine_()));
            return;
        }
        switch (below(6)) {
            case 0:
                input[where] ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 1:
                input[where] = static_cast<std::uint8_t>(engine_());
                break;
            case 2:
                input[where] = below(2) == 0 ? 0x00 : 0xff;
                break;
            case 3:
                input.resize(where);
                break;
            case 4:
                input.erase(at(input, where));
                break;
            default:
                splice(input, where);
                break;
        }
    }

    // Overwrites or inserts a piece of another file.
    void splice(Input& input, std::size_t where) {
        const Input& other = corpus_[below(corpus_.size())];
        if (other.empty()) return;
        const std::size_t first = below(other.size());
        const std::size_t count = 1 + below(other.size() - first);
        const auto begin = other.begin() + static_cast<std::ptrdiff_t>(first);
        input.insert(at(input, where), begin, begin + static_cast<std::ptrdiff_t>(count));
    }

    const std::vector<Input>& corpus_;
    std::mt19937_64 engine_;
};

std::uint64_t choose_seed() {
    const char* const given = std::getenv("CAUSEWAY_SEED");
    return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s MUTATIONS CORPUS_FOLDER...\n", argv[0]);
        return 2;
    }
    const std::vector<Input> corpus =
        read_corpus(std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
    if (corpus.empty()) {
        std::fprintf(stderr, "%s: no file to begin with\n", argv[2]);
        return 1;
    }
    for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());

    const std::uint64_t seed = choose_seed();
    std::printf("%zu files replayed; CAUSEWAY_SEED=%llu\n", corpus.size(),
                static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    const unsigned long mutations = std::strtoul(argv[1], nullptr, 10);
    Mutator mutator(corpus, seed);
    for (unsigned long i = 0; i < mutations; ++i) {
        const Input input = mutator.next();
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%lu mutations\n", mutations);
    return 0;
}
