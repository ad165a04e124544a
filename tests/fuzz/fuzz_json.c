/* JSON: what is read is written and read again as the same; the getters take any tree. */
#include "fuzz.h"
#include "neuroscale/model/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	ns_err err = {0};
	cJSON *j = ns_json_parse((const char *)data, n, &ns_json_strict, &err);
	if (!j) {
		NEED(err.code != NS_OK && err.text[0]);
		return 0;
	}
	int64_t i;
	ns_json_int(j, "a.b.c", &i);
	ns_json_str(j, "metadata.name", "");
	ns_json_len(j);
	char *one = ns_json_text(j);
	cJSON *again = ns_json_parse(one, strlen(one), &ns_json_strict, &err);
	NEED(again);
	ns_buf a = NS_BUF_INIT, b = NS_BUF_INIT;
	ns_json_canonical(j, &a);
	ns_json_canonical(again, &b);
	NEED(strcmp(ns_buf_str(&a), ns_buf_str(&b)) == 0); /* digests stand on this */
	ns_buf_clear(&a);
	NEED(ns_json_diff(j, again, (const char *const[]){NULL}, &a) == 0);
	ns_buf_free(&a);
	ns_buf_free(&b);
	free(one);
	cJSON_Delete(j);
	cJSON_Delete(again);
	return 0;
}
