#include "reconciler/api/pki.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>

#include "reconciler/store/private_file.h"
#include "schema/base/crypto.h"

namespace mainstay::api {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDay = 24h;
constexpr Duration kAuthorityLife = 3650 * kDay;
constexpr Duration kServerLife = 365 * kDay;
constexpr Duration kRenewBefore = kServerLife / 3;
constexpr Duration kRenewAuthorityBefore = kAuthorityLife / 5;
constexpr Duration kBackdate = 1h;  // clients' clocks may be behind

struct Free {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free_all(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
  void operator()(ASN1_INTEGER* p) const { ASN1_INTEGER_free(p); }
  void operator()(BIGNUM* p) const { BN_free(p); }
};
template <typename T>
using Held = std::unique_ptr<T, Free>;

Error crypto_error(const std::string& what) {
  char text[256] = "unknown reason";
  if (unsigned long code = ERR_get_error()) ERR_error_string_n(code, text, sizeof text);
  ERR_clear_error();
  return failed(what + ": " + text);
}

Held<BIO> memory(std::string_view bytes) {
  return Held<BIO>(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::string contents(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

Held<X509> parse_certificate(std::string_view pem) {
  Held<X509> certificate(PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

Held<EVP_PKEY> parse_key(std::string_view pem) {
  Held<EVP_PKEY> key(PEM_read_bio_PrivateKey(memory(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return key;
}

std::string pem_of(X509* certificate) {
  Held<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return contents(bio.get());
}

std::string pem_of(EVP_PKEY* key) {
  Held<BIO> bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return contents(bio.get());
}

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 || inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

// The spelling a certificate gives back, so that names can be compared.
std::string normal_name(const std::string& name) {
  unsigned char bytes[16];
  char text[INET6_ADDRSTRLEN];
  for (int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, name.c_str(), bytes) == 1) return inet_ntop(family, bytes, text, sizeof text);
  }
  return name;
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Held<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::string bytes = random_bytes(16);
  bytes[0] = static_cast<char>(bytes[0] & 0x7f);  // positive, at most 20 octets (RFC 5280, 4.1.2.2)
  bytes[15] = static_cast<char>(bytes[15] | 1);
  Held<BIGNUM> number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), 16, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_time(ASN1_TIME* to, WallTime time) {
  return ASN1_TIME_set(to, std::chrono::duration_cast<std::chrono::seconds>(time.since_epoch).count());
}

WallTime time_of(const ASN1_TIME* time) {
  tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return WallTime{std::chrono::seconds(timegm(&parts))};
}

struct Subject {
  std::string common_name;
  std::string alternative_names;  // "DNS:a,IP:b"; empty for an authority
  WallTime end;
};

// Signed by `issuer`, or by itself when there is none.
Result<Held<X509>> make_certificate(const Subject& subject, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key,
                                    WallTime now) {
  Held<X509> made(X509_new());
  X509* c = made.get();
  X509_NAME* name = X509_get_subject_name(c);
  bool ok = X509_set_version(c, 2) && set_serial(c) && set_time(X509_getm_notBefore(c), now - kBackdate) &&
            set_time(X509_getm_notAfter(c), subject.end) && X509_set_pubkey(c, key) &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(subject.common_name.c_str()),
                                       -1, -1, 0) &&
            X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : name);
  X509* signer = issuer ? issuer : c;
  bool authority = subject.alternative_names.empty();
  ok = ok && add_extension(c, signer, NID_subject_key_identifier, "hash") &&
       add_extension(c, signer, NID_authority_key_identifier, "keyid");
  if (authority) {
    ok = ok && add_extension(c, signer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
         add_extension(c, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    ok = ok && add_extension(c, signer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(c, signer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(c, signer, NID_ext_key_usage, "serverAuth") &&
         add_extension(c, signer, NID_subject_alt_name, subject.alternative_names);
  }
  if (!ok || X509_sign(c, issuer_key ? issuer_key : key, EVP_sha256()) == 0) {
    return crypto_error("making the certificate of " + subject.common_name);
  }
  return made;
}

Held<EVP_PKEY> make_key() { return Held<EVP_PKEY>(EVP_EC_gen("P-256")); }

Result<std::string> alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    bool plain = !name.empty() && name.size() <= 253 &&
                 name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-*_") ==
                     std::string::npos;
    if (!plain || (name.find(':') != std::string::npos && !is_address(name))) {
      return error(ErrorCode::kInvalid, "'" + name + "' is neither a host name nor an address");
    }
    if (!out.empty()) out += ',';
    out += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  if (out.empty()) return error(ErrorCode::kInvalid, "the server's certificate needs a name");
  return out;
}

// With the key given as PEM, or with a new one.
Result<KeyPair> make_authority(const std::string& key_pem, WallTime now) {
  Held<EVP_PKEY> key = key_pem.empty() ? make_key() : parse_key(key_pem);
  if (!key) return crypto_error("making a key");
  ASSIGN_OR_RETURN(Held<X509> made,
                   make_certificate({"mainstay-ca", "", now + kAuthorityLife}, key.get(), nullptr, nullptr, now));
  return KeyPair{pem_of(made.get()), pem_of(key.get())};
}

Result<KeyPair> make_server(const KeyPair& authority, const std::vector<std::string>& names, WallTime now) {
  Held<X509> issuer = parse_certificate(authority.certificate_pem);
  Held<EVP_PKEY> issuer_key = parse_key(authority.key_pem), key = make_key();
  if (!issuer || !issuer_key || !key) return crypto_error("making a key");
  ASSIGN_OR_RETURN(std::string alternatives, alternative_names(names));
  WallTime end = std::min(now + kServerLife, time_of(X509_get0_notAfter(issuer.get())));
  ASSIGN_OR_RETURN(Held<X509> made, make_certificate({"mainstay", alternatives, end}, key.get(), issuer.get(),
                                                     issuer_key.get(), now));
  return KeyPair{pem_of(made.get()), pem_of(key.get())};
}

// Both files, or kNotFound; kCorrupt when they are no pair.
Result<KeyPair> read_pair(const std::string& base) {
  Result<std::string> certificate = read_whole_file(base + ".crt");
  Result<std::string> key = read_whole_file(base + ".key");
  if (!certificate.ok() && certificate.error().code != ErrorCode::kNotFound) return certificate.error();
  if (!key.ok() && key.error().code != ErrorCode::kNotFound) return key.error();
  if (!certificate.ok()) return certificate.error();  // the key is written first: half a pair is no pair
  if (!key.ok()) return error(ErrorCode::kCorrupt, base + ".key is missing but " + base + ".crt is there");
  Held<X509> parsed = parse_certificate(*certificate);
  Held<EVP_PKEY> parsed_key = parse_key(*key);
  bool fits = parsed && parsed_key && X509_check_private_key(parsed.get(), parsed_key.get()) == 1;
  ERR_clear_error();
  if (!fits) return error(ErrorCode::kCorrupt, base + ".crt and " + base + ".key do not belong together");
  return KeyPair{std::move(certificate).value(), std::move(key).value()};
}

Status write_pair(const std::string& base, const KeyPair& pair) {
  RETURN_IF_ERROR(write_private_file(base + ".key", pair.key_pem));
  return write_private_file(base + ".crt", pair.certificate_pem, 0644);
}

bool still_good(const KeyPair& server, const std::string& ca_pem, const std::vector<std::string>& names,
                WallTime now) {
  Result<CertificateFacts> facts = read_certificate(server.certificate_pem);
  Held<X509> leaf = parse_certificate(server.certificate_pem), ca = parse_certificate(ca_pem);
  if (!facts.ok() || !leaf || !ca) return false;
  if (X509_verify(leaf.get(), X509_get0_pubkey(ca.get())) != 1) {
    ERR_clear_error();
    return false;
  }
  if (now < facts->not_before || facts->not_after - now < kRenewBefore) return false;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::binary_search(facts->names.begin(), facts->names.end(), normal_name(name));
  });
}

}  // namespace

Result<CertificateFacts> read_certificate(std::string_view pem) {
  Held<X509> certificate = parse_certificate(pem);
  if (!certificate) return error(ErrorCode::kInvalid, "this is no certificate in PEM form");
  CertificateFacts facts;
  facts.not_before = time_of(X509_get0_notBefore(certificate.get()));
  facts.not_after = time_of(X509_get0_notAfter(certificate.get()));
  facts.authority = X509_check_ca(certificate.get()) == 1;
  Held<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    const ASN1_STRING* text = name->type == GEN_DNS ? name->d.dNSName
                            : name->type == GEN_IPADD ? name->d.iPAddress : nullptr;
    if (!text) continue;
    const unsigned char* data = ASN1_STRING_get0_data(text);
    int size = ASN1_STRING_length(text);
    char address[INET6_ADDRSTRLEN];
    if (name->type == GEN_DNS) facts.names.emplace_back(reinterpret_cast<const char*>(data), size);
    else if (inet_ntop(size == 4 ? AF_INET : AF_INET6, data, address, sizeof address)) facts.names.push_back(address);
  }
  std::sort(facts.names.begin(), facts.names.end());
  return facts;
}

Result<Pki> open_pki(const std::string& data_dir, const std::vector<std::string>& names, WallTime now) {
  std::string dir = data_dir + "/pki";
  RETURN_IF_ERROR(make_private_directory(dir));
  Pki pki;
  Result<KeyPair> authority = read_pair(dir + "/ca");
  if (!authority.ok()) {
    if (authority.error().code != ErrorCode::kNotFound) return authority.error();
    authority = make_authority("", now);
    if (!authority.ok()) return authority.error();
    RETURN_IF_ERROR(write_pair(dir + "/ca", *authority));
    pki.ca_created = true;
  }
  ASSIGN_OR_RETURN(CertificateFacts authority_facts, read_certificate(authority->certificate_pem));
  if (authority_facts.not_after - now < kRenewAuthorityBefore) {
    authority = make_authority(authority->key_pem, now);
    if (!authority.ok()) return authority.error();
    RETURN_IF_ERROR(write_pair(dir + "/ca", *authority));
    pki.ca_renewed = true;
    ASSIGN_OR_RETURN(authority_facts, read_certificate(authority->certificate_pem));
  }
  pki.ca_end = authority_facts.not_after;
  pki.ca_pem = authority->certificate_pem;
  Result<KeyPair> server = read_pair(dir + "/server");
  // A broken server pair costs nothing to make again: no client knows it.
  if (!server.ok() || !still_good(*server, pki.ca_pem, names, now)) {
    server = make_server(*authority, names, now);
    if (!server.ok()) return server.error();
    RETURN_IF_ERROR(write_pair(dir + "/server", *server));
    pki.server_renewed = true;
  }
  ASSIGN_OR_RETURN(CertificateFacts server_facts, read_certificate(server->certificate_pem));
  pki.server_end = server_facts.not_after;
  pki.server = {server->certificate_pem + pki.ca_pem, server->key_pem};
  return pki;
}

std::string kubeconfig_text(std::string_view name, std::string_view server, std::string_view ca_pem,
                            std::string_view token) {
  std::string n(name), text = "apiVersion: v1\nkind: Config\nclusters:\n- name: " + n + "\n  cluster:\n";
  if (!ca_pem.empty()) text += "    certificate-authority-data: " + base64(ca_pem) + "\n";
  text += "    server: " + std::string(server) + "\n";
  text += "users:\n- name: " + n + "\n  user:\n    token: " + std::string(token) + "\n";
  text += "contexts:\n- name: " + n + "\n  context:\n    cluster: " + n + "\n    user: " + n + "\n";
  return text + "current-context: " + n + "\n";
}

}  // namespace mainstay::api
