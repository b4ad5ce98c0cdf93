#include "tests/bench/repository.h"

#include <algorithm>

#include "cli/source_link.h"
#include "gitsync/libgit2_source.h"
#include "schema/base/clock.h"
#include "tests/bench/benchmark.h"
#include "tests/support/processes.h"

namespace mainstay::bench {
namespace {

// Text that neither compresses nor repeats more than configuration does.
std::string filler(size_t seed, size_t lines) {
  std::string out;
  for (size_t i = 0; i < lines; ++i) {
    out += "  setting-" + std::to_string(i) + ": \"" + std::to_string((seed * 2654435761 + i * 40503) % 1000000007) +
           " of the settings that a service reads at its start\"\n";
  }
  return out;
}

std::string name_of(size_t index) { return "item-" + std::to_string(index); }
std::string path_of(size_t index) {
  return "team-" + std::to_string(index / 100) + "/" + name_of(index) + ".yaml";
}

std::string config_map(size_t index, int edition) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name_of(index) +
         "\n  labels:\n    app.kubernetes.io/part-of: bench\ndata:\n  edition: \"" + std::to_string(edition) + "\"\n" +
         filler(index, 18);
}

bool is_deployment(size_t index) { return index % 4 == 3; }

std::string quoted_data(const std::string& bytes) {
  return "data " + std::to_string(bytes.size()) + "\n" + bytes + "\n";
}

// Passes everything through and keeps the account.
class CountedSource : public GitSource {
 private:
  template <typename Call>
  auto timed(Call call) {
    MonoTime begin = read_clock().mono;
    Duration cpu = process_cpu();
    auto out = call();
    cost.cpu += process_cpu() - cpu;
    cost.wall += read_clock().mono - begin;
    return out;
  }

 public:
  explicit CountedSource(std::unique_ptr<GitSource> real) : real_(std::move(real)) {}

  Result<RefTip> tip() override {
    ++cost.tips;
    return timed([&] { return real_->tip(); });
  }
  Status fetch(const CommitId& commit) override {
    ++cost.fetches;
    return timed([&] { return real_->fetch(commit); });
  }
  Result<CommitInfo> commit_info(const CommitId& commit) override {
    ++cost.reads;
    return real_->commit_info(commit);
  }
  Result<Listing> list_tree(const CommitId& commit, const FileSelection& selection) override {
    ++cost.reads;
    return real_->list_tree(commit, selection);
  }
  Result<TreeChanges> changed_files(const ListedTree& older, const CommitId& newer,
                                    const FileSelection& selection) override {
    ++cost.reads;
    return real_->changed_files(older, newer, selection);
  }
  Result<std::string> read_blob(const BlobId& blob) override {
    ++cost.reads;
    return real_->read_blob(blob);
  }
  Result<bool> is_ancestor(const CommitId& older, const CommitId& newer) override {
    ++cost.reads;
    return real_->is_ancestor(older, newer);
  }
  void interrupt() override { real_->interrupt(); }

  SourceCost cost;

 private:
  std::unique_ptr<GitSource> real_;
};

}  // namespace

std::string deployment_manifest(const std::string& name, size_t replicas) {
  std::string labels = "app: " + name;
  return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name +
         "\nspec:\n  replicas: " + std::to_string(replicas) + "\n  selector:\n    matchLabels: {" + labels +
         "}\n  template:\n    metadata:\n      labels: {" + labels +
         "}\n    spec:\n      containers:\n      - name: main\n        image: registry.example/service:1.2.3\n"
         "        args: [\"--listen\", \":8080\"]\n        ports:\n        - containerPort: 8080\n"
         "        env:\n        - name: LEVEL\n          value: info\n"
         "        resources:\n          requests: {cpu: 10m, memory: 16Mi}\n          limits: {memory: 64Mi}\n";
}

Files manifest_tree(size_t count) {
  Files files;
  files.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    std::string text = config_map(i, 0);
    if (is_deployment(i)) text = deployment_manifest(name_of(i), 0);
    files.emplace_back(path_of(i), std::move(text));
  }
  return files;
}

std::pair<std::string, std::string> changed_config_map(size_t index, int edition) {
  if (is_deployment(index)) --index;
  return {path_of(index), config_map(index, edition)};
}

Result<Repository> Repository::create(const std::string& path) {
  test::RunResult made = test::run({"git", "init", "-q", "--bare", "-b", "main", path});
  if (made.code != 0) return failed("git init: " + made.output);
  return Repository(path);
}

Result<std::string> Repository::commit(const Files& files) {
  std::string stream = "commit refs/heads/main\ncommitter Bench <bench@example.com> " +
                       std::to_string(1'700'000'000 + commits_) + " +0000\n" +
                       quoted_data("edition " + std::to_string(commits_));
  if (commits_ > 0) stream += "from refs/heads/main^0\n";
  for (const auto& [path, bytes] : files) stream += "M 100644 inline " + path + "\n" + quoted_data(bytes);
  stream += "done\n";
  test::RunResult done = test::run({"git", "-C", path_, "fast-import", "--quiet", "--done"}, stream);
  if (done.code != 0) return failed("git fast-import: " + done.output);
  ++commits_;
  test::RunResult id = test::run({"git", "-C", path_, "rev-parse", "refs/heads/main"});
  if (id.code != 0) return failed("git rev-parse: " + id.output);
  while (id.output.ends_with('\n')) id.output.pop_back();
  return id.output;
}

struct Reading::State {
  std::unique_ptr<CountedSource> source;
  std::unique_ptr<SourceReader> reader;
};

Reading::Reading() : state_(std::make_unique<State>()) {}
Reading::~Reading() = default;

Result<std::unique_ptr<Reading>> Reading::open(const Repository& repository, const std::string& mirrors) {
  SourceSpec spec;
  spec.url = "file://" + repository.path();
  spec.ref = {RefChoice::Kind::kBranch, "main"};
  ASSIGN_OR_RETURN(std::unique_ptr<GitSource> real, make_libgit2_source(spec, mirrors));
  ASSIGN_OR_RETURN(FileSelection selection, FileSelection::create({}));
  std::unique_ptr<Reading> out(new Reading);
  out->state_->source = std::make_unique<CountedSource>(std::move(real));
  // Two threads decode, as in the daemon.
  out->state_->reader =
      std::make_unique<SourceReader>("root", *out->state_->source, std::move(selection), ManifestRules{}, 2);
  return out;
}

Result<std::optional<SourceNews>> Reading::poll() {
  std::optional<SourceReport> report = state_->reader->poll();
  if (!report) return std::optional<SourceNews>();
  SourceNews news = news_of(*report);
  if (news.set) return std::optional<SourceNews>(std::move(news));
  std::string why = news.trouble;
  for (const std::string& mistake : news.mistakes) why += (why.empty() ? "" : "; ") + mistake;
  return failed("the repository was not accepted: " + why.substr(0, 500));
}

const SourceCost& Reading::cost() const { return state_->source->cost; }

}  // namespace mainstay::bench
