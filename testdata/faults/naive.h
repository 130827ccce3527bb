/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULTS_NAIVE_H
#define FAULTS_NAIVE_H

#include <stddef.h>

#include "testdata/faults/guest.h"

struct naive_key {
	uint8_t point[GUEST_POINT];
};

struct naive_device {
	uint32_t sequence_number, threshold;
	const uint8_t *class_id;
	const struct naive_key *key;
};

/* 0: it may be installed. */
int naive_check(const struct naive_device *dev,
    const struct naive_file *file);

#endif
