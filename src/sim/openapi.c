/* /openapi/v2 as protobuf (gnostic's OpenAPI v2 Document). kubectl reads one thing from it: whether the PATCH operation of a kind has a
 * query parameter dryRun (and fieldValidation). So this document has, for each kind that can be patched, one path with that operation
 * and nothing else; without definitions kubectl skips its client-side validation. JSON clients get an empty document. */
#include "http_priv.h"
#include <stdlib.h>
#include <string.h>

/* Field numbers of gnostic's openapi_v2 messages. */
enum {
	DOC_SWAGGER = 1,
	DOC_INFO = 2,
	DOC_PATHS = 8,
	INFO_TITLE = 1,
	INFO_VERSION = 2,
	PATHS_PATH = 2,
	NAMED_NAME = 1,
	NAMED_VALUE = 2,
	PATH_PATCH = 8,
	OP_ID = 5,
	OP_PARAMETERS = 8,
	OP_EXTENSION = 13,
	ITEM_PARAMETER = 1,
	PARAMETER_NON_BODY = 2,
	NON_BODY_QUERY = 3,
	QUERY_IN = 2,
	QUERY_NAME = 4,
	QUERY_TYPE = 6,
	ANY_YAML = 2,
};

static void put_varint(ns_buf *b, size_t v)
{
	for (; v >= 0x80; v >>= 7)
		ns_buf_putc(b, (char)((v & 0x7f) | 0x80));
	ns_buf_putc(b, (char)v);
}

/* A length-delimited field: every field of this document is one. */
static void put_bytes(ns_buf *b, unsigned field, const void *p, size_t n)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, n);
	ns_buf_put(b, p, n);
}

static void put_text(ns_buf *b, unsigned field, const char *s)
{
	put_bytes(b, field, s, strlen(s));
}

/* Wraps what `inner` holds into a field of `outer` and empties it. */
static void put_message(ns_buf *outer, unsigned field, ns_buf *inner)
{
	put_bytes(outer, field, ns_buf_str(inner), inner->len);
	ns_buf_clear(inner);
}

static void put_query_parameter(ns_buf *op, const char *name)
{
	ns_buf query = NS_BUF_INIT, non_body = NS_BUF_INIT, parameter = NS_BUF_INIT, item = NS_BUF_INIT;
	put_text(&query, QUERY_IN, "query");
	put_text(&query, QUERY_NAME, name);
	put_text(&query, QUERY_TYPE, "string");
	put_message(&non_body, NON_BODY_QUERY, &query);
	put_message(&parameter, PARAMETER_NON_BODY, &non_body);
	put_message(&item, ITEM_PARAMETER, &parameter);
	put_message(op, OP_PARAMETERS, &item);
	ns_buf_free(&query);
	ns_buf_free(&non_body);
	ns_buf_free(&parameter);
	ns_buf_free(&item);
}

static void put_path(ns_buf *paths, const sim_kind *k)
{
	char path[256], api[96], gvk[256], id[96];
	kind_api_version(k, api);
	snprintf(path, sizeof path, "/%s/%s/%s%s/{name}", *k->group ? "apis" : "api", api, k->namespaced ? "namespaces/{namespace}/" : "",
	    k->resource);
	snprintf(gvk, sizeof gvk, "group: \"%s\"\nkind: %s\nversion: %s\n", k->group, k->kind, k->version);
	snprintf(id, sizeof id, "patch%s", k->kind);
	ns_buf op = NS_BUF_INIT, any = NS_BUF_INIT, ext = NS_BUF_INIT, item = NS_BUF_INIT, named = NS_BUF_INIT;
	put_text(&op, OP_ID, id);
	put_query_parameter(&op, "dryRun");
	put_query_parameter(&op, "fieldManager");
	put_query_parameter(&op, "fieldValidation");
	put_text(&any, ANY_YAML, gvk);
	put_text(&ext, NAMED_NAME, "x-kubernetes-group-version-kind");
	put_message(&ext, NAMED_VALUE, &any);
	put_message(&op, OP_EXTENSION, &ext);
	put_message(&item, PATH_PATCH, &op);
	put_text(&named, NAMED_NAME, path);
	put_message(&named, NAMED_VALUE, &item);
	put_message(paths, PATHS_PATH, &named);
	ns_buf_free(&op);
	ns_buf_free(&any);
	ns_buf_free(&ext);
	ns_buf_free(&item);
	ns_buf_free(&named);
}

void openapi_handle(const sim_req *q, sim_resp *r)
{
	if (!strstr(req_header(q, "Accept"), "protobuf")) {
		resp_text(r, 200, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.32.4\"},\"paths\":{}}\n");
		r->ctype = "application/json";
		return;
	}
	ns_buf info = NS_BUF_INIT, paths = NS_BUF_INIT;
	r->code = 200;
	r->ctype = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"; /* no "@": not every client can parse that in an answer */
	put_text(&r->body, DOC_SWAGGER, "2.0");
	put_text(&info, INFO_TITLE, "Kubernetes");
	put_text(&info, INFO_VERSION, "v1.32.4");
	put_message(&r->body, DOC_INFO, &info);
	for (int i = 0; i < K_COUNT; i++)
		put_path(&paths, &sim_kinds[i]);
	put_message(&r->body, DOC_PATHS, &paths);
	ns_buf_free(&info);
	ns_buf_free(&paths);
}
