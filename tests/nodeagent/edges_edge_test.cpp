// The pure parts of the node's edges, with literals: references, configurations, users, records, logs, rules.
#include <catch2/catch.hpp>

#include <csignal>

#include "nodeagent/images/archive_names.h"
#include "nodeagent/images/manifest.h"
#include "nodeagent/images/pull_logins.h"
#include "nodeagent/images/reference.h"
#include "nodeagent/images/skopeo.h"
#include "nodeagent/log_file.h"
#include "nodeagent/network/cni_network.h"
#include "nodeagent/node_paths.h"
#include "nodeagent/process.h"
#include "nodeagent/runtime/monitor.h"
#include "nodeagent/runtime/oci_config.h"
#include "nodeagent/runtime/records.h"
#include "nodeagent/runtime/user.h"
#include "nodeagent/dns/resolver_config.h"
#include "nodeagent/volumes/etc_files.h"
#include "schema/base/crypto.h"
#include "schema/json.h"

using namespace mainstay;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

Value config_of(const OciConfigInput& input) {
  auto config = oci_config(input);
  REQUIRE(config.ok());
  auto value = read_json(config->json);
  REQUIRE(value.ok());
  return *value;
}

OciConfigInput plain_input() {
  OciConfigInput input;
  input.spec.key = {"uid", "web", 0};
  input.spec.command = {"/bin/web"};
  input.machine.capabilities = ~CapabilitySet{0};
  input.sandbox.netns = "/run/mainstay/netns/uid";
  input.sandbox.hostname = "web-1";
  input.ipc = "/run/mainstay/ns/uid/ipc";
  input.uts = "/run/mainstay/ns/uid/uts";
  input.shm = "/run/mainstay/ns/uid/shm";
  input.rootfs = "/run/bundle/rootfs";
  input.cgroup = "/mainstay/uid/uid_web_0";
  return input;
}

bool lists(const Value& list, std::string_view text) {
  for (const Value& item : list.as_list()) {
    if (item.is_string() && item.as_string() == text) return true;
  }
  return false;
}

const Value* mount_at(const Value& config, std::string_view destination) {
  for (const Value& item : config.find("mounts")->as_list()) {
    if (item.string_at("destination") == destination) return &item;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("image references have one normal form", "[images]") {
  const std::pair<std::string, std::string> good[] = {
      {"nginx", "docker.io/library/nginx:latest"},
      {"nginx:1.25", "docker.io/library/nginx:1.25"},
      {"library/nginx", "docker.io/library/nginx:latest"},
      {"weaveworksdemos/catalogue:0.3.5", "docker.io/weaveworksdemos/catalogue:0.3.5"},
      {"index.docker.io/redis", "docker.io/library/redis:latest"},
      {"localhost/mainstay/web:v1", "localhost/mainstay/web:v1"},
      {"localhost:5000/x", "localhost:5000/x:latest"},
      {"ghcr.io/a/b-c/d_e:V1.2_3-x", "ghcr.io/a/b-c/d_e:V1.2_3-x"},
      {"[::1]:5000/x", "[::1]:5000/x:latest"},
      {"nginx@" + kDigest, "docker.io/library/nginx@" + kDigest},
      {"nginx:1@" + kDigest, "docker.io/library/nginx:1@" + kDigest},
      {"a/b__c/d--e", "docker.io/a/b__c/d--e:latest"},
  };
  for (const auto& [text, name] : good) {
    INFO(text);
    auto reference = parse_reference(text);
    REQUIRE(reference.ok());
    CHECK(reference->name() == name);
    auto again = parse_reference(reference->name());
    REQUIRE(again.ok());
    CHECK(again->name() == name);
  }
  CHECK(parse_reference("nginx:1@" + kDigest)->pull_name() == "docker.io/library/nginx@" + kDigest);
  const std::string bad[] = {"",
                             ":",
                             "/x",
                             "x/",
                             "a//b",
                             "Nginx",
                             "nginx:",
                             "nginx:-x",
                             "nginx: 1",
                             "nginx@sha256:12",
                             "nginx@md5:" + std::string(64, 'a'),
                             "a..b",
                             "a___b",
                             "-a",
                             "a/-b",
                             "exa mple.com/x",
                             "example.com:port/x",
                             "--help",
                             "x:" + std::string(129, 'a'),
                             "a@b@c",
                             "../../etc"};
  for (const std::string& text : bad) {
    INFO(text);
    auto reference = parse_reference(text);
    REQUIRE_FALSE(reference.ok());
    CHECK(reference.error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("only loopback registries go without TLS", "[images]") {
  for (const char* text :
       {"localhost/x", "localhost:5000/x", "127.0.0.1:5000/x", "127.9.9.9/x", "[::1]:5000/x"}) {
    INFO(text);
    CHECK(parse_reference(text)->on_loopback());
  }
  for (const char* text :
       {"nginx", "127.0.0.1.evil.com/x", "localhost.evil.com/x", "10.0.0.1:5000/x", "[::2]/x"}) {
    INFO(text);
    CHECK_FALSE(parse_reference(text)->on_loopback());
  }
}

TEST_CASE("what skopeo says is sorted by what to do about it", "[images]") {
  auto fatal = [](const std::string& text) { return "time=\"2026\" level=fatal msg=\"" + text + "\"\n"; };
  CHECK(classify_skopeo(fatal("reading manifest v9 in x: manifest unknown")).code == ErrorCode::kNotFound);
  CHECK(classify_skopeo(fatal("unauthorized: authentication required")).code == ErrorCode::kDenied);
  CHECK(classify_skopeo(fatal("requested access to the resource is denied")).code == ErrorCode::kDenied);
  CHECK(classify_skopeo(fatal("dial tcp 127.0.0.1:1: connect: connection refused")).code ==
        ErrorCode::kUnavailable);
  CHECK(classify_skopeo(fatal("write /x: no space left on device")).code == ErrorCode::kFull);
  CHECK(classify_skopeo(fatal("a \\\"quoted\\\" word")).message == "a \"quoted\" word");
  CHECK_FALSE(classify_skopeo("").message.empty());
}

TEST_CASE("pull secrets are matched as the kubelet matches them, and none is quoted", "[images]") {
  auto entry = [](const std::string& key, const std::string& who) {
    return R"({"auths":{")" + key + R"(":{"auth":")" + base64(who + ":p") + R"("}}})";
  };
  auto users = [&](const std::vector<std::string>& configs, const std::string& image) {
    auto logins = pull_logins(configs, parse_reference(image).value());
    REQUIRE(logins.ok());
    std::string out;
    for (const PullLogin& login : *logins) out += login.auth.substr(0, login.auth.find(':')) + " ";
    return out;
  };
  CHECK(users({entry("a.io", "one"), entry("a.io", "two"), entry("b.io", "no")}, "a.io/x") == "one two ");
  CHECK(users({entry("a.io", "one"), entry("a.io/team", "two"), entry("a.io/other", "no")}, "a.io/team/x") == "two one ");
  CHECK(users({entry("a.io:5000", "one"), entry("a.io", "no")}, "a.io:5000/x") == "one ");
  CHECK(users({entry("*.a.io", "one"), entry("*.io", "no")}, "r.a.io/x") == "one ");
  CHECK(users({entry("https://a.io/v2/", "one"), entry("http://a.io/v1/team", "two")}, "a.io/team/x") == "two one ");
  for (const char* hub : {"https://index.docker.io/v1/", "index.docker.io", "docker.io", "docker.io/library"}) {
    CHECK(users({entry(hub, "one")}, "web") == "one ");
  }
  CHECK(users({entry("https://index.docker.io/v1/", "one")}, "a.io/web").empty());
  CHECK(users({R"({"a.io":{"username":"one","password":"p","email":"e"}})"}, "a.io/x") == "one ");
  CHECK(users({R"({"auths":{"a.io":{"auth":"b25lOnBw"}}})", R"({"auths":{}})"}, "a.io/x") == "one ");
  for (const char* bad : {"hunter2", "[]", R"({"auths":"hunter2"})", R"({"auths":{"b.io":"hunter2"}})",
                          R"({"auths":{"b.io":{"auth":"hunter2"}}})"}) {
    auto refused = pull_logins({bad}, parse_reference("a.io/x").value());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kInvalid);
    CHECK(refused.error().message.find("hunter2") == std::string::npos);
  }
  CHECK(login_file({"u:p", ""}, parse_reference("web").value()) == R"({"auths":{"docker.io":{"auth":"dTpw"}}})");
}

TEST_CASE("archives name their images", "[images]") {
  auto entry = [](const std::string& annotations) {
    return R"({"digest":")" + kDigest + R"(","size":1,"annotations":{)" + annotations + "}}";
  };
  auto one = oci_archive_images(
      R"({"manifests":[)" + entry(R"("org.opencontainers.image.ref.name":"localhost/a:v1")") + "]}",
      "oci-archive");
  REQUIRE(one.ok());
  CHECK(one->at(0).names == std::vector<std::string>{"localhost/a:v1"});
  CHECK(one->at(0).selector.empty());
  auto tag_only = oci_archive_images(
      R"({"manifests":[)" + entry(R"("org.opencontainers.image.ref.name":"v1")") + "]}", "oci-archive");
  REQUIRE(tag_only.ok());
  CHECK(tag_only->at(0).names.empty());
  auto docker = docker_archive_images(R"([{"RepoTags":["web:1","web:2"]},{"RepoTags":null}])");
  REQUIRE(docker.ok());
  CHECK(docker->at(0).names ==
        std::vector<std::string>{"docker.io/library/web:1", "docker.io/library/web:2"});
  CHECK(docker->at(1).selector == ":@1");
  CHECK_FALSE(parse_manifest(R"({"config":{"digest":"sha256:../../x","size":1},"layers":[]})").ok());
  CHECK_FALSE(parse_index(R"({"manifests":[{"digest":"md5:1","size":1}]})").ok());
  CHECK_FALSE(parse_image_config("[]").ok());
}

TEST_CASE("command, arguments and environment combine as Kubernetes says", "[runtime]") {
  ContainerSpec spec;
  spec.image.config.entrypoint = {"entry", "e1"};
  spec.image.config.cmd = {"cmd"};
  CHECK(*process_arguments(spec) == std::vector<std::string>{"entry", "e1", "cmd"});
  spec.args = {"arg"};
  CHECK(*process_arguments(spec) == std::vector<std::string>{"entry", "e1", "arg"});
  spec.command = {"command"};
  CHECK(*process_arguments(spec) == std::vector<std::string>{"command", "arg"});
  spec.args.clear();
  CHECK(*process_arguments(spec) == std::vector<std::string>{"command"});
  ContainerSpec empty;
  CHECK(process_arguments(empty).error().code == ErrorCode::kInvalid);

  spec.image.config.env = {"A=image", "PATH=/image"};
  spec.env = {"B=1", "A=pod", "B=2", "EMPTY="};
  CHECK(process_environment(spec, "web-1", "/home") ==
        std::vector<std::string>{"PATH=/image", "HOME=/home", "HOSTNAME=web-1", "A=pod", "B=2", "EMPTY="});
}

TEST_CASE("config.json has containerd's defaults", "[runtime]") {
  Value config = config_of(plain_input());
  CHECK(config.find_path({"process", "terminal"})->as_bool() == false);
  CHECK(config.find_path({"process", "cwd"})->as_string() == "/");
  CHECK_FALSE(config.find_path({"process", "rlimits"}));
  const Value& bounding = *config.find_path({"process", "capabilities", "bounding"});
  CHECK(bounding.as_list().size() == 14);
  CHECK(lists(bounding, "CAP_NET_BIND_SERVICE"));
  CHECK_FALSE(lists(bounding, "CAP_SYS_ADMIN"));
  CHECK_FALSE(config.find_path({"process", "capabilities", "ambient"}));
  CHECK(lists(*config.find_path({"linux", "maskedPaths"}), "/proc/kcore"));
  CHECK(lists(*config.find_path({"linux", "readonlyPaths"}), "/proc/sys"));
  CHECK(config.find_path({"linux", "cgroupsPath"})->as_string() == "/mainstay/uid/uid_web_0");
  CHECK(config.find_path({"linux", "resources", "cpu", "shares"})->as_int() == 2);
  CHECK_FALSE(config.find_path({"linux", "resources", "memory"}));
  for (const char* path :
       {"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"}) {
    INFO(path);
    CHECK(mount_at(config, path));
  }
  CHECK(
      to_json(*config.find_path({"linux", "namespaces"})) ==
      R"([{"type":"mount"},{"type":"pid"},{"type":"ipc","path":"/run/mainstay/ns/uid/ipc"},)"
      R"({"type":"uts","path":"/run/mainstay/ns/uid/uts"},{"type":"network","path":"/run/mainstay/netns/uid"}])");
}

TEST_CASE("config.json gives a terminal to who wants one, and says which", "[runtime]") {
  OciConfigInput input = plain_input();
  CHECK_FALSE(lists(*config_of(input).find_path({"process", "env"}), "TERM=xterm"));
  input.spec.terminal = true;
  CHECK(config_of(input).find_path({"process", "terminal"})->as_bool());
  CHECK(lists(*config_of(input).find_path({"process", "env"}), "TERM=xterm"));
  input.spec.env = {"TERM=vt100"};
  CHECK(lists(*config_of(input).find_path({"process", "env"}), "TERM=vt100"));
}

TEST_CASE("config.json follows limits, mounts and the host namespaces", "[runtime]") {
  OciConfigInput input = plain_input();
  input.machine.cgroup_v2 = true;
  input.spec.limits = {512, 50'000, 64 << 20, 100, -500};
  input.machine.lowest_oom_score_adj = 0;
  input.spec.mounts = {
      {"/n/inner", "/data/inner", true}, {"/n/data", "/data/", false}, {"/n/shm", "/dev/shm", false}};
  input.sandbox.host_network = input.sandbox.host_ipc = input.sandbox.host_pid = true;
  auto made = oci_config(input);
  REQUIRE(made.ok());
  REQUIRE(made->notes.size() == 1);
  CHECK(made->notes[0] == "oom_score_adj -500 is not allowed on this node, it is 0");
  Value config = config_of(input);
  CHECK(to_json(*config.find_path({"linux", "namespaces"})) == R"([{"type":"mount"},{"type":"cgroup"}])");
  CHECK(config.find_path({"process", "oomScoreAdj"})->as_int() == 0);
  const Value& resources = *config.find_path({"linux", "resources"});
  CHECK(resources.find_path({"cpu", "quota"})->as_int() == 50'000);
  CHECK(resources.find_path({"memory", "limit"})->as_int() == 64 << 20);
  CHECK(resources.find_path({"pids", "limit"})->as_int() == 100);
  CHECK(resources.find_path({"unified", "memory.oom.group"})->as_string() == "1");
  CHECK(mount_at(config, "/dev/shm")->string_at("source") == "/n/shm");
  // Outer before inner.
  const ValueList& mounts = config.find("mounts")->as_list();
  CHECK(mounts[mounts.size() - 3].string_at("destination") == "/data");
  CHECK(lists(*mount_at(config, "/data/inner")->find("options"), "ro"));
  for (const char* bad : {"", "/", "data", "/a/../b"}) {
    input.spec.mounts = {{"/n", bad, false}};
    CHECK(oci_config(input).error().code == ErrorCode::kInvalid);
  }
}

TEST_CASE("capabilities: default, add, drop, privileged, and what the node has not", "[runtime]") {
  auto names = [](const SecuritySpec& security) {
    return capability_names(wanted_capabilities(security).value());
  };
  SecuritySpec security;
  security.drop_capabilities = {"ALL"};
  CHECK(names(security).empty());
  security.add_capabilities = {"NET_ADMIN", "cap_sys_time"};
  CHECK(names(security) == std::vector<std::string>{"CAP_NET_ADMIN", "CAP_SYS_TIME"});
  security.drop_capabilities = {"CHOWN", "NET_RAW"};
  CHECK(names(security).size() == 14);
  security.privileged = true;
  CHECK(names(security).size() == 41);
  security.add_capabilities = {"FLY"};
  CHECK(wanted_capabilities(security).error().code == ErrorCode::kInvalid);

  OciConfigInput input = plain_input();
  input.spec.security.privileged = true;
  input.machine.capabilities &= ~(CapabilitySet{1} << *capability_number("SYS_RESOURCE"));
  auto config = oci_config(input);
  REQUIRE(config.ok());
  CHECK(config->notes ==
        std::vector<std::string>{"capabilities the node itself does not have: CAP_SYS_RESOURCE"});
  CHECK(config->json.find("maskedPaths") == std::string::npos);
}

TEST_CASE("a command that an image does not have is told from other refusals, whichever runtime says it", "[runtime]") {
  auto code = [](const std::string& said) { return creation_refused(said).code; };
  CHECK(code("time=\"2026\" level=error msg=\"runc create failed: unable to start container process: exec: "
             "\\\"/bin/absent\\\": stat /bin/absent: no such file or directory\"") == ErrorCode::kNotFound);
  CHECK(code("runc create failed: exec: \"absent\": executable file not found in $PATH") == ErrorCode::kNotFound);
  CHECK(code("executable file `/bin/absent` not found in $PATH: No such file or directory") == ErrorCode::kNotFound);
  CHECK(code("runc create failed: exec: \"/dir\": permission denied") == ErrorCode::kFailed);
  CHECK(code("open executable: Permission denied") == ErrorCode::kFailed);
  CHECK(creation_refused("x").message == "creating the container: x");
}

TEST_CASE("users come from the security context, the image and its passwd", "[runtime]") {
  const std::string passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:w:/srv:/bin/sh\nbroken:x:abc\n";
  const std::string group = "root:x:0:\nlogs:x:40:web,other\nwww:x:50:\n";
  auto user = [&](const std::string& image, const SecuritySpec& security = {}) {
    return resolve_user(image, security, passwd, group);
  };
  CHECK(user("")->uid == 0);
  CHECK(user("")->home == "/root");
  CHECK(user("web")->gid == 34);
  CHECK(user("web")->groups == std::vector<int64_t>{40});
  CHECK(user("web:www")->gid == 50);
  CHECK(user("33")->gid == 34);
  CHECK(user("1000:2000")->gid == 2000);
  CHECK(user("1000")->gid == 0);
  CHECK(user("nobody").error().code == ErrorCode::kNotFound);
  CHECK(user("web:none").error().code == ErrorCode::kNotFound);
  CHECK(user("broken").error().code == ErrorCode::kNotFound);
  CHECK(user("4294967295").error().code == ErrorCode::kNotFound);
  SecuritySpec security;
  security.run_as_non_root = true;
  CHECK(user("nobody").error().message == "unable to find user nobody: no matching entries in passwd file");
  CHECK(user("web:none").error().message == "unable to find group none: no matching entries in group file");
  CHECK(user("", security).error().code == ErrorCode::kInvalid);
  CHECK(user("", security).error().message == "container has runAsNonRoot and image will run as root");
  CHECK(user("web", security).error().message.find("non-numeric user (web)") != std::string::npos);
  CHECK(user("33", security)->uid == 33);
  security.run_as_user = 1000;
  security.run_as_group = 3000;
  security.extra_groups = {9, 9, 1};
  CHECK(user("web:www", security)->uid == 1000);
  CHECK(user("web:www", security)->gid == 3000);
  CHECK(user("web:www", security)->groups == std::vector<int64_t>{1, 9});
}

TEST_CASE("records read back as written, and damaged ones do not", "[runtime]") {
  ContainerRecord record;
  record.container.key = {"uid", "web", 3};
  record.container.number = 12;
  record.container.note = "hash \"x\"";
  record.container.layers = {"a", "b"};
  record.container.notes = {"n"};
  record.stop_signal = "SIGQUIT";
  record.started_at.since_epoch = Duration(1234567);
  auto read = decode_container_record(encode_record(record));
  REQUIRE(read.ok());
  CHECK(read->container.key == record.container.key);
  CHECK(read->container.note == record.container.note);
  CHECK(read->container.layers == record.container.layers);
  CHECK(read->started_at == record.started_at);
  SandboxSpec sandbox;
  sandbox.uid = "uid";
  sandbox.host_network = true;
  sandbox.number = 5;
  CHECK(decode_sandbox_record(encode_record(sandbox))->number == 5);
  CHECK(decode_sandbox_record(encode_record(sandbox))->host_network);
  for (const char* bad : {"", "{", "[]", "null"}) CHECK_FALSE(decode_container_record(bad).ok());
}

TEST_CASE("stop signals by name and number", "[runtime]") {
  CHECK(signal_number("") == SIGTERM);
  CHECK(signal_number("SIGQUIT") == SIGQUIT);
  CHECK(signal_number("INT") == SIGINT);
  CHECK(signal_number("3") == 3);
  CHECK(signal_number("SIGRTMIN+3") == SIGRTMIN + 3);
  CHECK(signal_number("SIGNONSENSE") == SIGTERM);
  CHECK(signal_number("999") == SIGTERM);
}

TEST_CASE("names that become paths are plain", "[edges]") {
  CHECK(check_key({"8f14e45f-ceea-467f-a8f6-0a1b2c3d4e5f", "web", 0}).ok());
  for (const char* uid : {"", ".", "..", "a/b", "a b", ".hidden", "a_b"}) CHECK_FALSE(check_uid(uid).ok());
  CHECK_FALSE(check_key({"uid", "we/b", 0}).ok());
  NodePaths paths{"/var/lib/mainstay", "/run/mainstay", "mainstay"};
  CHECK(check_paths(paths).ok());
  for (const char* dir : {"", "relative", "/", "/x/", "/with,comma", "/with:colon", "/with space"}) {
    paths.run_dir = dir;
    CHECK_FALSE(check_paths(paths).ok());
  }
}

TEST_CASE("CRI log lines", "[log]") {
  auto line = parse_log_line("2016-10-06T00:17:09.669794202Z stdout F The content");
  REQUIRE(line);
  CHECK(line->text == "The content");
  CHECK_FALSE(line->from_stderr);
  CHECK(line->when.since_epoch.count() == 1475713029669794);
  CHECK(parse_log_line("2016-10-06T02:17:09.669794202+02:00 stderr P  two spaces ")->text == " two spaces ");
  CHECK(parse_log_line("2016-10-06T00:17:09Z stdout F")->text.empty());
  CHECK(parse_log_line("2016-10-06T00:17:09Z stdout F:tag x")->text == "x");
  for (const char* bad : {"", "x", "yesterday stdout F x", "2016-10-06T00:17:09Z stdin F x",
                          "2016-10-06T00:17:09Z stdout X x"}) {
    INFO(bad);
    CHECK_FALSE(parse_log_line(bad));
  }
  std::vector<LogLine> lines;
  for (const char* text : {"2016-10-06T00:17:09Z stdout P ab", "2016-10-06T00:17:10Z stdout F cd",
                           "2016-10-06T00:17:11Z stdout F ef"}) {
    lines.push_back(*parse_log_line(text));
  }
  CHECK(render_log(lines, false) == "abcd\nef\n");
  CHECK(render_log(lines, true) == "2016-10-06T00:17:09Z abcd\n2016-10-06T00:17:11Z ef\n");
  // conmon writes the node's zone as numbers, in UTC too.
  for (const char* zone : {"+00:00", "Z", "+02:00"}) {
    std::string time = "2016-10-06T00:17:09.123456789", shown = std::string(zone) == "+02:00" ? zone : "Z";
    CHECK(render_log({*parse_log_line(time + zone + " stdout F x")}, true) == time + shown + " x\n");
  }
  // A line of the other stream between two parts of one tears neither.
  std::vector<LogLine> mixed;
  for (const char* text : {"2016-10-06T00:17:09Z stdout P ab", "2016-10-06T00:17:10Z stderr F err",
                           "2016-10-06T00:17:11Z stdout F cd", "2016-10-06T00:17:12Z stdout P e"}) {
    mixed.push_back(*parse_log_line(text));
  }
  CHECK(render_log(mixed, false) == "err\nabcd\ne");
  CHECK(render_log(mixed, true) == "2016-10-06T00:17:10Z err\n2016-10-06T00:17:09Z abcd\n2016-10-06T00:17:12Z e");
}

TEST_CASE("CNI answers and configuration", "[network]") {
  auto network = parse_cni_result(
      R"({"cniVersion":"0.4.0","interfaces":[{"name":"veth1","mac":"x"},{"name":"eth0","sandbox":"/run/n"}],)"
      R"("ips":[{"version":"4","address":"10.88.0.5/24","gateway":"10.88.0.1"}]})");
  REQUIRE(network.ok());
  CHECK(network->ip == "10.88.0.5");
  CHECK(network->host_interface == "veth1");
  for (const char* bad :
       {"", "{}", R"({"ips":[{"address":"fe80::1/64"}]})", R"({"ips":[{"address":"10.0.0"}]})"}) {
    CHECK_FALSE(parse_cni_result(bad).ok());
  }
  for (const char* good : {"10.88.0.0/24", "10.0.0.0/8", "192.168.7.8/30"}) CHECK(check_cidr(good).ok());
  for (const char* bad :
       {"", "10.88.0.1/24", "10.88.0.0", "10.88.0.0/31", "10.88.0.0/7", "10.88.0.0/24x", "x/24"}) {
    INFO(bad);
    CHECK_FALSE(check_cidr(bad).ok());
  }
}

TEST_CASE("hosts and resolv.conf", "[volumes]") {
  std::string hosts = render_hosts("10.0.0.2", "web", "web.svc.ns", {{"1.2.3.4", {"a", "b"}}});
  CHECK(hosts.find("127.0.0.1\tlocalhost\n") != std::string::npos);
  CHECK(hosts.ends_with("10.0.0.2\tweb.svc.ns\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"));
  CHECK(render_resolv_conf({{"1.1.1.1", "2.2.2.2"}, {"a", "b"}, {"ndots:5"}}) ==
        "search a b\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions ndots:5\n");
  ResolverConfig parsed =
      parse_resolv_conf("# c\ndomain x\nsearch a b # no\nnameserver 9.9.9.9\nsortlist x\noptions rotate\n");
  CHECK(parsed.searches == std::vector<std::string>{"a", "b"});
  CHECK(parsed.nameservers == std::vector<std::string>{"9.9.9.9"});
  CHECK(parsed.options == std::vector<std::string>{"rotate"});
}

TEST_CASE("programs are run with bounds", "[edges]") {
  ProcessSpec spec;
  spec.argv = {"/bin/sh", "-c", "cat; echo err >&2; exit 7"};
  spec.env = plain_environment();
  spec.stdin_bytes = std::string(300'000, 'x');  // more than a pipe holds
  spec.max_output = 1000;
  auto result = run_process(spec);
  REQUIRE(result.ok());
  CHECK(result->exit_code == 7);
  CHECK(result->out == std::string(1000, 'x'));
  CHECK(result->truncated);
  CHECK(result->err == "err\n");
  CHECK(run_checked(spec).error().message.find("exit code 7: err") != std::string::npos);
  CHECK(said_in_log("level=info msg=\"a\"\nlevel=fatal msg=\"b \\\"c\\\"\"\n") == "b \"c\"");

  spec.argv = {"/bin/sh", "-c", "exec true"};  // reads nothing of what it is given
  CHECK(run_process(spec)->exit_code == 0);

  spec.stdin_bytes.clear();
  spec.argv = {"/bin/sh", "-c", "sleep 1000 & sleep 1000"};
  spec.timeout = 100ms;
  auto late = run_process(spec);
  REQUIRE(late.ok());
  CHECK(late->timed_out);
  CHECK(late->exit_code == 128 + SIGKILL);

  // A child that keeps the pipes open after its parent has ended is not waited for.
  spec.argv = {"/bin/sh", "-c", "sleep 2 & echo here"};
  spec.timeout = 60s;
  CHECK(run_process(spec)->out == "here\n");

  spec.argv = {"/absent/program"};
  CHECK(run_process(spec).error().code == ErrorCode::kNotFound);
}
