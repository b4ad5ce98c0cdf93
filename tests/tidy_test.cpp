// Keeps the house in order: who may include whom, what decision code may not touch, and how large things may
// grow. Reads the source tree as text. Its limits are promises: mend the code, not the limit.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxFileLines = 600;
constexpr size_t kMaxFunctionLines = 70;
constexpr size_t kMaxLineColumns = 110;

struct SourceFile {
  std::string path;  // from the root of the tree, with '/'
  std::vector<std::string> lines;
};

std::vector<SourceFile> read_tree() {
  fs::path root = MAINSTAY_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const char* top : {"schema", "gitsync", "reconciler", "nodeagent", "cli", "tests"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp")) continue;
      SourceFile file{fs::relative(entry.path(), root).generic_string(), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return files;
}

const std::vector<SourceFile>& tree() {
  static const std::vector<SourceFile> files = read_tree();
  return files;
}

// The folder that the rules of section 4 of the design speak of.
std::string layer_of(const std::string& path) {
  static const char* kLayers[] = {"schema/",           "gitsync/",           "reconciler/store/",
                                  "reconciler/plan/",  "reconciler/control/", "reconciler/sched/",
                                  "reconciler/core/",  "reconciler/api/",    "nodeagent/",
                                  "cli/",              "tests/"};
  for (std::string layer : kLayers) {
    if (path.starts_with(layer)) return layer.substr(0, layer.size() - 1);
  }
  return "";
}

const std::map<std::string, std::set<std::string>>& allowed_layers() {
  static const std::map<std::string, std::set<std::string>> allowed = {
      {"schema", {}},
      {"gitsync", {"schema"}},
      {"reconciler/store", {"schema"}},
      {"reconciler/plan", {"schema", "reconciler/store"}},
      {"reconciler/control", {"schema", "reconciler/store"}},
      {"reconciler/sched", {"schema", "reconciler/store"}},
      {"reconciler/core",
       {"schema", "reconciler/store", "reconciler/plan", "reconciler/control", "reconciler/sched"}},
      {"reconciler/api",
       {"schema", "reconciler/store", "reconciler/plan", "reconciler/control", "reconciler/sched",
        "reconciler/core"}},
      {"nodeagent", {"schema"}},
  };
  return allowed;
}

// The target of an #include line; "" if it is none. `quoted` tells "x" from <x>.
std::string include_of(const std::string& line, bool& quoted) {
  if (!line.starts_with("#include")) return "";
  static const std::regex pattern(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::smatch match;
  if (!std::regex_search(line, match, pattern)) return "";
  quoted = match[1] == "\"";
  return match[2];
}

std::string report(const std::vector<std::string>& found) {
  std::string out;
  for (const std::string& line : found) out += "\n  " + line;
  return out;
}

// Code that decides: a function of its arguments. The files named here are its edges, each owns one outside thing.
bool is_decision_code(const std::string& path) {
  static const char* kEdges[] = {
      "schema/base/", "reconciler/store/sqlite", "reconciler/store/journal", "reconciler/store/memory_journal",
      "reconciler/store/secret", "reconciler/store/data_dir", "reconciler/store/private_file", "reconciler/store/backup",
      "reconciler/store/load", "reconciler/core/core_loop"};
  for (const char* edge : kEdges) {
    if (path.starts_with(edge)) return false;
  }
  return path.starts_with("schema/") || path.starts_with("reconciler/store/") ||
         path.starts_with("reconciler/plan/") || path.starts_with("reconciler/control/") ||
         path.starts_with("reconciler/sched/") || path.starts_with("reconciler/core/");
}

std::string without_comment(const std::string& line) {
  size_t at = line.find("//");
  return at == std::string::npos ? line : line.substr(0, at);
}

}  // namespace

TEST_CASE("a folder includes only the folders below it") {
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    auto rule = allowed_layers().find(layer_of(file.path));
    if (rule == allowed_layers().end()) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool quoted = false;
      std::string target = include_of(file.lines[i], quoted);
      if (target.empty() || !quoted) continue;
      std::string layer = layer_of(target);
      if (layer != rule->first && rule->second.count(layer) == 0) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + " includes " + target);
      }
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("third-party headers stay inside a few source files") {
  static const char* kThirdParty[] = {"nlohmann/", "httplib.h", "yaml-cpp/", "yaml.h", "git2.h", "sqlite3.h",
                                      "curl/", "simdjson.h", "spdlog/", "archive.h", "archive_entry.h",
                                      "nftables/", "openssl/", "prometheus/", "CLI/", "CLI11", "ldns/"};
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (!file.path.ends_with(".h") || file.path.starts_with("tests/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool quoted = false;
      std::string target = include_of(file.lines[i], quoted);
      for (std::string banned : kThirdParty) {
        if (!target.starts_with(banned)) continue;
        found.push_back(file.path + ":" + std::to_string(i + 1) + " includes " + target);
      }
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("decision code reads no clock, thread, file, socket or random device") {
  static const char* kBanned[] = {"_clock::now", "read_clock", "std::thread", "std::jthread", "random_device",
                                  "random_bytes", " rand(", "time(nullptr", "time(NULL", "std::ifstream",
                                  "std::ofstream", "std::fstream", "fopen(", " ::open(", " ::socket(", "getenv(",
                                  "std::async", "sleep_for"};
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (!is_decision_code(file.path)) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::string code = without_comment(file.lines[i]);
      bool banned = std::any_of(std::begin(kBanned), std::end(kBanned),
                                [&](const char* word) { return code.find(word) != std::string::npos; });
      if (banned) found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + file.lines[i]);
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("files and lines keep their size") {
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (file.lines.size() > kMaxFileLines) {
      found.push_back(file.path + " has " + std::to_string(file.lines.size()) +
                      " lines: give part of it a file of its own");
    }
    for (size_t i = 0; i < file.lines.size(); ++i) {
      // A literal that must not be broken is no reason for a wide line elsewhere.
      bool literal = file.lines[i].find('"') != std::string::npos;
      if (file.lines[i].size() > kMaxLineColumns + (literal ? 40 : 10)) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + " is " +
                        std::to_string(file.lines[i].size()) + " columns wide");
      }
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("functions fit on a screen") {
  // A body opens with a line at column 0 that ends in '{' and closes with '}' at column 0; tables, namespaces
  // and types do not count.
  static const std::regex not_a_function(
      "^(namespace|struct|class|enum|union|extern|template|constexpr|constinit|const|static const|"
      "inline constexpr|using|typedef|#|//)");
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (file.path.starts_with("tests/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (line.empty() || line[0] == ' ' || line[0] == '}' || !line.ends_with("{")) continue;
      if (std::regex_search(line, not_a_function)) continue;
      size_t end = i + 1;
      while (end < file.lines.size() && (file.lines[end].empty() || file.lines[end][0] != '}')) ++end;
      if (end - i > kMaxFunctionLines + 1) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + " has " + std::to_string(end - i - 1) +
                        " lines: " + line);
      }
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("a type's name is defined in one place") {
  // Two inline types of one name and namespace are one type to the linker, and memory is lost where they differ.
  static const std::regex opened(R"(^namespace ?([a-z_:]*) ?\{)");
  static const std::regex defined(R"(^(struct|class|enum class) (\w+)( final)?( : [^{]*)? \{)");
  std::map<std::string, std::set<std::string>> places;
  for (const SourceFile& file : tree()) {
    if (file.path.starts_with("tests/")) continue;
    std::vector<std::string> inside;
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (line.starts_with("namespace") && std::regex_search(line, match, opened)) inside.push_back(match[1]);
      if (line.starts_with("}  // namespace") && !inside.empty()) inside.pop_back();
      bool anonymous = std::find(inside.begin(), inside.end(), "") != inside.end();
      bool may_define = line.starts_with("struct") || line.starts_with("class") || line.starts_with("enum");
      if (anonymous || inside.empty() || !may_define || !std::regex_search(line, match, defined)) continue;
      std::string name;
      for (const std::string& part : inside) name += part + "::";
      places[name + match[2].str()].insert(file.path);
    }
  }
  std::vector<std::string> found;
  for (const auto& [name, files] : places) {
    if (files.size() > 1) found.push_back(name + ": " + *files.begin() + " and " + *files.rbegin());
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("names say what a thing is, and nothing is left half done") {
  static const std::regex vague(R"((^|/)[a-z_]*(util|utils|common|helper|helpers|manager|misc)\.(h|cpp)$)");
  static const std::regex unfinished(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (std::regex_search(file.path, vague)) found.push_back(file.path + ": a name that says nothing");
    if (file.path == "tests/tidy_test.cpp") continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      bool suspicious = file.lines[i].find("TODO") + 1 || file.lines[i].find("FIXME") + 1 ||
                        file.lines[i].find("XXX") + 1 || file.lines[i].find("HACK") + 1;
      if (suspicious && std::regex_search(file.lines[i], unfinished)) {
        found.push_back(file.path + ":" + std::to_string(i + 1) + ": " + file.lines[i]);
      }
    }
  }
  INFO(report(found));
  REQUIRE(found.empty());
}

TEST_CASE("headers say what they are, once") {
  std::vector<std::string> found;
  for (const SourceFile& file : tree()) {
    if (!file.path.ends_with(".h")) continue;
    bool once = std::any_of(file.lines.begin(), file.lines.end(),
                            [](auto& line) { return line == "#pragma once"; });
    if (!once) found.push_back(file.path + ": no #pragma once");
    if (file.lines.empty() || !file.lines[0].starts_with("//")) found.push_back(file.path + ": opens without a comment");
  }
  INFO(report(found));
  REQUIRE(found.empty());
}
