/* The scanner in front of cJSON: it decides what is accepted, cJSON only builds. Private to model. */
#ifndef NEUROSCALE_MODEL_JSON_SCAN_H
#define NEUROSCALE_MODEL_JSON_SCAN_H
#include "neuroscale/model/json.h"

/* An integer above 2^53: the how manieth number of the text it is, counted from 0, and where. */
typedef struct ns_json_big {
	size_t ordinal, at, len;
} ns_json_big;

typedef struct ns_json_scan {
	ns_json_big *bigs; /* caller frees */
	size_t n_bigs;
} ns_json_scan;

/* RFC 8259 and nothing else: UTF-8 without BOM, no NUL or lone surrogate escapes, numbers that fit a double, one value. */
bool ns_json_scan_text(const char *s, size_t n, const ns_json_limits *limits, ns_json_scan *out, ns_err *err);
#endif
