/* Alertmanager's payload, whose labels name what, and heartbeats. */
#include "support/test.h"

#include "neuroscale/agents/alertmanager.h"
#include "neuroscale/base/clock.h"
#include "neuroscale/base/text.h"
#include "neuroscale/sys/fs.h"

#define NOW    1800000000000 /* 2027-01-15T08:00:00Z */
#define MINUTE 60000LL

static const ns_am_opts opts = {.cluster_label = "cluster", .now_ms = NOW, .expire_ms = 300 * MINUTE};

typedef struct decoded {
	ns_arena *ar;
	bool ok;
	ns_am_message m;
	ns_err err;
} decoded;

static decoded decode_n(const char *body, size_t n)
{
	decoded d = {.ar = ns_arena_new()};
	d.ok = ns_am_decode(d.ar, body, n, &opts, &d.m, &d.err);
	return d;
}

static decoded decode(const char *body)
{
	return decode_n(body, strlen(body));
}

static decoded decode_alert(const char *alert)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_printf(&b, "{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[%s]}", alert);
	decoded d = decode_n(b.data, b.len);
	ns_buf_free(&b);
	return d;
}

#define FIRING "\"status\":\"firing\",\"startsAt\":\"2027-01-15T07:50:00Z\""

/* ---- the payload ---- */

static void test_a_notification_is_read_whole(void **state)
{
	decoded d =
	    decode("{\"version\":\"4\",\"groupKey\":\"{}:{}\",\"truncatedAlerts\":3,\"status\":\"firing\",\"receiver\":\"console\","
	           "\"groupLabels\":{\"alertname\":\"A\"},"
	           "\"commonLabels\":{},\"commonAnnotations\":{},\"externalURL\":\"http://"
	           "am\",\"notification_reason\":\"new\",\"alerts\":[{\"status\":\"firing\","
	           "\"labels\":{\"alertname\":\"KubePodCrashLooping\",\"namespace\":\"shop\",\"pod\":\"web-1\",\"container\":\"app\","
	           "\"severity\":\"warning\",\"cluster\":\"eu\"},"
	           "\"annotations\":{\"summary\":\"Pod is crash looping.\",\"description\":\"Pod shop/web-1 (app) is in waiting state\"},"
	           "\"startsAt\":\"2027-01-15T08:50:00.123456789+01:00\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"generatorURL\":\"http://"
	           "p\",\"fingerprint\":\"a1b2c3d4e5f60718\","
	           "\"new\":[1]},{\"status\":\"resolved\",\"labels\":{\"alertname\":\"B\"},\"startsAt\":\"2027-01-15T07:00:00Z\","
	           "\"endsAt\":\"2027-01-15T07:30:00Z\"}]}");
	assert_true(d.ok);
	assert_string_equal(d.m.receiver, "console");
	assert_int_equal(d.m.truncated, 3);
	assert_int_equal(d.m.n_alerts, 2);
	const ns_am_alert *a = d.m.alerts;
	assert_string_equal(a[0].name, "KubePodCrashLooping");
	assert_string_equal(a[0].message, "Pod shop/web-1 (app) is in waiting state");
	assert_string_equal(a[0].fingerprint, "a1b2c3d4e5f60718");
	assert_string_equal(a[0].cluster, "eu");
	assert_false(a[0].resolved);
	assert_int_equal(a[0].severity, NS_SEV_WARN);
	assert_int_equal(a[0].starts_ms, NOW - 10 * MINUTE + 123);
	assert_int_equal(a[0].ends_ms, 0);
	assert_int_equal(a[0].expires_ms, NOW + 300 * MINUTE);
	assert_string_equal(a[0].about.pod, "web-1");
	assert_string_equal(a[0].about.container, "app");
	assert_true(a[1].resolved);
	assert_int_equal(a[1].ends_ms, NOW - 30 * MINUTE);
	assert_string_equal(a[1].cluster, "");
	ns_arena_free(d.ar);
}

static void test_wrong_input_is_one_clear_error(void **state)
{
	static const struct {
		const char *body;
		ns_code code;
		const char *says;
	} rows[] = {
	    {"", NS_E_INVALID, ""},
	    {"[]", NS_E_INVALID, "no JSON object"},
	    {"{\"status\":\"firing\",\"alerts\":[]}", NS_E_INVALID, "\"version\" is missing"},
	    {"{\"version\":4,\"status\":\"firing\",\"alerts\":[]}", NS_E_INVALID, "\"version\" is no string"},
	    {"{\"version\":\"5\",\"status\":\"firing\",\"alerts\":[]}", NS_E_INVALID, "version 4"},
	    {"{\"version\":\"4\",\"alerts\":[]}", NS_E_INVALID, "\"status\" is missing"},
	    {"{\"version\":\"4\",\"status\":\"broken\",\"alerts\":[]}", NS_E_INVALID, "want firing or resolved"},
	    {"{\"version\":\"4\",\"status\":\"firing\"}", NS_E_INVALID, "\"alerts\" is missing"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":{}}", NS_E_INVALID, "\"alerts\" is no list"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[],\"commonLabels\":[]}", NS_E_INVALID, "\"commonLabels\" is no object"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[],\"truncatedAlerts\":\"1\"}", NS_E_INVALID, "\"truncatedAlerts\""},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[],\"truncatedAlerts\":-1}", NS_E_INVALID, "\"truncatedAlerts\""},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[7]}", NS_E_INVALID, "alerts[0]: it is no object"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{" FIRING "},{\"status\":\"firing\"}]}", NS_E_INVALID,
	        "alerts[1]: \"startsAt\" is missing"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{" FIRING ",\"labels\":{\"a\":1}}]}", NS_E_INVALID,
	        "the value of \"a\" is no string"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{" FIRING ",\"annotations\":\"x\"}]}", NS_E_INVALID,
	        "\"annotations\" is no object"},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{" FIRING ",\"endsAt\":\"soon\"}]}", NS_E_INVALID,
	        "\"endsAt\" is \"soon\""},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[{" FIRING ",\"fingerprint\":\"../x\"}]}", NS_E_INVALID,
	        "\"fingerprint\""},
	    {"{\"version\":\"4\",\"version\":\"4\",\"status\":\"firing\",\"alerts\":[]}", NS_E_INVALID, ""},
	    {"{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[]} x", NS_E_INVALID, ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		decoded d = decode(rows[i].body);
		if (d.ok || d.err.code != rows[i].code || !strstr(d.err.text, rows[i].says))
			fail_msg("%s: got %d \"%s\", want \"%s\"", rows[i].body, d.err.code, d.err.text, rows[i].says);
		ns_arena_free(d.ar);
	}
}

static void many(ns_buf *b, size_t alerts, size_t labels, size_t value)
{
	ns_buf_puts(b, "{\"version\":\"4\",\"status\":\"firing\",\"alerts\":[");
	for (size_t i = 0; i < alerts; i++) {
		ns_buf_printf(b, "%s{" FIRING ",\"labels\":{", i ? "," : "");
		for (size_t k = 0; k < labels; k++)
			ns_buf_printf(b, "%s\"l%zu\":\"%*s\"", k ? "," : "", k, (int)value, "x");
		ns_buf_puts(b, "}}");
	}
	ns_buf_puts(b, "]}");
}

static void test_limits_are_named_and_hold_to_the_entry(void **state)
{
	static const struct {
		size_t alerts, labels, value;
		const char *says;
	} rows[] = {
	    {NS_AM_MAX_ALERTS, 1, 1, NULL},
	    {NS_AM_MAX_ALERTS + 1, 1, 1, "max_alerts"},
	    {1, NS_AM_MAX_LABELS, 1, NULL},
	    {1, NS_AM_MAX_LABELS + 1, 1, "128 are the most"},
	    {1, 1, NS_AM_MAX_LABEL, NULL},
	    {1, 1, NS_AM_MAX_LABEL + 1, "more than 4096 bytes"},
	    {300, 1, 4000, "max_alerts"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_buf b = NS_BUF_INIT;
		many(&b, rows[i].alerts, rows[i].labels, rows[i].value);
		decoded d = decode_n(b.data, b.len);
		if (d.ok != !rows[i].says || (!d.ok && (d.err.code != NS_E_TOOBIG || !strstr(d.err.text, rows[i].says))))
			fail_msg("row %zu: %s", i, d.err.text);
		ns_arena_free(d.ar);
		ns_buf_free(&b);
	}
}

static void test_text_is_cleaned_cut_and_redacted(void **state)
{
	ns_buf b = NS_BUF_INIT;
	ns_buf_puts(&b,
	    "{" FIRING ",\"labels\":{\"alertname\":\"A\\u001b[2J\\u202e\"},\"annotations\":{\"description\":\"password=hunter22 \\u0007");
	for (int i = 0; i < 20000; i++)
		ns_buf_putc(&b, 'y');
	ns_buf_puts(&b, "\"}}");
	decoded d = decode_alert(b.data);
	assert_true(d.ok);
	assert_null(strchr(d.m.alerts->name, 27));
	assert_null(strstr(d.m.alerts->name, "\xe2\x80\xae"));
	assert_null(strstr(d.m.alerts->message, "hunter22"));
	assert_null(strchr(d.m.alerts->message, 7));
	assert_in_range(strlen(d.m.alerts->message), 100, NS_AM_MAX_TEXT);
	ns_arena_free(d.ar);
	ns_buf_free(&b);
}

static void test_what_is_said_is_the_most_specific_there_is(void **state)
{
	static const struct {
		const char *annotations, *want;
	} rows[] = {
	    {"{\"summary\":\"s\",\"description\":\"d\"}", "d"},
	    {"{\"summary\":\"s\",\"message\":\"m\"}", "m"},
	    {"{\"summary\":\"s\"}", "s"},
	    {"{\"summary\":\"s\",\"runbook_url\":\"https://r/x\"}", "s (runbook: https://r/x)"},
	    {"{\"summary\":\"s\",\"runbook_url\":\"javascript:x\"}", "s"},
	    {"{}", "alertname=A ns=x"},
	    {"null", "alertname=A ns=x"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ns_buf b = NS_BUF_INIT;
		ns_buf_printf(&b, "{" FIRING ",\"labels\":{\"alertname\":\"A\",\"ns\":\"x\"},\"annotations\":%s}", rows[i].annotations);
		decoded d = decode_alert(b.data);
		assert_true(d.ok);
		assert_string_equal(d.m.alerts->message, rows[i].want);
		ns_arena_free(d.ar);
		ns_buf_free(&b);
	}
}

static void test_the_status_decides_and_no_time_lies_ahead(void **state)
{
	decoded d = decode_alert("{\"status\":\"firing\",\"startsAt\":\"2027-01-15T09:00:00Z\",\"endsAt\":\"2027-01-15T07:00:00Z\"},"
	                         "{\"status\":\"resolved\",\"startsAt\":\"0001-01-01T00:00:00Z\",\"endsAt\":\"0001-01-01T00:00:00Z\"}");
	assert_true(d.ok);
	assert_int_equal(d.m.alerts[0].starts_ms, NOW); /* the sender's clock is ahead */
	assert_int_equal(d.m.alerts[0].ends_ms, 0);
	assert_int_equal(d.m.alerts[1].starts_ms, 0);
	assert_int_equal(d.m.alerts[1].ends_ms, NOW);
	ns_arena_free(d.ar);
}

static void test_without_a_fingerprint_the_labels_are_the_identity(void **state)
{
	decoded d = decode_alert("{" FIRING ",\"labels\":{\"alertname\":\"A\",\"b\":\"1\"}},{" FIRING
	                         ",\"labels\":{\"b\":\"1\",\"alertname\":\"A\"},\"annotations\":{\"x\":\"y\"}},"
	                         "{" FIRING ",\"labels\":{\"alertname\":\"A\",\"b\":\"2\"}},{" FIRING "}");
	assert_true(d.ok);
	assert_int_equal(strlen(d.m.alerts[0].fingerprint), 16);
	assert_string_equal(d.m.alerts[0].fingerprint, d.m.alerts[1].fingerprint);
	assert_string_not_equal(d.m.alerts[0].fingerprint, d.m.alerts[2].fingerprint);
	assert_int_equal(strlen(d.m.alerts[3].fingerprint), 16);
	assert_string_equal(d.m.alerts[3].name, "alert without a name");
	ns_arena_free(d.ar);
}

static void test_a_recorded_notification_is_read(void **state)
{
	ns_buf text = NS_BUF_INIT;
	if (!ns_read_file("../shared/fixtures/prometheus/alertmanager-webhook-v4.json", NS_AM_MAX_BODY, &text, NULL)) {
		print_message("# no ../shared/fixtures/prometheus/alertmanager-webhook-v4.json\n");
		skip();
	}
	decoded d = decode_n(text.data, text.len);
	if (!d.ok)
		fail_msg("%s", d.err.text);
	assert_true(d.m.n_alerts > 0);
	for (size_t i = 0; i < d.m.n_alerts; i++) {
		const ns_am_alert *a = &d.m.alerts[i];
		assert_true(*a->name && *a->message && *a->about.ns && a->starts_ms > 0);
		assert_true(*a->about.pod || *a->about.deployment);
	}
	ns_arena_free(d.ar);
	ns_buf_free(&text);
}

/* ---- whose labels ---- */

static const char *subject(const char *alert, const char *labels)
{
	static char text[1024];
	ns_arena *ar = ns_arena_new();
	ns_am_label l[32];
	size_t n = 0;
	char *copy = ns_arena_strdup(ar, labels), *save = NULL;
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(w, '=');
		*eq = '\0';
		l[n++] = (ns_am_label){w, eq + 1};
	}
	ns_am_subject s;
	ns_am_subject_of(ar, alert, l, n, &s);
	const struct {
		const char *name, *value;
	} all[] = {{"ns", s.ns}, {"pod", s.pod}, {"container", s.container}, {"deployment", s.deployment}, {"statefulset", s.statefulset},
	    {"daemonset", s.daemonset}, {"replicaset", s.replicaset}, {"job", s.job}, {"cronjob", s.cronjob}, {"hpa", s.hpa},
	    {"pvc", s.pvc}, {"node", s.node}, {"app", s.app}};
	size_t at = 0;
	*text = '\0';
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (*all[i].value)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%s=%s", at ? " " : "", all[i].name, all[i].value);
	ns_arena_free(ar);
	return text;
}

#define KSM                                                                                                                                \
	"job=kube-state-metrics service=kube-state-metrics endpoint=http instance=10.0.0.9:8080 container=kube-state-metrics "             \
	"pod=kube-state-metrics-7d9-x "

static void test_labels_name_the_subject(void **state)
{
	static const struct {
		const char *alert, *labels, *want;
	} rows[] = {
	    /* plain */
	    {"A", "namespace=shop pod=web-1 container=app node=n1 instance=10.0.0.1:80 job=web", "ns=shop pod=web-1 container=app"},
	    {"A", "kubernetes_namespace=shop kubernetes_pod_name=web-1", "ns=shop pod=web-1"},
	    {"A", "k8s_namespace_name=shop k8s_deployment_name=web", "ns=shop deployment=web"},
	    {"A", "namespace=shop statefulset=db", "ns=shop statefulset=db"},
	    {"A", "namespace=shop daemonset=log", "ns=shop daemonset=log"},
	    {"A", "namespace=shop replicaset=web-7d9", "ns=shop replicaset=web-7d9"},
	    {"A", "namespace=shop cronjob=nightly", "ns=shop cronjob=nightly"},
	    {"A", "namespace=shop workload=web workload_type=deployment", "ns=shop deployment=web"},
	    {"A", "namespace=shop workload=db workload_type=StatefulSet", "ns=shop statefulset=db"},
	    {"A", "namespace=shop workload=db workload_type=rollout", "ns=shop"},
	    {"A", "namespace=shop workload=db", "ns=shop"},
	    {"A", "namespace=shop pod=web-1 deployment=web", "ns=shop pod=web-1 deployment=web"},
	    /* `job` is the scrape */
	    {"KubeJobFailed", "namespace=shop job_name=backup-1 job=kube-state-metrics", "ns=shop job=backup-1"},
	    {"A", "namespace=shop job=web", "ns=shop"},
	    /* honor_labels on: what the metric lacks is the exporter's */
	    {"KubeDeploymentReplicasMismatch", KSM "namespace=shop deployment=web", "ns=shop deployment=web"},
	    {"KubePodCrashLooping", "job=kube-state-metrics namespace=shop pod=web-1 container=app", "ns=shop pod=web-1 container=app"},
	    {"KubeHpaMaxedOut", KSM "namespace=shop horizontalpodautoscaler=web", "ns=shop hpa=web"},
	    {"KubePersistentVolumeFillingUp",
	        "job=kubelet service=kubelet node=n1 instance=10.0.0.5:10250 namespace=shop persistentvolumeclaim=data-db-0",
	        "ns=shop pvc=data-db-0"},
	    {"Custom", KSM "namespace=shop deployment=web", "ns=shop deployment=web"},
	    {"Custom", KSM "namespace=monitoring node=n1", "node=n1"},
	    {"Custom", KSM "namespace=shop", "ns=shop"},
	    /* honor_labels off: the metric's own are renamed */
	    {"KubePodCrashLooping", KSM "namespace=monitoring exported_namespace=shop exported_pod=web-1 exported_container=app",
	        "ns=shop pod=web-1 container=app"},
	    {"KubeDeploymentReplicasMismatch", KSM "namespace=monitoring exported_namespace=shop deployment=web", "ns=shop deployment=web"},
	    {"Custom", KSM "namespace=monitoring exported_namespace=shop deployment=web", "ns=shop deployment=web"},
	    {"Custom", "namespace=monitoring pod=exporter-1 container=x exported_namespace=shop", "ns=shop"},
	    {"Custom", "node=n9 exported_node=n1", "node=n1"},
	    /* the exporter itself may be the subject */
	    {"KubePodCrashLooping", "job=kube-state-metrics namespace=monitoring pod=kube-state-metrics-7d9-x container=kube-state-metrics",
	        "ns=monitoring pod=kube-state-metrics-7d9-x container=kube-state-metrics"},
	    {"Custom", "job=kubelet namespace=monitoring pod=kube-state-metrics-7d9-x node=n1",
	        "ns=monitoring pod=kube-state-metrics-7d9-x"},
	    /* nodes */
	    {"KubeNodeNotReady", KSM "namespace=monitoring node=n1 condition=Ready status=true", "node=n1"},
	    {"NodeFilesystemSpaceFillingUp",
	        "job=node-exporter instance=worker-1:9100 namespace=monitoring pod=node-exporter-abc device=sda1", "node=worker-1"},
	    {"NodeFilesystemSpaceFillingUp", "job=node-exporter instance=[fe80::1]:9100", ""},
	    {"KubeletDown", "cluster=eu", ""},
	    {"Custom", "kubernetes_node=n1", "node=n1"},
	    /* the whole cluster */
	    {"KubeAPIErrorBudgetBurn", "namespace=default instance=10.0.0.1:6443 job=apiserver", ""},
	    {"KubeMemoryOvercommit", KSM "namespace=monitoring", ""},
	    /* the last resort */
	    {"HighErrorRate", "namespace=shop app=web", "ns=shop app=web"},
	    {"HighErrorRate", "namespace=shop app=web pod=web-1", "ns=shop pod=web-1"},
	    {"HighErrorRate", "app=web", ""},
	    /* what no object can be called */
	    {"A", "namespace=shop pod=-rf", "ns=shop"},
	    {"A", "namespace=../x pod=web-1", ""},
	    {"A", "namespace=Shop deployment=web", ""},
	    {"A", "deployment=web pod=web-1", ""},
	    {"A", "", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *got = subject(rows[i].alert, rows[i].labels);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s {%s}: got \"%s\", want \"%s\"", rows[i].alert, rows[i].labels, got, rows[i].want);
	}
}

static void test_severities_and_uses(void **state)
{
	static const struct {
		const char *word;
		ns_severity want;
	} rows[] = {{"critical", NS_SEV_CRIT}, {"page", NS_SEV_CRIT}, {"CRITICAL", NS_SEV_CRIT}, {"warning", NS_SEV_WARN},
	    {"ticket", NS_SEV_WARN}, {"info", NS_SEV_INFO}, {"none", NS_SEV_INFO}, {"", NS_SEV_WARN}, {"sev-x", NS_SEV_WARN}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(ns_am_severity(rows[i].word), rows[i].want);
	assert_int_equal(ns_am_use_of("Watchdog"), NS_AM_HEARTBEAT);
	assert_int_equal(ns_am_use_of("InfoInhibitor"), NS_AM_IGNORED);
	assert_int_equal(ns_am_use_of("KubePodCrashLooping"), NS_AM_INCIDENT);
}

/* ---- the pulse ---- */

typedef struct pulse {
	ns_am_pulse *p;
	ns_arena *ar;
	int64_t now, due;
	ns_am_alert news;
} pulse;

static void pulse_open(pulse *x)
{
	*x = (pulse){.p = ns_am_pulse_new(300 * MINUTE), .ar = ns_arena_new(), .now = 1000000};
}

static void pulse_close(pulse *x)
{
	ns_am_pulse_free(x->p);
	ns_arena_free(x->ar);
}

static void beats(pulse *x, const char *fingerprint, bool resolved)
{
	ns_am_alert a = {.name = "Watchdog", .cluster = "eu", .fingerprint = fingerprint, .resolved = resolved};
	ns_am_pulse_beat(x->p, &a, x->now);
}

static bool news_after(pulse *x, int64_t ms)
{
	x->now += ms;
	return ns_am_pulse_news(x->p, x->ar, NOW, x->now, &x->news, &x->due);
}

static void test_a_heartbeat_never_seen_is_not_missed(void **state)
{
	pulse x;
	pulse_open(&x);
	assert_false(news_after(&x, 10000 * MINUTE));
	assert_int_equal(x.due, -1);
	beats(&x, "w", true); /* the end of what was never seen */
	assert_false(news_after(&x, 10000 * MINUTE));
	pulse_close(&x);
}

static void test_a_heartbeat_that_stays_away_is_told_and_its_return(void **state)
{
	pulse x;
	pulse_open(&x);
	for (int i = 0; i < 4; i++) {
		beats(&x, "w", false);
		assert_false(news_after(&x, 5 * MINUTE));
	}
	assert_int_equal(x.due, x.now + 10 * MINUTE); /* three times its rhythm after the last */
	assert_false(news_after(&x, 10 * MINUTE - 1));
	assert_true(news_after(&x, 1));
	assert_string_equal(x.news.name, "Watchdog silent");
	assert_string_equal(x.news.cluster, "eu");
	assert_non_null(strstr(x.news.message, "has not come for 15m (it came every 5m)"));
	assert_int_equal(x.news.severity, NS_SEV_WARN);
	assert_false(x.news.resolved);
	assert_int_equal(x.news.expires_ms, NOW + 300 * MINUTE);
	assert_false(news_after(&x, 0));
	assert_int_equal(x.due, x.now + 150 * MINUTE);
	assert_true(news_after(&x, 150 * MINUTE)); /* told again before that expires */
	beats(&x, "w", false);
	assert_true(news_after(&x, 0));
	assert_true(x.news.resolved);
	assert_string_equal(x.news.fingerprint, "silent-w");
	assert_false(news_after(&x, 0));
	assert_int_equal(x.due, x.now + 15 * MINUTE); /* the outage is no rhythm */
	pulse_close(&x);
}

static void test_twins_do_not_make_a_rhythm(void **state)
{
	pulse x;
	pulse_open(&x);
	beats(&x, "w", false);
	assert_false(news_after(&x, 1000));
	beats(&x, "w", false);                      /* the other of a pair of Alertmanagers */
	assert_false(news_after(&x, 240 * MINUTE)); /* the default repeat_interval: nothing is wrong */
	assert_int_equal(x.due, 1000000 + 1000 + 300 * MINUTE);
	pulse_close(&x);
}

static void test_a_heartbeat_that_is_resolved_is_silence_at_once(void **state)
{
	pulse x;
	pulse_open(&x);
	beats(&x, "w", false);
	x.now += MINUTE;
	beats(&x, "w", true);
	assert_true(news_after(&x, 0));
	assert_non_null(strstr(x.news.message, "was resolved"));
	x.now += MINUTE;
	beats(&x, "w", false);
	assert_true(news_after(&x, 0));
	assert_true(x.news.resolved);
	pulse_close(&x);
}

static void test_more_heartbeats_than_are_kept_forget_the_oldest(void **state)
{
	pulse x;
	pulse_open(&x);
	for (int i = 0; i < 100; i++) {
		char name[16];
		snprintf(name, sizeof name, "w%d", i);
		x.now++;
		beats(&x, name, false);
	}
	int told = 0;
	x.now += 300 * MINUTE;
	while (ns_am_pulse_news(x.p, x.ar, NOW, x.now, &x.news, &x.due))
		told++;
	assert_int_equal(told, 32);
	pulse_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_notification_is_read_whole),
	    cmocka_unit_test(test_wrong_input_is_one_clear_error),
	    cmocka_unit_test(test_limits_are_named_and_hold_to_the_entry),
	    cmocka_unit_test(test_text_is_cleaned_cut_and_redacted),
	    cmocka_unit_test(test_what_is_said_is_the_most_specific_there_is),
	    cmocka_unit_test(test_the_status_decides_and_no_time_lies_ahead),
	    cmocka_unit_test(test_without_a_fingerprint_the_labels_are_the_identity),
	    cmocka_unit_test(test_a_recorded_notification_is_read),
	    cmocka_unit_test(test_labels_name_the_subject),
	    cmocka_unit_test(test_severities_and_uses),
	    cmocka_unit_test(test_a_heartbeat_never_seen_is_not_missed),
	    cmocka_unit_test(test_a_heartbeat_that_stays_away_is_told_and_its_return),
	    cmocka_unit_test(test_twins_do_not_make_a_rhythm),
	    cmocka_unit_test(test_a_heartbeat_that_is_resolved_is_silence_at_once),
	    cmocka_unit_test(test_more_heartbeats_than_are_kept_forget_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
