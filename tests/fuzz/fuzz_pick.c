/* A pick of any text is what parsing all of it and taking away the rest gives, or both are errors; a list that holds the text is cut into the
 * items that a parser sees, wherever its bytes were cut. */
#include "fuzz.h"
#include "../../src/kube/kube_priv.h"
#include "../../src/kube/pick.h"
#include "../kube/pick_oracle.h"

static const char *const keep[] = {"metadata.name", "metadata.labels", "spec.nodeName", "status.conditions.type", "metadata.annotations.a\\.b/c",
    "a.b", "a.c.d", "x", NULL};

static void one(kube_pick *p, const char *s, size_t n, bool event)
{
	ns_err err = {0};
	ns_buf b = NS_BUF_INIT;
	ns_buf_put(&b, s, n);
	kube_pick_pad(&b);
	const cJSON *got = event ? kube_pick_event(p, b.data, n, &err) : kube_pick_object(p, b.data, n, &err);
	cJSON *want = oracle_pick(s, n, keep, event);
	NEED(!got == !want);
	NEED(got || err.text[0]);
	NEED(!got || ns_json_same(got, want));
	cJSON_Delete(want);
	ns_buf_free(&b);
}

typedef struct cut { ns_buf out; kube_pick *pick; } cut;

static bool take(void *ctx, char *json, size_t n)
{
	cut *c = ctx;
	const cJSON *got = kube_pick_object(c->pick, json, n, NULL);
	if (got)
		ns_json_canonical(got, &c->out);
	ns_buf_putc(&c->out, '\n');
	return got != NULL;
}

/* NULL when it is no list. */
static char *split(kube_pick *p, const char *s, size_t n, size_t step)
{
	cut c = {.pick = p};
	kube_split_ops ops = {.item = take, .ctx = &c, .max_item = 1 << 20};
	kube_split *sp = kube_split_new(&ops);
	bool ok = true;
	for (size_t i = 0; ok && i < n; i += step)
		ok = kube_split_feed(sp, s + i, n - i < step ? n - i : step, NULL);
	cJSON *rest = ok ? kube_split_end(sp, NULL) : NULL;
	kube_split_free(sp);
	char *items = ns_buf_steal(&c.out);
	if (!rest) {
		free(items);
		items = NULL;
	}
	cJSON_Delete(rest);
	return items;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *s = (const char *)data;
	kube_pick *p = kube_pick_new(keep);
	one(p, s, n, false);
	one(p, s, n, true);
	char *whole = split(p, s, n, n ? n : 1), *bytes = split(p, s, n, 1), *parts = split(p, s, n, 61);
	NEED(!whole == !bytes && !whole == !parts);
	NEED(!whole || (strcmp(whole, bytes) == 0 && strcmp(whole, parts) == 0));
	/* In a list it is one item, or an error. */
	cJSON *want = oracle_pick(s, n, keep, false);
	ns_buf list = NS_BUF_INIT;
	ns_buf_puts(&list, "{\"items\":[{},");
	ns_buf_put(&list, s, n);
	ns_buf_puts(&list, "]}");
	char *items = split(p, list.data, list.len, 97);
	if (want) {
		ns_buf one_item = NS_BUF_INIT;
		ns_buf_puts(&one_item, "{}\n");
		ns_json_canonical(want, &one_item);
		ns_buf_puts(&one_item, "\n");
		NEED(items && strcmp(items, ns_buf_str(&one_item)) == 0);
		ns_buf_free(&one_item);
	}
	cJSON_Delete(want);
	ns_buf_free(&list);
	free(items);
	free(whole);
	free(bytes);
	free(parts);
	kube_pick_free(p);
	return 0;
}
