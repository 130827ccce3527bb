/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tests do in very many ways they do in a sample of them with sanitizers,
 * which are slow.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif

/* One of n there, all elsewhere. */
#ifdef HAS_SANITIZER
#define ONE_OF(n)	(n)
#else
#define ONE_OF(n)	1
#endif

#endif
