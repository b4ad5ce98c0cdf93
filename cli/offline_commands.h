// Commands that need no running control plane: plan, validate, image, audit, backup, restore.
#pragma once

#include <string>
#include <vector>

namespace mainstay {

struct PlanOptions {
  std::string repo = ".";
  std::string path = ".";
  std::string from;  // "" is the parent of `to`
  std::string to = "HEAD";
  std::string output = "text";  // text, markdown or json
  std::string destination_namespace = "default";
  bool warn_only = false;
};
// 0 nothing would change, 2 something would, 1 an error.
int plan_command(const PlanOptions& options);

// Checks files and folders as the daemon would check a commit of them: each folder as the path of an application, the
// files that are named as one tree; 1 if anything is wrong.
int validate_command(const std::vector<std::string>& paths, const std::string& destination_namespace,
                     const std::string& output);

// `output` is "" for people, "json" or "yaml".
int image_import_command(const std::string& archive, const std::string& name, const std::string& data_dir,
                         const std::string& output);
int image_list_command(const std::string& data_dir, const std::string& output);

// 1 if a rule does not hold.
int audit_command(const std::string& data_dir, const std::string& output);
int backup_command(const std::string& data_dir, const std::string& file, const std::string& output);
int restore_command(const std::string& data_dir, const std::string& file, const std::string& output);

// The administrator's kubeconfig that the server has left in its data directory.
int kubeconfig_command(const std::string& data_dir, const std::string& output);

}  // namespace mainstay
