/* Structs <-> JSON by one table per struct that drives both directions. Pure, thread-safe. */
#ifndef NEUROSCALE_MODEL_RECORD_H
#define NEUROSCALE_MODEL_RECORD_H
#include <stddef.h>
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"

typedef enum ns_field_type {
	NS_F_STR,   /* const char *, or char * ; absent -> "" */
	NS_F_CHARS, /* char[size]: sub_size is its size; too long is an error */
	NS_F_I64, NS_F_INT, NS_F_SIZE, NS_F_DBL, NS_F_BOOL,
	NS_F_ENUM,  /* an enum of int size, written by name */
	NS_F_STRS,  /* const char *const *, count in off_n */
	NS_F_LIST,  /* array of structs (sub, sub_size), count in off_n */
	NS_F_ARGV,  /* const char *const *, NULL-terminated; absent stays NULL, which is not an empty one */
	NS_F_REC    /* embedded struct (sub) */
} ns_field_type;

typedef struct ns_field {
	const char *key;           /* NULL ends the table */
	ns_field_type type;
	size_t off, off_n;
	const struct ns_field *sub;
	size_t sub_size;           /* LIST: of one element; CHARS: of the array */
	const char *(*name)(int);  /* ENUM: value -> name */
	int count;                 /* ENUM: values 0..count-1 */
	bool required;             /* absent is an error: zero would say something ("low risk", "no approval needed") */
} ns_field;

/* The offset of a member, which does not compile when the member's type is not the one the table says. */
#define NS_FIELD_OFFSET(T, KEY, TYPE)                                                                                                      \
	(offsetof(T, KEY) + 0 * sizeof(char[_Generic(((T *)0)->KEY, const char *: NS_F_STR, char *: NS_F_STR, int64_t: NS_F_I64,           \
	    int: NS_F_INT, size_t: NS_F_SIZE, double: NS_F_DBL, bool: NS_F_BOOL) == NS_F_##TYPE ? 1 : -1]))
#define NS_FIELD(T, KEY, TYPE) {.key = #KEY, .type = NS_F_##TYPE, .off = NS_FIELD_OFFSET(T, KEY, TYPE)}
#define NS_FIELD_REQUIRED(T, KEY, TYPE) {.key = #KEY, .type = NS_F_##TYPE, .off = NS_FIELD_OFFSET(T, KEY, TYPE), .required = true}
#define NS_FIELD_CHARS(T, KEY) {.key = #KEY, .type = NS_F_CHARS, .off = offsetof(T, KEY), .sub_size = sizeof(((T *)0)->KEY)}
#define NS_FIELD_ENUM(T, KEY, NAME, COUNT) {.key = #KEY, .type = NS_F_ENUM, .off = offsetof(T, KEY), .name = (NAME), .count = (COUNT)}
#define NS_FIELD_ENUM_REQUIRED(T, KEY, NAME, COUNT) \
	{.key = #KEY, .type = NS_F_ENUM, .off = offsetof(T, KEY), .name = (NAME), .count = (COUNT), .required = true}
#define NS_FIELD_ARGV(T, KEY) {.key = #KEY, .type = NS_F_ARGV, .off = offsetof(T, KEY)}
#define NS_FIELD_STRS(T, KEY, N) {.key = #KEY, .type = NS_F_STRS, .off = offsetof(T, KEY), .off_n = offsetof(T, N)}
#define NS_FIELD_LIST(T, KEY, N, SUB) \
	{.key = #KEY, .type = NS_F_LIST, .off = offsetof(T, KEY), .off_n = offsetof(T, N), .sub = (SUB), .sub_size = sizeof(*((T *)0)->KEY)}
#define NS_FIELD_REC(T, KEY, SUB) {.key = #KEY, .type = NS_F_REC, .off = offsetof(T, KEY), .sub = (SUB)}
#define NS_FIELD_END {.key = NULL}

/* A new object with the fields of *rec in table order; the caller frees it. */
cJSON *ns_record_encode(const ns_field *table, const void *rec);
/* Fills *rec, which the caller zeroed, from obj; strings and arrays go to the arena. Absent or null keys leave zero, "" or an empty array unless
 * they are required; a value of a wrong type is NS_E_INVALID naming the key, and so is obj when it is no object (an answer without the record
 * is not an empty record). Unknown keys are ignored. Lists are capped at 65536 elements. */
bool ns_record_decode(ns_arena *ar, const cJSON *obj, const ns_field *table, void *rec, ns_err *err);
/* What decoding an object without keys would give, nothing being required; *rec was zeroed by the caller. */
void ns_record_blank(const ns_field *table, void *rec);
#endif
