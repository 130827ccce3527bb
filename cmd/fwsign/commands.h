/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of fwsign; each file defines one, and the help text it has. */
#ifndef FWSIGN_COMMANDS_H
#define FWSIGN_COMMANDS_H

#include "host/fwhost.h"

enum fw_kind cmd_build(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_sign(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_revoke(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_tbs(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_sign_request(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_attach(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_resign(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_strip(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_inspect(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_extract(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_key(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_log(int argc, char **argv, struct fw_error *err);

/* What follows "usage: fwsign ": see struct cli_command. */
extern const char cmd_build_help[];
extern const char cmd_sign_help[];
extern const char cmd_revoke_help[];
extern const char cmd_tbs_help[];
extern const char cmd_sign_request_help[];
extern const char cmd_attach_help[];
extern const char cmd_resign_help[];
extern const char cmd_strip_help[];
extern const char cmd_inspect_help[];
extern const char cmd_extract_help[];

#endif
