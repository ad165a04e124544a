/* Pod templates: made from a revision of a script, hashed as the Deployment controller does, and read back for what a script needs. */
#include "neuroscale/model/k8s.h"
#include "sim_priv.h"
#include <stdlib.h>
#include <string.h>

void pairs_put(cJSON *obj, const char *pairs)
{
	char key[128], value[256];
	for (const char *p = pairs ? pairs : ""; *p;) {
		size_t n = strcspn(p, ";"), eq = strcspn(p, "=");
		snprintf(key, sizeof key, "%.*s", (int)eq, p);
		snprintf(value, sizeof value, "%.*s", (int)(n > eq ? n - eq - 1 : 0), p + eq + 1);
		json_set(obj, key, cJSON_CreateString(value));
		p += n + (p[n] == ';');
	}
}

/* "KEY=value;KEY=@secret/key" */
static void put_env(cJSON *container, const char *env)
{
	if (!env || !*env)
		return;
	cJSON *pairs = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(container, "env");
	pairs_put(pairs, env);
	ns_json_each(p, pairs)
	{
		cJSON *e = cJSON_CreateObject();
		ns_json_put_str(e, "name", p->string);
		const char *slash = strchr(p->valuestring, '/');
		if (p->valuestring[0] == '@' && slash) {
			char secret[128];
			snprintf(secret, sizeof secret, "%.*s", (int)(slash - p->valuestring - 1), p->valuestring + 1);
			cJSON *ref = cJSON_AddObjectToObject(cJSON_AddObjectToObject(e, "valueFrom"), "secretKeyRef");
			ns_json_put_str(ref, "name", secret);
			ns_json_put_str(ref, "key", slash + 1);
		} else {
			ns_json_put_str(e, "value", p->valuestring);
		}
		cJSON_AddItemToArray(list, e);
	}
	cJSON_Delete(pairs);
}

static cJSON *container(const char *name, const char *image)
{
	cJSON *c = cJSON_CreateObject();
	ns_json_put_str(c, "name", name);
	ns_json_put_str(c, "image", image);
	return c;
}

static void put_resources(cJSON *c, const char *cpu, const char *mem_request, const char *mem_limit)
{
	cJSON *res = cJSON_AddObjectToObject(c, "resources");
	if (mem_limit)
		ns_json_put_str(cJSON_AddObjectToObject(res, "limits"), "memory", mem_limit);
	cJSON *req = cJSON_AddObjectToObject(res, "requests");
	ns_json_put_str(req, "cpu", cpu);
	ns_json_put_str(req, "memory", mem_request);
}

static void put_tail(cJSON *c)
{
	ns_json_put_str(c, "terminationMessagePath", "/dev/termination-log");
	ns_json_put_str(c, "terminationMessagePolicy", "File");
	ns_json_put_str(c, "imagePullPolicy", "IfNotPresent");
}

cJSON *template_new(const ns_sim *s, const sim_work *w, const sim_rev *r)
{
	cJSON *t = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(t, "metadata"), *labels = cJSON_AddObjectToObject(meta, "labels");
	cJSON_AddNullToObject(meta, "creationTimestamp");
	ns_json_put_str(labels, "app", w->name);
	pairs_put(labels, w->labels);
	cJSON *spec = cJSON_AddObjectToObject(t, "spec"), *list = cJSON_AddArrayToObject(spec, "containers");
	cJSON *c = container("app", r->image);
	cJSON *port = cJSON_CreateObject();
	ns_json_put_str(port, "name", "http");
	ns_json_put_int(port, "containerPort", 8080);
	ns_json_put_str(port, "protocol", "TCP");
	cJSON_AddItemToArray(cJSON_AddArrayToObject(c, "ports"), port);
	put_env(c, r->env);
	put_resources(c, w->cpu, w->mem_request, w->mem_limit);
	cJSON *probe = cJSON_AddObjectToObject(c, "readinessProbe"), *get = cJSON_AddObjectToObject(probe, "httpGet");
	ns_json_put_str(get, "path", "/healthz");
	ns_json_put_int(get, "port", 8080);
	ns_json_put_str(get, "scheme", "HTTP");
	ns_json_put_int(probe, "timeoutSeconds", 1);
	ns_json_put_int(probe, "periodSeconds", 10);
	ns_json_put_int(probe, "successThreshold", 1);
	ns_json_put_int(probe, "failureThreshold", 3);
	put_tail(c);
	if (!strcmp(w->ns, "kyverno")) { /* where a client finds out which namespace takes exceptions */
		char flag[128];
		cJSON *args = cJSON_AddArrayToObject(c, "args");
		snprintf(flag, sizeof flag, "--exceptionNamespace=%s", s->scene->exception_ns ? s->scene->exception_ns : "*");
		cJSON_AddItemToArray(args, cJSON_CreateString("--enablePolicyException=true"));
		cJSON_AddItemToArray(args, cJSON_CreateString(flag));
	}
	cJSON_AddItemToArray(list, c);
	if (w->sidecar) {
		c = container("proxy", w->sidecar);
		put_resources(c, "50m", "64Mi", "128Mi");
		put_tail(c);
		cJSON_AddItemToArray(list, c);
	}
	ns_json_put_str(spec, "restartPolicy", "Always");
	ns_json_put_int(spec, "terminationGracePeriodSeconds", 30);
	ns_json_put_str(spec, "dnsPolicy", "ClusterFirst");
	cJSON_AddObjectToObject(spec, "securityContext");
	ns_json_put_str(spec, "schedulerName", "default-scheduler");
	return t;
}

char *template_text(const cJSON *tmpl)
{
	cJSON *copy = cJSON_Duplicate(tmpl, true);
	cJSON_DeleteItemFromObjectCaseSensitive(json_obj(copy, "metadata.labels"), "pod-template-hash");
	cJSON_DeleteItemFromObjectCaseSensitive(json_obj(copy, "metadata"), "creationTimestamp");
	ns_buf b = NS_BUF_INIT;
	ns_json_canonical(copy, &b);
	cJSON_Delete(copy);
	return ns_buf_steal(&b);
}

/* Kubernetes writes the hash in an alphabet without vowels, so that it spells nothing. */
void template_hash(const char *text, char out[12])
{
	static const char safe[] = "bcdfghjklmnpqrstvwxz2456789";
	uint32_t h = 2166136261u;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		h = (h ^ *p) * 16777619u;
	char digits[16];
	snprintf(digits, sizeof digits, "%u", h);
	size_t n = strlen(digits) < 10 ? strlen(digits) : 10;
	for (size_t i = 0; i < n; i++)
		out[i] = safe[(unsigned)digits[i] % (sizeof safe - 1)];
	out[n] = '\0';
}

static int64_t bytes_of(const cJSON *c, const char *path)
{
	int64_t v = 0;
	return ns_quantity_bytes(ns_json_str(c, path, ""), &v) ? v : 0;
}

/* The first container is the workload; a sidecar only adds to the requests. */
void template_facts(sim_rs *rs, const cJSON *tmpl)
{
	const cJSON *containers = ns_json_path(tmpl, "spec.containers"), *c = containers ? containers->child : NULL;
	const char *image = ns_json_str(c, "image", "");
	rs->mem_limit = bytes_of(c, "resources.limits.memory");
	rs->rev = NULL;
	for (const sim_rev *r = rs->wl->work->revs; r < rs->wl->work->revs + SIM_MAX_REVS && r->image; r++)
		if (!strcmp(r->image, image))
			rs->rev = r;
	ns_json_each(x, containers)
	{
		int64_t milli = 0;
		rs->mem_request += bytes_of(x, "resources.requests.memory");
		if (ns_quantity_milli(ns_json_str(x, "resources.requests.cpu", "0"), &milli))
			rs->cpu_milli += milli;
	}
}
