// Real Git repositories and servers for tests, made with the git command line.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/processes.h"

namespace mainstay::test {

// A repository with a work tree and the branch "main". Commits are by a fixed author.
class GitRepo {
 public:
  explicit GitRepo(std::string directory) : directory_(std::move(directory)) {
    std::filesystem::create_directories(directory_);
    git({"init", "-q", "-b", "main"});
    git({"config", "user.name", "Ann Author"});
    git({"config", "user.email", "ann@example.com"});
    git({"config", "commit.gpgsign", "false"});
    git({"config", "gc.auto", "0"});
  }

  const std::string& path() const { return directory_; }

  // Runs git there; its output without the last newline. Throws if git fails.
  std::string git(std::vector<std::string> words, std::string_view input = {}) {
    std::vector<std::string> command{"git", "-C", directory_};
    command.insert(command.end(), words.begin(), words.end());
    RunResult outcome = run(command, input);
    if (outcome.code != 0) throw std::runtime_error("git " + words.at(0) + ": " + outcome.output);
    if (outcome.output.ends_with('\n')) outcome.output.pop_back();
    return outcome.output;
  }

  void write(const std::string& file, std::string_view bytes) { write_file(directory_ + "/" + file, bytes); }
  void remove(const std::string& file) { std::filesystem::remove_all(directory_ + "/" + file); }
  void link(const std::string& file, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(directory_ + "/" + file).parent_path());
    std::filesystem::create_symlink(target, directory_ + "/" + file);
  }

  // Commits everything in the work tree; the commit's id.
  std::string commit(const std::string& message) {
    git({"add", "-A"});
    git({"commit", "-q", "--allow-empty", "-m", message});
    return head();
  }
  std::string commit_files(const std::map<std::string, std::string>& files,
                           const std::string& message = "change") {
    for (const auto& [file, bytes] : files) write(file, bytes);
    return commit(message);
  }
  std::string head() { return git({"rev-parse", "HEAD"}); }

  // Puts any object into the database, unchecked ("tree", raw bytes); its id.
  std::string put_object(const std::string& type, std::string_view bytes) {
    return git({"hash-object", "-t", type, "-w", "--stdin", "--literally"}, bytes);
  }
  // Commits a tree by its id on top of main and moves main there.
  std::string commit_tree(const std::string& tree, const std::string& message = "crafted") {
    std::string id = git({"commit-tree", tree, "-m", message});
    git({"update-ref", "refs/heads/main", id});
    return id;
  }

 private:
  std::string directory_;
};

// One entry of a raw tree object.
inline std::string tree_entry(const std::string& mode, const std::string& name, const std::string& hex_id) {
  std::string out = mode + " " + name + '\0';
  for (size_t i = 0; i + 1 < hex_id.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex_id.substr(i, 2), nullptr, 16));
  }
  return out;
}

// git daemon: every repository below `root` at git://127.0.0.1:PORT/name
class GitDaemon {
 public:
  explicit GitDaemon(const std::string& root)
      : server_([root](uint16_t port) {
          return std::vector<std::string>{
              "git",          "daemon",      "--listen=127.0.0.1",  "--port=" + std::to_string(port),
              "--export-all", "--reuseaddr", "--base-path=" + root, root};
        }) {}
  std::string url(const std::string& name) const {
    return "git://127.0.0.1:" + std::to_string(server_.port()) + "/" + name;
  }

 private:
  PortServer server_;
};

// lighttpd with git http-backend: http://127.0.0.1:PORT/git/name. With `password`, /git needs user git and
// that password. /moved/... redirects to /git/... on the same server.
class GitHttp {
 public:
  static bool available() { return find_program("lighttpd") && find_program("git-http-backend"); }

  GitHttp(const std::string& root, const std::string& password = {})
      : server_([&](uint16_t port) {
          std::string config = directory_ / "lighttpd.conf";
          std::filesystem::create_directories(directory_ / "www");
          write_file(config, config_text(root, port, !password.empty()));
          write_file(directory_ / "users", "git:" + password + "\n");
          return std::vector<std::string>{*find_program("lighttpd"), "-D", "-f", config};
        }) {}
  uint16_t port() const { return server_.port(); }
  std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + "/git/" + name;
  }

 private:
  std::string config_text(const std::string& root, uint16_t port, bool auth) const {
    std::string text = "server.modules = (\"mod_redirect\", \"mod_alias\", \"mod_setenv\", \"mod_auth\", "
                       "\"mod_authn_file\", \"mod_cgi\")\n"
                       "server.document-root = \"" + directory_.path() + "/www\"\n"
                       "server.bind = \"127.0.0.1\"\nserver.port = " + std::to_string(port) + "\n"
                       "url.redirect = (\"^/moved/(.*)$\" => \"/git/$1\")\n"
                       "alias.url = (\"/git\" => \"" + *find_program("git-http-backend") + "\")\n"
                       "$HTTP[\"url\"] =~ \"^/git\" {\n  cgi.assign = (\"\" => \"\")\n"
                       "  setenv.add-environment = (\"GIT_PROJECT_ROOT\" => \"" + root + "\", "
                       "\"GIT_HTTP_EXPORT_ALL\" => \"1\")\n}\n";
    if (auth) {
      text += "auth.backend = \"plain\"\nauth.backend.plain.userfile = \"" + directory_.path() + "/users\"\n"
              "auth.require = (\"/git\" => (\"method\" => \"basic\", \"realm\" => \"git\", "
              "\"require\" => \"valid-user\"))\n";
    }
    return text;
  }

  TempDir directory_;
  PortServer server_;
};

}  // namespace mainstay::test
