// The cluster's own certificate authority and the server's certificate: ECDSA P-256, kept under
// <data-dir>/pki (directory 0700, keys 0600), written so that a crash leaves either the old or the new file.
// Startup and a daily check call it; time is an argument. Edge (files, random numbers); one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay::api {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

struct Pki {
  std::string ca_pem;     // give this to clients
  KeyPair server;         // leaf first, then the CA
  bool ca_created = false;
  bool ca_renewed = false;  // the same key, a later end: old and new certificates both prove the server's
  bool server_renewed = false;
  WallTime ca_end, server_end;
};

// Reads what is there, makes what is missing. The server's certificate names `names` (DNS names or
// addresses) and is renewed when a third of its life is left or a name is missing in it; it never outlives the
// authority's, which is renewed when a fifth of its life is left. Who still holds the authority's old certificate
// then has two years to get the new one. kCorrupt when files are there but do not fit together: that needs a person.
Result<Pki> open_pki(const std::string& data_dir, const std::vector<std::string>& names, WallTime now);

struct CertificateFacts {
  std::vector<std::string> names;  // subject alternative names, addresses as text; sorted
  WallTime not_before, not_after;
  bool authority = false;
};
Result<CertificateFacts> read_certificate(std::string_view pem);

// A kubeconfig with one cluster, user and context called `name`. `server` is "https://host:port".
std::string kubeconfig_text(std::string_view name, std::string_view server, std::string_view ca_pem,
                            std::string_view token);

}  // namespace mainstay::api
