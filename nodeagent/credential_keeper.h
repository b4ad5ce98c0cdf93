// CredentialKeeper: this node's credential, renewed well before it ends. A new one is on the disk before it is used,
// and the control plane takes the old one until then: whenever the agent dies, the one on the disk is good. When the
// control plane takes it no more, a join token in the token file gets another. One thread.
#pragma once

#include <string>

#include "nodeagent/control_link.h"
#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay {

class CredentialKeeper {
 public:
  struct Settings {
    std::string file;        // where the credential is kept; "": nowhere
    std::string ca_file;     // where the cluster's certificate is kept that comes with it; "": nowhere
    std::string token_file;  // where a join token may be put; "": nowhere
    // After what part of its life a credential is renewed: 0.7 to 0.9, another on each node, so that those who
    // joined together do not come together.
    double renew_at = 0.8;
  };
  // The link must outlive it.
  CredentialKeeper(Settings settings, ControlLink& link) : settings_(std::move(settings)), link_(link) {}

  // Renews what is due, joins where that is needed and possible. In what time to look again; sooner does no harm.
  Duration look();

 private:
  Duration renew(const CredentialState& state);
  Duration join_again(const Error& refusal);
  // On the disk first, then in use.
  Status adopt(const FreshCredential& credential);
  std::string given_token() const;

  const Settings settings_;
  ControlLink& link_;
  std::string spent_token_;  // a join token that is not to be tried (again)
  std::string said_;         // so that a refusal is logged once
};

// The credential or join token in a file, without white space around it. kNotFound if there is none.
Result<std::string> read_credential(const std::string& path);
// Durable; the certificate first, if there is one.
Status write_credential(const CredentialKeeper::Settings& settings, const FreshCredential& credential);

}  // namespace mainstay
