// The real source against real servers: local path, file://, git daemon, lighttpd with git http-backend.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "gitsync/libgit2_source.h"
#include "tests/support/git_fixture.h"

using namespace mainstay;
using namespace mainstay::test;

namespace {

SourceSpec spec_of(const std::string& url, RefChoice ref = {RefChoice::Kind::kBranch, "main"}) {
  SourceSpec spec;
  spec.url = url;
  spec.ref = std::move(ref);
  return spec;
}

std::unique_ptr<GitSource> open_source(const SourceSpec& spec, const std::string& mirrors) {
  auto source = make_libgit2_source(spec, mirrors);
  if (!source.ok()) FAIL(source.error().message);
  return std::move(source).value();
}

CommitId fetch_tip(GitSource& source) {
  Result<RefTip> tip = source.tip();
  if (!tip.ok()) FAIL(tip.error().message);
  REQUIRE(tip->state == RefTip::State::kFound);
  Status fetched = source.fetch(tip->commit);
  if (!fetched.ok()) FAIL(fetched.error().message);
  return tip->commit;
}

FileSelection all_files(const std::string& path = "") {
  return *FileSelection::create({.path = path, .include = {}, .exclude = {}, .recurse = true});
}

std::vector<std::string> paths_of(const Listing& listing) {
  std::vector<std::string> paths;
  for (const TreeFile& file : listing.files) paths.push_back(file.path);
  return paths;
}

std::string mirror_of(const std::string& mirrors) {
  for (const auto& entry : std::filesystem::directory_iterator(mirrors)) return entry.path();
  return "";
}

size_t packs_in(const std::string& mirrors) {
  size_t packs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(mirror_of(mirrors) + "/objects/pack")) {
    if (entry.path().extension() == ".pack") ++packs;
  }
  return packs;
}

// The whole story of a source over one address.
void check_address(GitRepo& repo, const SourceSpec& spec) {
  INFO(spec.url);
  TempDir mirrors;
  auto source = open_source(spec, mirrors.path());
  CommitId first = fetch_tip(*source);
  CHECK(first.text() == repo.head());
  Result<Listing> listing = source->list_tree(first, all_files("apps"));
  REQUIRE(listing.ok());
  REQUIRE(paths_of(*listing) == std::vector<std::string>{"apps/a.yaml", "apps/deep/b.yml"});
  CHECK(*source->read_blob(listing->files[0].blob) == "kind: A\n");

  repo.write("apps/a.yaml", "kind: A2\n");
  std::string second =
      repo.commit("Second\n\nWhy it was done.\n\nMainstay-Prune: 3\nSigned-off-by: Ann <a@b>");
  CommitId next = fetch_tip(*source);
  CHECK(next.text() == second);
  Result<CommitInfo> info = source->commit_info(next);
  REQUIRE(info.ok());
  CHECK(info->subject == "Second");
  CHECK(info->author_name == "Ann Author");
  CHECK(info->parents == std::vector<CommitId>{first});
  CHECK(info->trailers == Trailers{{"Mainstay-Prune", "3"}, {"Signed-off-by", "Ann <a@b>"}});
  CHECK(info->tree.text() == repo.git({"rev-parse", "HEAD^{tree}"}));
  Result<Listing> changed = source->list_tree(next, all_files("apps"));
  REQUIRE(changed.ok());
  CHECK(changed->files[0].blob != listing->files[0].blob);
  CHECK(changed->files[1].blob == listing->files[1].blob);
  CHECK(*source->is_ancestor(first, next));
  CHECK_FALSE(*source->is_ancestor(next, first));
  repo.git({"reset", "-q", "--hard", first.text()});
}

GitRepo& with_files(GitRepo& repo) {
  repo.commit_files({{"apps/a.yaml", "kind: A\n"},
                     {"apps/deep/b.yml", "kind: B\n"},
                     {"apps/README.md", "words"},
                     {"apps/.hidden/c.yaml", "kind: C\n"}},
                    "First");
  return repo;
}

}  // namespace

TEST_CASE("the changed files of two commits are the difference of their listings") {
  TempDir root, mirrors;
  GitRepo repo(root / "app.git");
  with_files(repo);
  auto source = open_source(spec_of(repo.path()), mirrors.path());
  const FileSelection selection =
      *FileSelection::create({.path = "apps", .include = {}, .exclude = {"skip/*"}, .recurse = true});
  CommitId older = fetch_tip(*source);
  auto check = [&](const std::map<std::string, std::string>& write, const std::vector<std::string>& remove) {
    for (const std::string& path : remove) repo.remove(path);
    CommitId base = older;
    repo.commit_files(write);
    CommitId newer = fetch_tip(*source);
    Listing before = *source->list_tree(base, selection), after = *source->list_tree(newer, selection);
    TreeChanges changes = *source->changed_files({base, before.entries}, newer, selection);
    REQUIRE_FALSE(changes.is_whole);
    CHECK(changes.entries == after.entries);
    auto text = [](const TreeFile& file) { return file.path + " " + file.blob.text(); };
    std::set<std::string> files;
    for (const TreeFile& file : before.files) files.insert(text(file));
    for (const TreeFile& file : changes.gone) CHECK(files.erase(text(file)) == 1);
    for (const TreeFile& file : changes.come) CHECK(files.insert(text(file)).second);
    std::set<std::string> expected;
    for (const TreeFile& file : after.files) expected.insert(text(file));
    CHECK(files == expected);
    older = newer;
    return changes.gone.size() + changes.come.size();
  };
  CHECK(check({{"apps/a.yaml", "kind: A2\n"}}, {}) == 2);
  CHECK(check({{"README.md", "elsewhere"}, {"apps/skip/x.yaml", "no"}, {"apps/.hidden/d.yaml", "no"}}, {}) == 0);
  CHECK(check({{"apps/new/deep/er/c.yaml", "kind: C\n"}, {"apps/a.yaml.yaml", "x"}}, {"apps/deep"}) == 3);
  CHECK(check({{"apps/x.yaml", "a file"}}, {"apps/new"}) == 2);
  CHECK(check({{"apps/x.yaml/in.yaml", "now a directory"}}, {"apps/x.yaml"}) == 2);
  CHECK(check({{"apps/x.yaml", "a file again"}}, {"apps/x.yaml"}) == 2);

  CommitId known = older;
  size_t entries = source->list_tree(known, selection)->entries;
  repo.link("apps/l.yaml", "a.yaml");
  repo.commit("a link");
  CommitId linked = fetch_tip(*source);
  CHECK(source->changed_files({known, entries}, linked, selection)->is_whole);
  CHECK(source->list_tree(linked, selection)->has_links);
  repo.remove("apps");
  repo.commit("nothing left");
  CHECK(source->changed_files({known, entries}, fetch_tip(*source), selection)->is_whole);
  CHECK(source->changed_files({CommitId{}, 1}, known, selection)->is_whole);
}

TEST_CASE("a source reads commits, trees and files over every kind of address") {
  TempDir root;
  GitRepo repo(root / "app.git");
  with_files(repo);
  check_address(repo, spec_of(repo.path()));
  check_address(repo, spec_of("file://" + repo.path()));
  GitDaemon daemon(root.path());
  check_address(repo, spec_of(daemon.url("app.git")));
}

TEST_CASE("a source reads over smart http, with and without a login") {
  if (!GitHttp::available()) {
    WARN("SKIPPED: lighttpd or git http-backend is not installed");
    return;
  }
  TempDir root;
  GitRepo repo(root / "app.git");
  with_files(repo);
  GitHttp open(root.path());
  check_address(repo, spec_of(open.url("app.git/.git")));

  GitHttp closed(root.path(), "s3cret-token");
  SourceSpec spec = spec_of(closed.url("app.git/.git"));
  TempDir mirrors;
  Result<RefTip> without = open_source(spec, mirrors.path())->tip();
  REQUIRE_FALSE(without.ok());
  CHECK(without.error().code == ErrorCode::kDenied);
  CHECK(without.error().message.find("token file") != std::string::npos);

  spec.credentials.token_file = root / "token";
  write_file(root / "token", "wrong-token\n");
  Result<RefTip> wrong = open_source(spec, mirrors.path())->tip();
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == ErrorCode::kDenied);
  CHECK(wrong.error().message.find("wrong-token") == std::string::npos);

  write_file(root / "token", "  s3cret-token \n");
  check_address(repo, spec);

  Result<RefTip> gone = open_source(spec_of(open.url("nothing.git")), mirrors.path())->tip();
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == ErrorCode::kNotFound);
}

TEST_CASE("a rotated token is used without a restart") {
  if (!GitHttp::available()) {
    WARN("SKIPPED: lighttpd or git http-backend is not installed");
    return;
  }
  TempDir root, mirrors;
  GitRepo repo(root / "app.git");
  with_files(repo);
  GitHttp server(root.path(), "new");
  SourceSpec spec = spec_of(server.url("app.git/.git"));
  spec.credentials.token_file = root / "token";
  write_file(root / "token", "old");
  auto source = open_source(spec, mirrors.path());
  CHECK_FALSE(source->tip().ok());
  write_file(root / "token", "new");
  CHECK(source->tip().ok());
}

TEST_CASE("a mirror that somebody has taken away is fetched again, also by a source that has it open") {
  TempDir root, mirrors;
  GitRepo repo(root / "app.git");
  with_files(repo);
  auto source = open_source(spec_of(repo.path()), mirrors.path());
  fetch_tip(*source);
  for (const char* part : {"", "/objects", "/refs", "/HEAD"}) {
    INFO(part);
    std::filesystem::remove_all(mirror_of(mirrors.path()) + part);
    repo.commit_files({{"apps/more.yaml", part}});
    CHECK(fetch_tip(*source).text() == repo.head());
  }
}

TEST_CASE("a redirect on the same server is followed, to another never, and no credential goes there") {
  if (!GitHttp::available()) {
    WARN("SKIPPED: lighttpd or git http-backend is not installed");
    return;
  }
  TempDir root, mirrors;
  GitRepo repo(root / "app.git");
  with_files(repo);
  GitHttp here(root.path());
  std::string moved = "http://127.0.0.1:" + std::to_string(here.port()) + "/moved/app.git/.git";
  CHECK(fetch_tip(*open_source(spec_of(moved), mirrors.path())).text() == repo.head());

  TinyHttp thief([](const std::string&) {
    return TinyHttp::response(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
  });
  for (std::string host : {"127.0.0.1", "localhost"}) {
    std::string target = "http://" + host + ":" + std::to_string(thief.port());
    TinyHttp server([&](const std::string& request) {
      if (request.find("Authorization:") == request.npos) {
        return TinyHttp::response(401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "");
      }
      return TinyHttp::response(302, "Location: " + target + "/app.git/info/refs?service=git-upload-pack\r\n",
                                "");
    });
    SourceSpec spec = spec_of("http://127.0.0.1:" + std::to_string(server.port()) + "/app.git");
    spec.credentials.token_file = root / "token";
    write_file(root / "token", "canary-token");
    Result<RefTip> tip = open_source(spec, mirrors.path())->tip();
    REQUIRE_FALSE(tip.ok());
    INFO(tip.error().message);
    CHECK(tip.error().code == ErrorCode::kDenied);
    CHECK(tip.error().message.find("redirect") != std::string::npos);
    CHECK(tip.error().message.find("canary") == std::string::npos);
    CHECK(server.requests().size() == 2);
  }
  CHECK(thief.requests().empty());
}

TEST_CASE("the ref can be the default branch, a tag, a commit or a revision") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  std::string first = repo.commit_files({{"a.yaml", "1"}});
  repo.git({"tag", "light"});
  repo.git({"tag", "-a", "heavy", "-m", "words"});
  std::string second = repo.commit_files({{"a.yaml", "2"}});
  using Kind = RefChoice::Kind;
  GitDaemon daemon(root.path());
  for (const std::string& url : {repo.path(), daemon.url("app")}) {
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kHead, ""}), mirrors.path())).text() == second);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kTag, "light"}), mirrors.path())).text() == first);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kTag, "heavy"}), mirrors.path())).text() == first);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kCommit, first}), mirrors.path())).text() == first);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kRevision, "main"}), mirrors.path())).text() == second);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kRevision, "heavy"}), mirrors.path())).text() == first);
    CHECK(fetch_tip(*open_source(spec_of(url, {Kind::kRevision, first}), mirrors.path())).text() == first);
    auto lost = open_source(spec_of(url, {Kind::kCommit, std::string(40, 'a')}), mirrors.path());
    Status fetched = lost->fetch(*CommitId::parse(std::string(40, 'a')));
    REQUIRE_FALSE(fetched.ok());
    CHECK(fetched.error().code == ErrorCode::kNotFound);
  }
}

TEST_CASE("repository gone, ref gone, empty repository and path gone are told apart") {
  TempDir root, mirrors;
  GitDaemon daemon(root.path());
  GitRepo empty(root / "empty");
  GitRepo repo(root / "app");
  with_files(repo);
  repo.git({"checkout", "-q", "-b", "other"});
  for (const std::string& base : {root.path() + "/", daemon.url("")}) {
    INFO(base);
    CHECK(open_source(spec_of(base + "empty"), mirrors.path())->tip()->state ==
          RefTip::State::kEmptyRepository);
    auto source = open_source(spec_of(base + "app"), mirrors.path());
    CommitId commit = fetch_tip(*source);
    CHECK(source->list_tree(commit, all_files("nothing"))->state == Listing::State::kNoSuchPath);
    CHECK(source->list_tree(commit, all_files("apps/a.yaml"))->state == Listing::State::kNotADirectory);
    repo.git({"branch", "-D", "main"});
    CHECK(source->tip()->state == RefTip::State::kNoSuchRef);
    CHECK(source->tip()->missing == "branch main does not exist in the repository");
    CHECK(source->list_tree(commit, all_files("apps"))->files.size() == 2);  // what was read stays readable
    repo.git({"branch", "main", "other"});
    Result<RefTip> gone = open_source(spec_of(base + "nothing"), mirrors.path())->tip();
    REQUIRE_FALSE(gone.ok());
    CHECK(gone.error().code == ErrorCode::kNotFound);
  }
  Result<RefTip> nobody =
      open_source(spec_of("git://127.0.0.1:" + std::to_string(free_port()) + "/x"), mirrors.path())->tip();
  REQUIRE_FALSE(nobody.ok());
  CHECK(nobody.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a force-push is seen as one") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  repo.commit_files({{"a.yaml", "1"}});
  repo.commit_files({{"a.yaml", "2"}});
  GitDaemon daemon(root.path());
  auto source = open_source(spec_of(daemon.url("app")), mirrors.path());
  CommitId before = fetch_tip(*source);
  repo.git({"reset", "-q", "--hard", "HEAD~1"});
  repo.commit_files({{"a.yaml", "3"}});
  CommitId after = fetch_tip(*source);
  CHECK_FALSE(*source->is_ancestor(before, after));
  CHECK(*source->is_ancestor(after, after));
  CHECK_FALSE(*source->is_ancestor(*CommitId::parse(std::string(40, 'b')), after));
  // A commit that was forced away before we came for it.
  Status late = source->fetch(*CommitId::parse(std::string(40, 'c')));
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == ErrorCode::kConflict);
}

TEST_CASE("a poll writes nothing") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  with_files(repo);
  auto source = open_source(spec_of(repo.path()), mirrors / "repos");
  CHECK(source->tip().ok());
  CHECK_FALSE(std::filesystem::exists(mirrors / "repos"));
}

TEST_CASE("a damaged or lost mirror is fetched again") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  with_files(repo);
  GitDaemon daemon(root.path());
  SourceSpec spec = spec_of(daemon.url("app"));
  CommitId commit = fetch_tip(*open_source(spec, mirrors.path()));
  CHECK((std::filesystem::status(mirror_of(mirrors.path())).permissions() &
         std::filesystem::perms::group_all) == std::filesystem::perms::none);

  auto read_all = [&](GitSource& source) {
    Result<Listing> listing = source.list_tree(commit, all_files());
    if (!listing.ok()) return listing.error().code;
    for (const TreeFile& file : listing->files) {
      Result<std::string> bytes = source.read_blob(file.blob);
      if (!bytes.ok()) return bytes.error().code;
    }
    return ErrorCode::kExists;  // "all there"
  };
  SECTION("bytes of the pack overwritten") {
    for (const auto& entry :
         std::filesystem::directory_iterator(mirror_of(mirrors.path()) + "/objects/pack")) {
      if (entry.path().extension() != ".pack") continue;
      std::filesystem::permissions(entry.path(), std::filesystem::perms::owner_all);
      auto size = std::filesystem::file_size(entry.path());
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(12);
      for (size_t i = 12; i + 20 < size; ++i) file.put('\x55');
    }
  }
  SECTION("index gone") {
    for (const auto& entry :
         std::filesystem::directory_iterator(mirror_of(mirrors.path()) + "/objects/pack")) {
      if (entry.path().extension() == ".idx") std::filesystem::remove(entry.path());
    }
  }
  SECTION("HEAD gone") { std::filesystem::remove(mirror_of(mirrors.path()) + "/HEAD"); }
  SECTION("everything gone") { std::filesystem::remove_all(mirror_of(mirrors.path())); }
  SECTION("a file instead of the mirror") {
    std::string mirror = mirror_of(mirrors.path());
    std::filesystem::remove_all(mirror);
    write_file(mirror, "no directory");
  }
  auto source = open_source(spec, mirrors.path());
  Status fetched = source->fetch(commit);
  ErrorCode outcome = fetched.ok() ? read_all(*source) : fetched.error().code;
  if (outcome != ErrorCode::kExists) {
    CHECK(outcome == ErrorCode::kCorrupt);
    Status again = source->fetch(commit);
    if (!again.ok()) FAIL(again.error().message);
    outcome = read_all(*source);
  }
  CHECK(outcome == ErrorCode::kExists);
}

TEST_CASE("a mirror with many packs is rebuilt into one and stays readable") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  GitDaemon daemon(root.path());
  SourceSpec spec = spec_of(daemon.url("app"));
  spec.limits.max_packs = 3;
  CommitId first = *CommitId::parse(repo.commit_files({{"a.yaml", "0"}}));
  auto source = open_source(spec, mirrors.path());
  size_t most = 0;
  for (int i = 1; i <= 10; ++i) {
    repo.commit_files({{"a.yaml", std::to_string(i)}});
    CommitId tip = fetch_tip(*source);
    most = std::max(most, packs_in(mirrors.path()));
    Result<Listing> listing = source->list_tree(tip, all_files());
    REQUIRE(listing.ok());
    CHECK(*source->read_blob(listing->files.at(0).blob) == std::to_string(i));
    CHECK(*source->is_ancestor(first, tip));
  }
  CHECK(most == 3);
  CHECK(std::distance(std::filesystem::directory_iterator(mirrors.path()), {}) == 1);
}

TEST_CASE("symbolic links, submodules and crafted names are reported, never followed") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  repo.write("apps/good.yaml", "kind: A\n");
  repo.write("shared/x.yaml", "kind: B\n");
  repo.link("apps/link.yaml", "/etc/passwd");
  repo.link("apps/readme", "good.yaml");
  repo.link("apps/outside", "../../..");
  repo.link("apps/shared", "../shared");
  repo.link("apps/skipped", "../shared");
  repo.commit("links");
  repo.git({"update-index", "--add", "--cacheinfo", "160000," + std::string(40, '1') + ",apps/module"});
  repo.git({"commit", "-q", "-m", "module"});
  auto source = open_source(spec_of(repo.path()), mirrors.path());
  CommitId commit = fetch_tip(*source);
  auto selection =
      *FileSelection::create({.path = "apps", .include = {}, .exclude = {"skipped"}, .recurse = true});
  Result<Listing> listing = source->list_tree(commit, selection);
  REQUIRE(listing.ok());
  std::vector<std::pair<std::string, TreeFile::Kind>> found;
  for (const TreeFile& file : listing->files) found.emplace_back(file.path, file.kind);
  using Kind = TreeFile::Kind;
  CHECK(found == std::vector<std::pair<std::string, Kind>>{{"apps/good.yaml", Kind::kFile},
                                                           {"apps/link.yaml", Kind::kSymlink},
                                                           {"apps/module", Kind::kSubmodule},
                                                           {"apps/shared", Kind::kDirectorySymlink}});

  std::string blob = repo.put_object("blob", "kind: Evil\n");
  std::string inner = repo.put_object("tree", tree_entry("100644", "evil.yaml", blob));
  std::string crafted = repo.put_object(
      "tree", tree_entry("40000", "..", inner) + tree_entry("100644", "../up.yaml", blob) +
                  tree_entry("40000", ".git", inner) + tree_entry("100644", "a\nb.yaml", blob) +
                  tree_entry("100644", "ok.yaml", blob));
  repo.commit_tree(crafted);
  commit = fetch_tip(*source);
  listing = source->list_tree(commit, all_files());
  REQUIRE(listing.ok());
  found.clear();
  for (const TreeFile& file : listing->files) found.emplace_back(file.path, file.kind);
  CHECK(found == std::vector<std::pair<std::string, Kind>>{{"..", Kind::kBadName},
                                                           {"../up.yaml", Kind::kBadName},
                                                           {"a?b.yaml", Kind::kBadName},
                                                           {"ok.yaml", Kind::kFile}});
}

TEST_CASE("sizes are bounded: files, entries, depth and packs") {
  TempDir root, mirrors;
  GitRepo repo(root / "app");
  GitDaemon daemon(root.path());
  repo.write("big.yaml", std::string(5000, 'x'));
  repo.write("a/b/c/d.yaml", "1");
  repo.commit("sizes");
  SourceSpec spec = spec_of(daemon.url("app"));
  spec.limits.max_blob_bytes = 4999;
  auto source = open_source(spec, mirrors.path());
  CommitId commit = fetch_tip(*source);
  Result<Listing> listing = source->list_tree(commit, all_files());
  REQUIRE(listing.ok());
  Result<std::string> big = source->read_blob(listing->files.at(1).blob);
  REQUIRE_FALSE(big.ok());
  CHECK(big.error().code == ErrorCode::kFull);
  CHECK(big.error().message.find("5000") != std::string::npos);

  spec.limits.max_tree_entries = 4;
  CHECK(open_source(spec, mirrors.path())->fetch(commit).ok());
  source = open_source(spec, mirrors.path());
  REQUIRE(source->fetch(commit).ok());
  CHECK(source->list_tree(commit, all_files()).error().code == ErrorCode::kFull);
  spec.limits.max_tree_entries = 100;
  spec.limits.max_tree_depth = 2;
  source = open_source(spec, mirrors.path());
  REQUIRE(source->fetch(commit).ok());
  CHECK(source->list_tree(commit, all_files()).error().code == ErrorCode::kFull);

  TempDir fresh;
  spec.limits.max_pack_objects = 3;
  Status many = open_source(spec, fresh.path())->fetch(commit);
  REQUIRE_FALSE(many.ok());
  CHECK(many.error().code == ErrorCode::kFull);
  spec.limits = {};
  spec.limits.max_pack_bytes = 10;
  Status large = open_source(spec, fresh.path())->fetch(commit);
  REQUIRE_FALSE(large.ok());
  CHECK(large.error().code == ErrorCode::kFull);
}

TEST_CASE("a silent, a dripping and an endless server are given up on; interrupt() ends a poll") {
  TempDir mirrors;
  TinyHttp silent([](const std::string&) { return std::string(); });
  SourceSpec spec = spec_of("http://127.0.0.1:" + std::to_string(silent.port()) + "/app.git");
  SECTION("silent") {
    spec.limits.idle_timeout = 100ms;
    Result<RefTip> tip = open_source(spec, mirrors.path())->tip();
    REQUIRE_FALSE(tip.ok());
    CHECK(tip.error().code == ErrorCode::kTimeout);
  }
  SECTION("over the deadline") {
    spec.limits.tip_timeout = 100ms;
    Result<RefTip> tip = open_source(spec, mirrors.path())->tip();
    REQUIRE_FALSE(tip.ok());
    CHECK(tip.error().code == ErrorCode::kTimeout);
  }
  SECTION("interrupted") {
    auto source = open_source(spec, mirrors.path());
    std::thread other([&] {
      while (silent.requests().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      source->interrupt();
    });
    Result<RefTip> tip = source->tip();
    other.join();
    REQUIRE_FALSE(tip.ok());
    CHECK(tip.error().code == ErrorCode::kCancelled);
    CHECK(source->tip().error().code == ErrorCode::kCancelled);
  }
  SECTION("endless") {
    TinyHttp endless([](const std::string&) {
      std::string refs = "001e# service=git-upload-pack\n0000";
      for (int i = 0; i < 100'000; ++i)
        refs += "0047" + std::string(40, 'a') + " refs/heads/" + std::to_string(1'000'000 + i) + "xxxxxxx\n";
      return TinyHttp::response(200, "Content-Type: application/x-git-upload-pack-advertisement\r\n", refs);
    });
    spec.url = "http://127.0.0.1:" + std::to_string(endless.port()) + "/app.git";
    spec.limits.max_advertised_bytes = 1 << 20;
    Result<RefTip> tip = open_source(spec, mirrors.path())->tip();
    REQUIRE_FALSE(tip.ok());
    CHECK(tip.error().code == ErrorCode::kFull);
  }
}

TEST_CASE("an https server without a trusted certificate is refused") {
  if (!find_program("openssl")) {
    WARN("SKIPPED: openssl is not installed");
    return;
  }
  TempDir root;
  REQUIRE(
      run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
           "-keyout", root / "key", "-out", root / "cert", "-subj", "/CN=127.0.0.1", "-days", "2"})
          .code == 0);
  PortServer server([&](uint16_t port) {
    return std::vector<std::string>{
        "openssl",    "s_server", "-accept",    "127.0.0.1:" + std::to_string(port), "-www", "-key",
        root / "key", "-cert",    root / "cert"};
  });
  Result<RefTip> tip =
      open_source(spec_of("https://127.0.0.1:" + std::to_string(server.port()) + "/app.git"), root / "repos")
          ->tip();
  REQUIRE_FALSE(tip.ok());
  INFO(tip.error().message);
  CHECK(tip.error().code == ErrorCode::kDenied);
  CHECK(tip.error().message.find("certificate") != std::string::npos);
}

TEST_CASE("addresses, refs and credentials that cannot work are refused before anything is dialled") {
  TempDir root;
  auto refused = [&](SourceSpec spec, const std::string& words) {
    auto source = make_libgit2_source(spec, root.path());
    REQUIRE_FALSE(source.ok());
    INFO(source.error().message);
    CHECK(source.error().code == ErrorCode::kInvalid);
    CHECK(source.error().message.find(words) != std::string::npos);
    CHECK(source.error().message.find("hunter2") == std::string::npos);
  };
  refused(spec_of("https://user:hunter2@example.com/x.git"), "password");
  refused(spec_of("ext::sh -c id"), "remote helpers");
  refused(spec_of("/x", {RefChoice::Kind::kBranch, "--upload-pack=x"}), "no name Git accepts");
  refused(spec_of("ssh://git@example.com/x.git"), "ssh key file");
  SourceSpec spec = spec_of("git@example.com:x.git");
  spec.credentials.ssh_key_file = "/k";
  refused(spec, "known_hosts");
  spec = spec_of("git://example.com/x.git");
  spec.credentials.token_file = "/t";
  refused(spec, "token file");
}
