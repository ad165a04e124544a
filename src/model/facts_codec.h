/* One table of fields per struct drives both directions between a fact and its JSON. Private to model. */
#ifndef NEUROSCALE_MODEL_FACTS_CODEC_H
#define NEUROSCALE_MODEL_FACTS_CODEC_H
#include "neuroscale/base/arena.h"
#include "neuroscale/model/json.h"

typedef enum ns_field_type {
	NS_F_STR,   /* const char * */
	NS_F_CHARS, /* char[size] */
	NS_F_INT,   /* int */
	NS_F_I64,   /* int64_t */
	NS_F_DOUBLE,
	NS_F_BOOL,
	NS_F_ENUM,    /* any enum, by name */
	NS_F_STRINGS, /* const char *const * with a count; a NULL follows the last */
	NS_F_ARGV,    /* const char *const *, NULL-terminated; absent is NULL */
	NS_F_STRUCT,  /* another struct, embedded */
	NS_F_LIST,    /* pointer to structs with a count */
} ns_field_type;

typedef struct ns_names {
	int count;
	const char *(*name)(int value);
} ns_names;

struct ns_codec;
typedef struct ns_field {
	const char *key; /* the member's name */
	ns_field_type type;
	bool required; /* absent would read as something dangerous */
	size_t offset, size, count_offset;
	const ns_names *names;
	const struct ns_codec *sub;
} ns_field;

typedef struct ns_codec {
	const char *what; /* for errors: "plan" */
	size_t size;
	const ns_field *fields;
	size_t n_fields;
} ns_codec;

#define NS_MEMBER(T, m) .key = #m, .offset = offsetof(T, m), .size = sizeof(((T *)0)->m)
/* The type follows from the member. */
#define NS_FIELD(T, m)                                                                                                                              \
	{                                                                                                                                           \
		NS_MEMBER(T, m), .type = _Generic(((T *)0)->m, const char *: NS_F_STR, char *: NS_F_CHARS, int: NS_F_INT, int64_t: NS_F_I64,      \
	     double: NS_F_DOUBLE, bool: NS_F_BOOL) \
	}
#define NS_FIELD_REQUIRED_BOOL(T, m)                                                                                                       \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_BOOL, .required = true                                                                       \
	}
#define NS_FIELD_ENUM(T, m, table)                                                                                                         \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_ENUM, .required = true, .names = &(table)                                                    \
	}
#define NS_FIELD_STRINGS(T, m)                                                                                                             \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_STRINGS, .count_offset = offsetof(T, n_##m)                                                  \
	}
#define NS_FIELD_ARGV(T, m)                                                                                                                \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_ARGV                                                                                         \
	}
#define NS_FIELD_STRUCT(T, m, codec)                                                                                                       \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_STRUCT, .sub = &(codec)                                                                      \
	}
#define NS_FIELD_LIST(T, m, codec)                                                                                                         \
	{                                                                                                                                  \
		NS_MEMBER(T, m), .type = NS_F_LIST, .count_offset = offsetof(T, n_##m), .sub = &(codec)                                    \
	}
#define NS_CODEC(name, T, table) static const ns_codec name = {#T, sizeof(T), table, sizeof(table) / sizeof *(table)}

cJSON *ns_codec_encode(const ns_codec *c, const void *fact);
/* A new struct in the arena, all strings set; NULL with err when a member has the wrong type or a required one is absent. */
void *ns_codec_decode(const ns_codec *c, ns_arena *ar, const cJSON *j, ns_err *err);
#endif
