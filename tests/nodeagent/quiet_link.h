// A control plane that hands out nothing: the base of those a test writes.
#pragma once

#include "nodeagent/control_link.h"

namespace mainstay::test {

// Has neither streams nor tokens, and its credential has no end.
class QuietLink : public ControlLink {
 public:
  Result<std::unique_ptr<UpStream>> dial(uint64_t) override { return failed("no streams here"); }
  Status refuse(uint64_t, int, const std::string&) override { return {}; }
  Result<IssuedToken> issue_token(const TokenOrder&) override { return failed("no tokens here"); }
  Result<CredentialState> credential_state() override { return CredentialState{}; }
  Result<FreshCredential> renew_credential() override { return failed("no credentials here"); }
  Result<FreshCredential> join(const std::string&) override { return failed("no credentials here"); }
  void use_credential(const FreshCredential&) override {}
  bool node_deleted() const override { return false; }
};

}  // namespace mainstay::test
