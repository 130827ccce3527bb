/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verifier as it is often written, to show that the campaign sees what can
 * be done to it: each decision is taken once, success is zero, and what is not
 * refused is accepted.
 */
#include <string.h>

#include "testdata/faults/naive.h"
#include "testdata/faults/ports.h"

static int
check_signature(const struct naive_key *key, const struct naive_file *file,
    const uint8_t *sig)
{
	uint8_t digest[GUEST_DIGEST];

	hash((const uint8_t *)file, offsetof(struct naive_file, signatures),
	    digest);
	return holds(key->point, digest, sig) ? 0 : -1;
}

int
naive_check(const struct naive_device *dev, const struct naive_file *file)
{
	uint8_t digest[GUEST_DIGEST];

	if (file->signatures < dev->threshold)
		return -1;
	for (uint32_t i = 0; i < file->signatures; i++)
		if (check_signature(&dev->key[i], file, file->sig[i]) != 0)
			return -1;
	if (file->sequence_number < dev->sequence_number)
		return -1;
	if (memcmp(file->class_id, dev->class_id, sizeof dev->class_id) != 0)
		return -1;
	hash(file->image, sizeof file->image, digest);
	if (memcmp(digest, file->image_sha256, sizeof digest) != 0)
		return -1;
	return 0;
}
