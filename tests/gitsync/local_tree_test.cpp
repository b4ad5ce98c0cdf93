// A folder on disk is judged as a commit of it would be.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "gitsync/local_tree.h"
#include "tests/support/processes.h"

using namespace mainstay;
namespace fs = std::filesystem;

namespace {

std::string config_map(const std::string& name) {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n";
}

struct Folder {
  test::TempDir dir;
  fs::path path = dir.path();
  std::string write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
    return (path / name).string();
  }
};

// "file: message" of each finding, from the folder on.
std::vector<std::string> findings(const LocalTree& tree, const Folder& folder) {
  std::vector<std::string> out;
  for (const Diagnostic& each : tree.built.diagnostics.all()) {
    out.push_back(each.file.substr(folder.path.string().size() + 1) + ": " + each.message);
  }
  return out;
}

}  // namespace

TEST_CASE("a folder is read as the daemon reads it: manifests by their names, without dot-directories") {
  Folder folder;
  folder.write("a.yaml", config_map("a"));
  folder.write("deep/b.json", R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"}})");
  folder.write("deep/README.md", "words");
  folder.write(".git/config", "words");
  folder.write(".github/workflow.yaml", "on: push\n");
  Result<LocalTree> tree = read_folder(folder.path.string() + "/", {});
  REQUIRE(tree.ok());
  CHECK(tree->built.state == BuiltSet::State::kAccepted);
  CHECK(tree->files == 2);
  CHECK(tree->objects == 2);
  CHECK(tree->built.set->objects.begin()->origin.path == (folder.path / "a.yaml").string());
  CHECK(read_folder((folder.path / "none").string(), {}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("what the daemon refuses of a tree is refused of a folder, in the same words") {
  Folder folder;
  folder.write("a.yaml", config_map("same"));
  folder.write("b.yaml", "# once more\n---\n" + config_map("same"));
  folder.write("c.yaml", config_map("Bad_Name"));
  folder.write("large.yaml", std::string(2001, '#'));
  folder.write("module/.git", "gitdir: ../.git/modules/module\n");
  folder.write("module/x.yaml", config_map("x"));
  folder.write("bad\nname.yaml", config_map("y"));
  folder.write("shared/z.yaml", config_map("z"));
  fs::create_symlink("a.yaml", folder.path / "link.yaml");
  fs::create_directory_symlink("shared", folder.path / "linked");
  fs::create_directory_symlink("/etc", folder.path / "outside");
  fs::create_symlink("nothing", folder.path / "dangling");
  Result<LocalTree> tree = read_folder(folder.path.string(), {}, {.max_blob_bytes = 2000});
  REQUIRE(tree.ok());
  CHECK(tree->built.state == BuiltSet::State::kRefused);
  CHECK(tree->built.set == nullptr);
  CHECK(tree->files == 5);
  CHECK(tree->objects == 2);
  std::vector<std::string> found = findings(*tree, folder);
  REQUIRE(found.size() == 7);
  CHECK(found[0] == "bad?name.yaml: has a name that Git would not check out");
  CHECK(found[1].starts_with("c.yaml: Invalid value: \"Bad_Name\""));
  CHECK(found[2] == "large.yaml: 2001 bytes, and a manifest may have 2000");
  CHECK(found[3] == "link.yaml: is a symbolic link, which is never followed");
  CHECK(found[4] == "linked: is a symbolic link to a directory, which is never followed");
  CHECK(found[5] == "module: is a submodule, which is not read");
  CHECK(found[6] == "b.yaml: ConfigMap default/same is declared twice; the other is " +
                        (folder.path / "a.yaml").string() + ":1");
  CHECK(tree->built.diagnostics.all()[3].hint.find("add \"link.yaml\" to") != std::string::npos);
}

TEST_CASE("the walk over a folder has the bounds of one over a tree") {
  Folder folder;
  for (const char* name : {"a/b/c.yaml", "a/d.yaml"}) folder.write(name, config_map("c"));
  CHECK(read_folder(folder.path.string(), {}, {.max_tree_entries = 3}).error().code == ErrorCode::kFull);
  CHECK(read_folder(folder.path.string(), {}, {.max_tree_depth = 1}).error().code == ErrorCode::kFull);
  CHECK(read_folder(folder.path.string(), {}, {.max_tree_entries = 4, .max_tree_depth = 2}).ok());
}

TEST_CASE("files that are named are one tree, whatever they are called and through links") {
  Folder folder;
  const std::string a = folder.write("a.yaml", config_map("a")), b = folder.write("b.txt", config_map("b"));
  fs::create_symlink(b, folder.path / "link");
  Result<LocalTree> good = read_files({(folder.path / "link").string(), a, folder.path.string() + "/./a.yaml"}, {});
  REQUIRE(good.ok());
  CHECK(good->built.state == BuiltSet::State::kAccepted);
  CHECK(good->files == 2);
  CHECK(good->objects == 2);
  Result<LocalTree> twice = read_files({a, b, folder.write("c.yaml", config_map("a"))}, {});
  REQUIRE(twice.ok());
  CHECK(findings(*twice, folder) ==
        std::vector<std::string>{"c.yaml: ConfigMap default/a is declared twice; the other is " + a + ":1"});
  CHECK(read_files({a, (folder.path / "none").string()}, {}).error().code == ErrorCode::kNotFound);
  CHECK(read_files({}, {})->built.state == BuiltSet::State::kNoObjects);
}
