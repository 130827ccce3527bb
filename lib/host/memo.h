/* SPDX-License-Identifier: Apache-2.0 */
/* A crypto port that does not verify the same signature twice: see memo.c. */
#ifndef FW_MEMO_H
#define FW_MEMO_H

#include "host/fwhost.h"

struct fw_memo;
/* NULL: out of memory.  real, which must outlive it, does the work.  For one
   thread. */
struct fw_memo *fw_memo_new(const struct fwd_crypto *real);
void fw_memo_free(struct fw_memo *m);
struct fwd_crypto fw_memo_crypto(struct fw_memo *m);

#endif
