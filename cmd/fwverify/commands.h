/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of fwverify; each file defines one, and the help text it has. */
#ifndef FWVERIFY_COMMANDS_H
#define FWVERIFY_COMMANDS_H

#include "host/fwhost.h"

enum fw_kind cmd_check(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_chain(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_primitive(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_envelope(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_provision(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_install(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_boot(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_confirm(int argc, char **argv, struct fw_error *err);
enum fw_kind cmd_status(int argc, char **argv, struct fw_error *err);

/* What follows "usage: fwverify ": see struct cli_command. */
extern const char cmd_check_help[];
extern const char cmd_chain_help[];
extern const char cmd_primitive_help[];
extern const char cmd_envelope_help[];
extern const char cmd_provision_help[];
extern const char cmd_install_help[];
extern const char cmd_boot_help[];
extern const char cmd_confirm_help[];
extern const char cmd_status_help[];

#endif
