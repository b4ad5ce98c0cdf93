#include "cli/offline_commands.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/agent_app.h"
#include "cli/output.h"
#include "gitsync/libgit2_source.h"
#include "gitsync/local_revision.h"
#include "gitsync/local_tree.h"
#include "gitsync/worker.h"
#include "nodeagent/images/image_store.h"
#include "reconciler/plan/apply.h"
#include "reconciler/plan/plan.h"
#include "reconciler/store/audit.h"
#include "reconciler/store/backup.h"
#include "reconciler/store/sqlite_journal.h"
#include "schema/base/clock.h"
#include "schema/base/crypto.h"
#include "schema/defaults.h"
#include "schema/yaml.h"
#include "schema/json.h"

namespace mainstay {
namespace {

namespace fs = std::filesystem;

// A folder of its own that is gone at the end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "mainstay-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct ReadCommit {
  std::string id;
  std::vector<CommitId> parents;
  Trailers trailers;
  DesiredSetPtr set;     // of a refused commit the part that is right in itself; may be null then
  Diagnostics mistakes;  // with errors if it is refused
};

Error refusal_of(const std::string& commit, const Diagnostics& mistakes) {
  return error(ErrorCode::kInvalid, commit + " would be refused:\n" + mistakes.render());
}

bool is_local(const std::string& repo) { return repo.find(':') == std::string::npos; }

Result<ReadCommit> read_revision(const PlanOptions& options, const std::string& named, const std::string& cache) {
  SourceSpec spec;
  std::error_code failed_path;
  std::string revision = named;
  if (is_local(options.repo)) {
    ASSIGN_OR_RETURN(CommitId commit, local_revision(options.repo, named));
    revision = commit.text();
    spec.url = fs::weakly_canonical(options.repo, failed_path).string();
  } else {
    spec.url = options.repo;
  }
  bool is_commit = CommitId::parse(revision).has_value();
  spec.ref = {is_commit ? RefChoice::Kind::kCommit : RefChoice::Kind::kRevision, revision};
  ASSIGN_OR_RETURN(auto source, make_libgit2_source(spec, cache));
  FileRules rules;
  rules.path = options.path;
  ASSIGN_OR_RETURN(FileSelection selection, FileSelection::create(rules));
  ManifestRules manifests;
  manifests.default_namespace = options.destination_namespace;
  manifests.unknown_fields = options.warn_only ? UnknownFields::kWarn : UnknownFields::kError;
  SourceReader reader("plan", *source, selection, manifests, 2);
  std::optional<SourceReport> report = reader.poll();
  if (!report) return failed("nothing could be read");
  const bool refused = report->diagnostics.has_errors();
  if (!report->commit || (!report->set && !refused)) return error(ErrorCode::kInvalid, report->trouble);
  return ReadCommit{report->commit->id.text(), report->commit->parents, report->commit->trailers,
                    refused ? report->readable : report->set, std::move(report->diagnostics)};
}

// A cluster as it is before the first commit.
Snapshot bare_cluster(const Now& now, Rng& rng) {
  Transaction txn(Snapshot{}, now, rng);
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    Object ns = make_object<Namespace>("", name);
    apply_defaults(ns);
    txn.create(std::move(ns)).ok();
  }
  return txn.view();
}

// A cluster that was bare before that commit.
Result<Snapshot> cluster_at(const ReadCommit& from) {
  Now now = read_clock();
  Rng rng(1);
  Transaction txn(bare_cluster(now, rng), now, rng);
  PlanInput first{"plan", "", from.id, *from.set, nullptr, txn.view()};
  Plan base = make_plan(first);
  if (!base.acceptable()) return refusal_of(from.id, base.changes.mistakes);
  Result<Applied> applied = apply_plan(txn, base);
  if (!applied.ok()) return applied.error();
  return txn.view();
}

// Of a commit that its reader refuses: what it found, and what the objects of the commit before say against the rest.
Diagnostics all_mistakes(const ReadCommit& from, const ReadCommit& to) {
  Diagnostics all = to.mistakes;
  Result<Snapshot> live = cluster_at(from);
  if (live.ok() && to.set) all.append(diff({*to.set, from.set.get(), *live}).mistakes);
  return all;
}

Result<Plan> plan_between(const ReadCommit& from, const ReadCommit& to) {
  ASSIGN_OR_RETURN(Snapshot live, cluster_at(from));
  PlanInput second{"plan", from.id, to.id, *to.set, from.set.get(), live};
  second.acknowledged_count = prune_trailer(to.trailers);
  return make_plan(second);
}

void print_plan(const Plan& plan, const std::string& output) {
  std::string text = output == "json"       ? to_json(plan_json(plan)) + "\n"
                     : output == "markdown" ? plan_markdown(plan)
                                            : plan_text(plan);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

Result<std::string> read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return error(ErrorCode::kNotFound, "cannot read " + path.string());
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Each folder as a tree of its own, the files that are named as one together.
Result<std::vector<LocalTree>> read_local(const std::vector<std::string>& paths, const ManifestRules& rules) {
  std::vector<std::string> files;
  std::vector<LocalTree> out;
  for (const std::string& path : paths) {
    if (!fs::exists(path)) return error(ErrorCode::kNotFound, "there is no " + path);
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    ASSIGN_OR_RETURN(LocalTree tree, read_folder(path, rules));
    out.push_back(std::move(tree));
  }
  ASSIGN_OR_RETURN(LocalTree tree, read_files(files, rules));
  out.push_back(std::move(tree));
  return out;
}

Value findings_value(const Diagnostics& all) {
  Value out = Value::list();
  for (const Diagnostic& found : all.all()) {
    Value row = mistake_json(found);
    row.set("severity", found.severity == Severity::kError ? "error" : "warning");
    out.push(std::move(row));
  }
  return out;
}

Value images_value(const std::vector<Image>& images) {
  Value out = Value::list();
  for (const Image& image : images) {
    Value one = Value::map();
    one.set("name", image.name);
    one.set("id", image.id);
    one.set("digest", image.digest);
    one.set("bytes", static_cast<int64_t>(image.bytes));
    out.push(std::move(one));
  }
  return out;
}

NodePaths image_paths(const std::string& data_dir) {
  NodePaths paths;
  paths.data_dir = data_dir;
  paths.run_dir = default_run_dir(data_dir);
  return paths;
}

// A node's own store; looking at one that is not there must not make it.
Result<std::unique_ptr<Images>> open_images(const std::string& data_dir, bool may_make) {
  if (!may_make && !fs::exists(data_dir)) {
    return error(ErrorCode::kNotFound, "there is no " + data_dir + ": has an agent run here? (--data-dir)");
  }
  ImageStoreOptions options;
  options.paths = image_paths(data_dir);
  return open_image_store(options);
}

}  // namespace

int plan_command(const PlanOptions& options) {
  TempDir cache;
  Result<ReadCommit> to = read_revision(options, options.to, cache.path());
  if (!to.ok()) return complain(to.error());
  std::string from_name = options.from;
  if (from_name.empty() && !to->parents.empty()) from_name = to->parents.front().text();
  ReadCommit nothing;
  nothing.set = std::make_shared<DesiredSet>();
  Result<ReadCommit> from = nothing;
  if (!from_name.empty()) from = read_revision(options, from_name, cache.path());
  if (to->mistakes.has_errors()) {
    bool can_compare = from.ok() && !from->mistakes.has_errors();
    return complain(refusal_of(options.to, can_compare ? all_mistakes(*from, *to) : to->mistakes));
  }
  if (!from.ok()) return complain(from.error());
  if (from->mistakes.has_errors()) return complain(refusal_of(from_name, from->mistakes));
  Result<Plan> plan = plan_between(*from, *to);
  if (!plan.ok()) return complain(plan.error());
  print_plan(*plan, options.output);
  if (!plan->acceptable()) {
    std::fprintf(stderr, "%s", plan->changes.mistakes.render().c_str());
    return 1;
  }
  return plan->empty() && plan->guard.holds.empty() ? 0 : 2;
}

int validate_command(const std::vector<std::string>& paths, const std::string& destination_namespace,
                     const std::string& output) {
  ManifestRules rules;
  rules.default_namespace = destination_namespace;
  Result<std::vector<LocalTree>> trees = read_local(paths, rules);
  if (!trees.ok()) return complain(trees.error());
  Diagnostics all;
  size_t objects = 0, files = 0;
  for (const LocalTree& tree : *trees) {
    all.append(tree.built.diagnostics);
    objects += tree.objects;
    files += tree.files;
  }
  int code = all.has_errors() ? 1 : 0;
  Value out = Value::map();
  out.set("valid", !all.has_errors());
  out.set("objects", static_cast<int64_t>(objects));
  out.set("files", static_cast<int64_t>(files));
  out.set("findings", findings_value(all));
  if (print_structured(out, output)) return code;
  std::fprintf(stderr, "%s", all.render().c_str());
  if (code == 0) std::printf("%zu objects in %zu files are valid\n", objects, files);
  return code;
}

int image_import_command(const std::string& archive, const std::string& name, const std::string& data_dir,
                         const std::string& output) {
  if (!fs::exists(archive)) return complain(error(ErrorCode::kNotFound, "there is no " + archive));
  Result<std::unique_ptr<Images>> images = open_images(data_dir, true);
  if (!images.ok()) return complain(images.error());
  Result<std::vector<Image>> imported = (*images)->import_archive(archive, name);
  if (!imported.ok()) return complain(imported.error());
  if (print_structured(images_value(*imported), output)) return 0;
  for (const Image& image : *imported) std::printf("%s %s\n", image.name.c_str(), image.id.c_str());
  return 0;
}

int image_list_command(const std::string& data_dir, const std::string& output) {
  Result<std::unique_ptr<Images>> images = open_images(data_dir, false);
  if (!images.ok()) return complain(images.error());
  Result<std::vector<Image>> list = (*images)->list();
  if (!list.ok()) return complain(list.error());
  if (print_structured(images_value(*list), output)) return 0;
  std::vector<std::vector<std::string>> rows = {{"NAME", "ID", "SIZE"}};
  for (const Image& image : *list) {
    char size[32];
    std::snprintf(size, sizeof(size), "%.1f MB", static_cast<double>(image.bytes) / 1e6);
    std::string id = image.id.substr(image.id.find(':') + 1, 12);
    rows.push_back({image.name, id, size});
  }
  print_columns(rows);
  return 0;
}

int audit_command(const std::string& data_dir, const std::string& output) {
  // A copy, so that a live database can be looked at without its lock.
  TempDir copy;
  std::string database = data_dir + "/" + std::string(kDatabaseFile);
  if (!fs::exists(database))
    return complain(error(ErrorCode::kNotFound, "there is no database at " + database));
  Status written = write_backup(database, "", copy.path() + "/" + std::string(kDatabaseFile));
  if (!written.ok()) return complain(written.error());
  std::error_code copied;
  fs::create_directories(copy.path() + "/pki", copied);
  fs::permissions(copy.path() + "/pki", fs::perms::owner_all, copied);
  fs::copy_file(data_dir + "/" + std::string(kSecretKeyFile), copy.path() + "/" + std::string(kSecretKeyFile),
                copied);
  SqliteJournalOptions options;
  options.data_dir = copy.path();
  Result<std::unique_ptr<SqliteJournal>> journal = SqliteJournal::open(std::move(options));
  if (!journal.ok()) return complain(journal.error());
  Result<Loaded> loaded = (*journal)->load();
  if (!loaded.ok()) return complain(loaded.error());
  std::vector<std::string> findings = audit(loaded->snapshot, AuditMoment::kAny);
  Value out = Value::map(), list = Value::list();
  for (const std::string& finding : findings) list.push(finding);
  out.set("version", static_cast<int64_t>(loaded->snapshot.version()));
  out.set("findings", std::move(list));
  if (print_structured(out, output)) return findings.empty() ? 0 : 1;
  for (const std::string& finding : findings) std::printf("%s\n", finding.c_str());
  if (findings.empty()) {
    std::printf("version %llu: every rule holds\n",
                static_cast<unsigned long long>(loaded->snapshot.version()));
  }
  return findings.empty() ? 0 : 1;
}

int backup_command(const std::string& data_dir, const std::string& file, const std::string& output) {
  std::string database = data_dir + "/" + std::string(kDatabaseFile);
  if (!fs::exists(database))
    return complain(error(ErrorCode::kNotFound, "there is no database at " + database));
  Status written = write_backup(database, "", file);
  if (!written.ok()) return complain(written.error());
  std::string key = data_dir + "/" + std::string(kSecretKeyFile);
  Value out = Value::map();
  out.set("file", file);
  out.set("keyFile", key);
  if (print_structured(out, output)) return 0;
  std::printf("%s is written; keep %s too, and apart from it: Secrets are encrypted with it\n", file.c_str(),
              key.c_str());
  return 0;
}

int restore_command(const std::string& data_dir, const std::string& file, const std::string& output) {
  if (!fs::exists(file)) return complain(error(ErrorCode::kNotFound, "there is no " + file));
  Result<Restored> restored = restore_backup(file, data_dir);
  if (!restored.ok()) return complain(restored.error());
  Value out = Value::map();
  out.set("version", static_cast<int64_t>(restored->version));
  out.set("epoch", static_cast<int64_t>(restored->epoch));
  out.set("kept", restored->kept);
  if (print_structured(out, output)) return 0;
  std::printf("restored to version %llu, epoch %llu\n", static_cast<unsigned long long>(restored->version),
              static_cast<unsigned long long>(restored->epoch));
  if (!restored->kept.empty()) std::printf("the database that was there is now %s\n", restored->kept.c_str());
  return 0;
}

int kubeconfig_command(const std::string& data_dir, const std::string& output) {
  std::string file = data_dir + "/kubeconfig";
  if (!fs::exists(file)) {
    return complain(error(ErrorCode::kNotFound, "there is no " + file + ": has the server been started? (--data-dir)"));
  }
  Result<std::string> text = read_whole(file);
  if (!text.ok()) return complain(text.error());
  if (output != "json") {
    std::printf("%s", text->c_str());
    return 0;
  }
  Diagnostics diagnostics(file);
  std::vector<Document> documents = parse_yaml(*text, diagnostics);
  if (documents.empty()) return complain(error(ErrorCode::kCorrupt, file + " is no kubeconfig"));
  print_structured(documents[0].root, output);
  return 0;
}

}  // namespace mainstay
