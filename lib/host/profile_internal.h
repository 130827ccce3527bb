/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of reading a device profile. */
#ifndef FW_PROFILE_INTERNAL_H
#define FW_PROFILE_INTERNAL_H

#include "host/fwhost.h"

/* The map 'trust': anchors, and rules about them. */
enum fw_kind fw_profile_trust_read(const char *file,
    const struct fw_node *map, struct fw_profile *p, struct fw_error *err);
/* Its 'rights', once the components are known. */
enum fw_kind fw_profile_rights_read(const char *file,
    const struct fw_node *map, struct fw_profile *p, struct fw_error *err);
/* The map 'state', or NULL. */
enum fw_kind fw_profile_state_read(const char *file,
    const struct fw_node *map, struct fw_profile_state *s,
    struct fw_error *err);

#endif
