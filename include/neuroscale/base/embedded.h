/* A file that ships inside the binary (runbooks, themes); tables end with a NULL name. */
#ifndef NEUROSCALE_BASE_EMBEDDED_H
#define NEUROSCALE_BASE_EMBEDDED_H
#include <stddef.h>
typedef struct ns_embedded {
	const char *name; /* file name without its suffix */
	const char *data; /* NUL-terminated */
	size_t size;
} ns_embedded;
#endif
