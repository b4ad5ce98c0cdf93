// The keeper of a node's credential: whenever the agent dies, the credential on its disk is one that is taken.
#include "nodeagent/credential_keeper.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "nodeagent/disk.h"
#include "tests/nodeagent/edge_images.h"

namespace mainstay {
namespace {

using test::TempDir;

struct Killed {};

// The control plane's half of the rules: a renewed credential is pending until it is used, which ends all others.
struct ControlPlane {
  std::set<std::string> good{"c0"}, pending;
  Duration life{100s}, remaining{100s};
  int issued = 0, joins = 0;
  bool away = false, deleted = false;
  std::string join_token = "join-good";
  std::string ca = "CA-1";

  std::string issue() {
    std::string text = "c" + std::to_string(++issued);
    good.insert(text);
    remaining = life;
    return text;
  }
  bool use(const std::string& text) {
    if (good.count(text) == 0) return false;
    if (pending.count(text) != 0) {
      good = {text};
      pending.clear();
    }
    return true;
  }
};

class FakeLink : public ControlLink {
 public:
  FakeLink(ControlPlane& control, std::string credential) : control_(control), used_(std::move(credential)) {}

  int dies_at = -1;  // the step before which the agent is killed
  const std::string& used() const { return used_; }

  Result<CredentialState> credential_state() override {
    step();
    RETURN_IF_ERROR(present());
    return CredentialState{control_.life, control_.remaining};
  }
  Result<FreshCredential> renew_credential() override {
    step();
    RETURN_IF_ERROR(present());
    std::string text = control_.issue();
    control_.pending.insert(text);
    step();  // the answer is lost
    return FreshCredential{text, control_.ca};
  }
  Result<FreshCredential> join(const std::string& token) override {
    ++control_.joins;
    step();
    if (control_.away) return error(ErrorCode::kUnavailable, "away");
    if (token != control_.join_token) return error(ErrorCode::kDenied, "this token is not known here");
    control_.good.clear();
    std::string text = control_.issue();
    step();
    return FreshCredential{text, control_.ca};
  }
  void use_credential(const FreshCredential& credential) override {
    step();
    used_ = credential.text;
  }
  bool node_deleted() const override { return control_.deleted; }

  Result<AgentPollAnswer> poll(const AgentHas&, Duration) override { return failed("not here"); }
  Status report(const NodeReport&) override { return failed("not here"); }
  Result<std::unique_ptr<UpStream>> dial(uint64_t) override { return failed("not here"); }
  Status refuse(uint64_t, int, const std::string&) override { return failed("not here"); }
  Result<IssuedToken> issue_token(const TokenOrder&) override { return failed("not here"); }
  void interrupt() override {}

 private:
  void step() {
    if (dies_at-- == 0) throw Killed();
  }
  Status present() {
    if (control_.away) return error(ErrorCode::kUnavailable, "away");
    return control_.use(used_) ? Status() : error(ErrorCode::kDenied, "it was revoked");
  }

  ControlPlane& control_;
  std::string used_;
};

struct Keeping {
  TempDir dir;
  CredentialKeeper::Settings settings{dir.path() + "/credential", dir.path() + "/ca.crt", dir.path() + "/token", 0.8};
  ControlPlane control;

  Keeping() { REQUIRE(write_credential(settings, {"c0", ""}).ok()); }
  std::string kept() const { return read_credential(settings.file).value(); }
};

}  // namespace

TEST_CASE("a credential is renewed when its share of life is over, not before") {
  Keeping node;
  FakeLink link(node.control, "c0");
  CredentialKeeper keeper(node.settings, link);
  CHECK(keeper.look() == 80s);
  node.control.remaining = 21s;
  CHECK(keeper.look() == 1s);
  CHECK(node.control.issued == 0);
  node.control.remaining = 20s;
  CHECK(keeper.look() < 1s);
  CHECK(node.kept() == "c1");
  CHECK(link.used() == "c1");
  CHECK(*read_file(node.settings.ca_file) == "CA-1");
  CHECK(node.control.good.size() == 2);
  CHECK(keeper.look() == 80s);  // used: the one before has ended
  CHECK(node.control.good == std::set<std::string>{"c1"});
  node.control.life = node.control.remaining = 24h * 90;
  CHECK(keeper.look() == 1h);  // clocks may stand still
}

TEST_CASE("killed before any step of a renewal, the agent has a credential that is taken") {
  int step = 0;
  for (bool survived = false; !survived; ++step) {
    INFO("killed before step " << step);
    REQUIRE(step < 20);
    Keeping node;
    node.control.remaining = 1s;
    FakeLink link(node.control, "c0");
    link.dies_at = step;
    CredentialKeeper keeper(node.settings, link);
    try {
      keeper.look();
      keeper.look();
      survived = true;
    } catch (const Killed&) {
    }
    FakeLink again(node.control, node.kept());
    CredentialKeeper next(node.settings, again);
    next.look();
    next.look();
    CHECK(node.control.joins == 0);
    CHECK(node.control.good.count(node.kept()) == 1);
    CHECK(again.used() == node.kept());
  }
  CHECK(step > 4);
}

TEST_CASE("a credential that cannot be written is not used") {
  Keeping node;
  node.control.remaining = 1s;
  std::filesystem::remove(node.settings.file);
  std::filesystem::create_directory(node.settings.file);
  FakeLink link(node.control, "c0");
  CredentialKeeper keeper(node.settings, link);
  CHECK(keeper.look() <= 30s);
  CHECK(link.used() == "c0");
  CHECK(node.control.good.count("c0") == 1);
  std::filesystem::remove(node.settings.file);
  node.control.remaining = 1s;
  keeper.look();
  CHECK(node.kept() == link.used());
}

TEST_CASE("a credential of a version before, without an end, is replaced by one with an end") {
  Keeping node;
  node.control.life = node.control.remaining = Duration{0};
  FakeLink link(node.control, "c0");
  CredentialKeeper keeper(node.settings, link);
  keeper.look();
  CHECK(node.kept() == "c1");
}

TEST_CASE("while the control plane is away nothing changes") {
  Keeping node;
  node.control.away = true;
  FakeLink link(node.control, "c0");
  CredentialKeeper keeper(node.settings, link);
  CHECK(keeper.look() <= 60s);
  CHECK(node.kept() == "c0");
  CHECK(node.control.joins == 0);
}

TEST_CASE("a refused node joins again with a join token, but not with one it had all along") {
  Keeping node;
  REQUIRE(write_file(node.settings.token_file, "join-good\n", 0600).ok());
  FakeLink link(node.control, "c0");
  CredentialKeeper keeper(node.settings, link);
  keeper.look();  // taken, so the token has served
  node.control.good.clear();
  CHECK(keeper.look() <= 10s);
  CHECK(node.control.joins == 0);

  REQUIRE(write_file(node.settings.token_file, "join-wrong\n", 0600).ok());
  keeper.look();
  keeper.look();
  CHECK(node.control.joins == 1);  // not asked again and again
  CHECK(node.kept() == "c0");
  node.control.join_token = "join-new";
  node.control.away = false;
  REQUIRE(write_file(node.settings.token_file, "  join-new  \n", 0600).ok());
  keeper.look();
  CHECK(node.kept() == "c1");
  CHECK(link.used() == "c1");
  CHECK(keeper.look() == 80s);

  // A new start is a wish to join.
  node.control.good.clear();
  FakeLink again(node.control, "c1");
  CredentialKeeper next(node.settings, again);
  next.look();
  CHECK(node.kept() == "c2");
}

}  // namespace mainstay
