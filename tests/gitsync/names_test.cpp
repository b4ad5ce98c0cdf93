// The pure parts: addresses, refs, messages, globs, known_hosts.
#include <catch2/catch.hpp>

#include "gitsync/commit_message.h"
#include "gitsync/file_selection.h"
#include "gitsync/known_hosts.h"
#include "gitsync/ref_name.h"
#include "gitsync/remote_url.h"
#include "gitsync/secret_file.h"
#include "tests/support/processes.h"

using namespace mainstay;

TEST_CASE("accepted addresses are brought to one form") {
  struct Row {
    std::string text, address, user;
    UrlScheme scheme;
    uint16_t port;
  };
  for (const Row& row : std::vector<Row>{
           {"/srv/git/app", "/srv/git/app", "", UrlScheme::kLocal, 0},
           {".", ".", "", UrlScheme::kLocal, 0},
           {"./a:b", "./a:b", "", UrlScheme::kLocal, 0},
           {"file:///srv/my app", "file:///srv/my app", "", UrlScheme::kFile, 0},
           {"file://localhost/srv/app", "file:///srv/app", "", UrlScheme::kFile, 0},
           {"git://example.com/app", "git://example.com/app", "", UrlScheme::kGit, 9418},
           {"git://example.com:1234/app", "git://example.com:1234/app", "", UrlScheme::kGit, 1234},
           {"https://ann@example.com/o/app.git", "https://example.com/o/app.git", "ann", UrlScheme::kHttps,
            443},
           {"http://[::1]:8080/app", "http://[::1]:8080/app", "", UrlScheme::kHttp, 8080},
           {"ssh://git@example.com:2222/o/app", "ssh://example.com:2222/o/app", "git", UrlScheme::kSsh, 2222},
           {"git@example.com:o/app.git", "ssh://example.com/~/o/app.git", "git", UrlScheme::kSsh, 22},
           {"example.com:/srv/app", "ssh://example.com/srv/app", "", UrlScheme::kSsh, 22},
       }) {
    INFO(row.text);
    Result<RemoteUrl> url = parse_remote_url(row.text);
    if (!url.ok()) FAIL(url.error().message);
    CHECK(url->address == row.address);
    CHECK(url->user == row.user);
    CHECK(url->scheme == row.scheme);
    CHECK(url->port == row.port);
  }
}

TEST_CASE("addresses that could do harm are refused, and their password is not repeated") {
  for (std::string text : {"",
                           "-x",
                           "--upload-pack=touch /tmp/x",
                           "ext::sh -c id",
                           "ext::sh -c id://x/y",
                           "fd::17",
                           "ftp://example.com/x",
                           "javascript://x/y",
                           "HTTP://example.com/x",
                           "https://user:hunter2@example.com/x",
                           "https://example.com",
                           "https://example.com/",
                           "https://-example.com/x",
                           "https://exa mple.com/x",
                           "https://example.com:0/x",
                           "https://example.com:99999/x",
                           "https://example.com:x/x",
                           "https://example.com:/x",
                           "https://example.com/x?y=z",
                           "https://example.com/x#y",
                           "https:///x",
                           "git://me@example.com/x",
                           "ssh://git@example.com/x'y",
                           "ssh://git@example.com/-x",
                           "ssh://git@example.com/$(id)",
                           "ssh://git@example.com/x;y",
                           "ssh://-oProxyCommand=x/y",
                           "-oProxyCommand=x:y",
                           "git@-host:x",
                           "git@host:-x",
                           "git@host:",
                           "git@host:x y",
                           "file://example.com/x",
                           "https://example.com/a\nb",
                           "https://[::1/x",
                           "https://[zz]/x",
                           "https://[::1]x/y"}) {
    INFO(text);
    Result<RemoteUrl> url = parse_remote_url(text);
    REQUIRE_FALSE(url.ok());
    CHECK(url.error().code == ErrorCode::kInvalid);
    CHECK(url.error().message.find("hunter2") == std::string::npos);
  }
  CHECK_FALSE(parse_remote_url(std::string("/a\0b", 4)).ok());
  CHECK_FALSE(parse_remote_url("/" + std::string(5000, 'a')).ok());
}

TEST_CASE("userinfo is taken out of anybody's words") {
  CHECK(without_userinfo("cannot reach https://u:p@h/x and ssh://git@h2/y") ==
        "cannot reach https://h/x and ssh://h2/y");
  CHECK(without_userinfo("https://a:b@c@host/x@y") == "https://host/x@y");
  CHECK(without_userinfo("no address, mail a@b") == "no address, mail a@b");
}

TEST_CASE("ref names follow git check-ref-format and never look like options") {
  for (std::string good : {"main", "feature/x", "v1.2.3", "a@b", "release-1"}) {
    INFO(good);
    CHECK(is_valid_ref_name(good));
  }
  for (std::string bad :
       {"",   "-x", "--exec", "a..b", "a b",  "a~b", "a^b",    "a:b",      "a?b", "a*b",  "a[b",  "a\\b",
        "/a", "a/", "a//b",   ".a",   "a/.b", "a.",  "a.lock", "a.lock/b", "@",   "a@{b", "a\nb", "a\x7f"}) {
    INFO(bad);
    CHECK_FALSE(is_valid_ref_name(bad));
  }
}

TEST_CASE("git itself agrees about ref names") {
  if (!test::find_program("git")) {
    WARN("SKIPPED: git is not installed");
    return;
  }
  for (std::string name :
       {"main", "a/b", "a..b", "a~b", "a.lock", "a/.b", "a@{b", "@x", "a.", "x y", "-a", "a//b", "a\\b"}) {
    INFO(name);
    bool git = test::run({"git", "check-ref-format", "--branch", name}).code == 0;
    CHECK(is_valid_ref_name(name) == git);
  }
}

TEST_CASE("refs are found among what a server advertises") {
  auto id = [](char c) { return *CommitId::parse(std::string(40, c)); };
  std::vector<AdvertisedRef> refs = {{"HEAD", id('1')},
                                     {"refs/heads/main", id('1')},
                                     {"refs/heads/both", id('2')},
                                     {"refs/tags/both", id('3')},
                                     {"refs/tags/v1", id('4')},
                                     {"refs/tags/v1^{}", id('5')},
                                     {"refs/pull/7/head", id('6')}};
  using Kind = RefChoice::Kind;
  auto find = [&](Kind kind, std::string name) -> std::string {
    Result<RefChoice> choice = checked_ref({kind, std::move(name)});
    REQUIRE(choice.ok());
    auto found = resolve_ref(refs, *choice);
    return found ? found->name + "=" + found->commit.text().substr(0, 1) : "none";
  };
  CHECK(find(Kind::kHead, "") == "HEAD=1");
  CHECK(find(Kind::kBranch, "main") == "refs/heads/main=1");
  CHECK(find(Kind::kBranch, "refs/heads/main") == "refs/heads/main=1");
  CHECK(find(Kind::kBranch, "v1") == "none");
  CHECK(missing_ref(refs, {Kind::kBranch, "v1"}) ==
        "branch v1 does not exist in the repository, a tag of that name does");
  CHECK(missing_ref(refs, {Kind::kTag, "main"}) ==
        "tag main does not exist in the repository, a branch of that name does");
  CHECK(missing_ref(refs, {Kind::kBranch, "x"}) == "branch x does not exist in the repository");
  CHECK(find(Kind::kTag, "v1") == "refs/tags/v1=5");
  CHECK(find(Kind::kRevision, "both") == "refs/heads/both=2");
  CHECK(find(Kind::kRevision, "v1") == "refs/tags/v1=5");
  CHECK(find(Kind::kRevision, "refs/pull/7/head") == "refs/pull/7/head=6");
  CHECK(find(Kind::kRevision, "HEAD") == "HEAD=1");
  CHECK(checked_ref({Kind::kRevision, std::string(40, 'A')})->name == std::string(40, 'a'));
  CHECK_FALSE(checked_ref({Kind::kCommit, "abc1234"}).ok());
  CHECK_FALSE(checked_ref({Kind::kBranch, "-x"}).ok());
}

TEST_CASE("subject and trailers of a commit message") {
  CHECK(commit_subject("\n\n  Fix it \r\n\nbody") == "Fix it");
  CHECK(commit_subject("a\tb\x1b[31m") == "a b [31m");
  CHECK(commit_subject("") == "");
  CHECK(commit_subject(std::string(199, 'x') + "\xc3\xa4") == std::string(199, 'x'));
  CHECK(commit_trailers("Subject: not one").empty());
  CHECK(commit_trailers("Subject\n\nMainstay-Prune: 3") == Trailers{{"Mainstay-Prune", "3"}});
  CHECK(commit_trailers("Subject\n\nwords\n\nA: 1\nB: 2\n  more\n\n\n") ==
        Trailers{{"A", "1"}, {"B", "2 more"}});
  CHECK(commit_trailers("Subject\n\nA: 1\nno trailer here").empty());
  CHECK(commit_trailers("Subject\n\nMainstay-Prune: 3\n\nlast words").empty());
}

TEST_CASE("globs mean what Argo CD's mean") {
  struct Row {
    std::string pattern, text;
    bool matches;
  };
  for (const Row& row : std::vector<Row>{
           {"*.yaml", "a.yaml", true},
           {"*.yaml", "dir/a.yaml", true},
           {"*.yaml", "a.yml", false},
           {"{a,b}.yaml", "b.yaml", true},
           {"{a,b}.yaml", "c.yaml", false},
           {"{a,{b,c}d}.yaml", "cd.yaml", true},
           {"dir/*", "dir/x/y", true},
           {"dir/**/x", "dir/a/b/x", true},
           {"?.yaml", "a.yaml", true},
           {"?.yaml", "ab.yaml", false},
           {"[a-c].yaml", "b.yaml", true},
           {"[!a-c].yaml", "b.yaml", false},
           {"[!a-c].yaml", "d.yaml", true},
           {"[]].yaml", "].yaml", true},
           {"\\*.yaml", "*.yaml", true},
           {"\\*.yaml", "a.yaml", false},
           {"*", "", true},
           {"*a*b*c", "xaxbxc", true},
           {"*a*b*c", "xaxcxb", false},
           {"[a\\]b]", "]", true},
           {"a,b", "a,b", true},
           {"}", "}", true},
           {"[a-]", "-", true},
           {"{,x}y", "y", true},
       }) {
    INFO(row.pattern << " on " << row.text);
    Result<Glob> glob = Glob::compile(row.pattern);
    if (!glob.ok()) FAIL(glob.error().message);
    CHECK(glob->matches(row.text) == row.matches);
  }
  for (std::string bad : {"", "[a", "{a", "a\\", "{a,[b}", "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"}) {
    INFO(bad);
    CHECK_FALSE(Glob::compile(bad).ok());
  }
  std::string stars;
  for (int i = 0; i < 300; ++i) stars += "*a";
  CHECK_FALSE(
      Glob::compile(stars + "b")->matches(std::string(20'000, 'a')));  // would not end if it backtracked
}

TEST_CASE("a selection takes manifests below the path, without dot-directories") {
  FileSelection all =
      *FileSelection::create({.path = "./apps/./web/", .include = {}, .exclude = {}, .recurse = true});
  CHECK(all.path() == "apps/web");
  CHECK(all.takes("a.yaml"));
  CHECK(all.takes("x/y/a.yml"));
  CHECK(all.takes("a.json"));
  CHECK_FALSE(all.takes("a.txt"));
  CHECK_FALSE(all.takes("a.yaml.bak"));
  CHECK(all.enters("x"));
  CHECK_FALSE(all.enters(".github"));
  CHECK_FALSE(all.enters("x/.git"));
  FileSelection some = *FileSelection::create(
      {.path = "", .include = {"web/*"}, .exclude = {"*-test.yaml", "web/old"}, .recurse = true});
  CHECK(some.takes("web/a.yaml"));
  CHECK_FALSE(some.takes("db/a.yaml"));
  CHECK_FALSE(some.takes("web/a-test.yaml"));
  CHECK_FALSE(some.enters("web/old"));
  FileSelection flat = *FileSelection::create({.path = ".", .include = {}, .exclude = {}, .recurse = false});
  CHECK(flat.path().empty());
  CHECK_FALSE(flat.enters("x"));
  for (std::string bad : {"/abs", "a/../b", "..", "a//b", "a\nb"}) {
    INFO(bad);
    CHECK_FALSE(FileSelection::create({.path = bad, .include = {}, .exclude = {}, .recurse = true}).ok());
  }
  CHECK_FALSE(FileSelection::create({.path = "", .include = {"["}, .exclude = {}, .recurse = true}).ok());
}

TEST_CASE("host keys are looked up as OpenSSH does") {
  auto key_of = [](std::string type, char fill) {
    std::string key{0, 0, 0, static_cast<char>(type.size())};
    return key + type + std::string(32, fill);
  };
  std::string ed = key_of("ssh-ed25519", 'e'), other = key_of("ssh-ed25519", 'o'),
              rsa = key_of("ssh-rsa", 'r');
  auto line = [](std::string names, std::string type, const std::string& key) {
    return names + " " + type + " " + base64(key) + " comment\n";
  };
  using V = HostKeyVerdict;
  std::string file = "# comment\n\n" + line("git.example.com,10.0.0.1", "ssh-ed25519", ed) +
                     line("[git.example.com]:2222", "ssh-ed25519", other) +
                     line("*.wild.example,!bad.wild.example", "ssh-ed25519", ed) +
                     line("old.example", "ssh-rsa", rsa) +
                     line("@revoked git.example.com", "ssh-ed25519", other) +
                     line("@cert-authority *.ca.example", "ssh-ed25519", ed);
  CHECK(check_host_key(file, "git.example.com", 22, ed) == V::kKnown);
  CHECK(check_host_key(file, "GIT.example.com", 22, ed) == V::kKnown);
  CHECK(check_host_key(file, "10.0.0.1", 22, ed) == V::kKnown);
  CHECK(check_host_key(file, "git.example.com", 2222, other) == V::kKnown);
  CHECK(check_host_key(file, "git.example.com", 2222, ed) == V::kChanged);
  CHECK(check_host_key(file, "git.example.com", 22, other) == V::kRevoked);
  CHECK(check_host_key(file, "a.wild.example", 22, ed) == V::kKnown);
  CHECK(check_host_key(file, "bad.wild.example", 22, ed) == V::kUnknownHost);
  CHECK(check_host_key(file, "old.example", 22, ed) == V::kOtherType);
  CHECK(check_host_key(file, "x.ca.example", 22, ed) == V::kUnknownHost);
  CHECK(check_host_key(file, "nobody.example", 22, ed) == V::kUnknownHost);
  CHECK(check_host_key("", "x", 22, "") == V::kUnknownHost);
  CHECK(check_host_key("x ssh-ed25519 !!!\nx\n@revoked\n|1|x\n", "x", 22, ed) == V::kChanged);
  CHECK(host_key_type("\xff\xff\xff\xff") == "");
}

TEST_CASE("hashed host names and fingerprints are those of ssh-keygen") {
  if (!test::find_program("ssh-keygen")) {
    WARN("SKIPPED: ssh-keygen is not installed");
    return;
  }
  test::TempDir dir;
  REQUIRE(test::run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir / "key"}).code == 0);
  std::string type, text;
  std::ifstream(dir / "key.pub") >> type >> text;
  test::write_file(dir / "hosts", "git.example.com " + type + " " + text + "\n[other.example]:2222 " + type +
                                      " " + text + "\n");
  REQUIRE(test::run({"ssh-keygen", "-H", "-f", dir / "hosts"}).code == 0);
  std::string hashed = *read_small_file(dir / "hosts", 1 << 20, "hosts");
  CHECK(hashed.find("example") == std::string::npos);
  std::string key = *unbase64(text);
  CHECK(check_host_key(hashed, "git.example.com", 22, key) == HostKeyVerdict::kKnown);
  CHECK(check_host_key(hashed, "other.example", 2222, key) == HostKeyVerdict::kKnown);
  CHECK(check_host_key(hashed, "other.example", 22, key) == HostKeyVerdict::kUnknownHost);
  CHECK(test::run({"ssh-keygen", "-l", "-f", dir / "key.pub"}).output.find(host_key_fingerprint(key) + " ") !=
        std::string::npos);
}

TEST_CASE("secret files give their first line, and no secret in errors") {
  test::TempDir dir;
  test::write_file(dir / "a", "  token \r\nrest");
  CHECK(*read_secret_file(dir / "a", "token file") == "token");
  test::write_file(dir / "b", "\n");
  CHECK(read_secret_file(dir / "b", "token file").error().code == ErrorCode::kInvalid);
  test::write_file(dir / "c", "canary\x01x");
  Result<std::string> bad = read_secret_file(dir / "c", "token file");
  CHECK(bad.error().message.find("canary") == std::string::npos);
  CHECK(read_secret_file(dir / "none", "token file").error().code == ErrorCode::kNotFound);
  test::write_file(dir / "d", std::string(100'000, 'x'));
  CHECK(read_secret_file(dir / "d", "token file").error().code == ErrorCode::kFull);
  REQUIRE(::mkfifo((dir / "e").c_str(), 0600) == 0);
  CHECK_FALSE(read_secret_file(dir / "e", "token file").ok());  // and does not wait for a writer
}
