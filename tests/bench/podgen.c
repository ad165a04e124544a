#include "podgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text with holes: "@x" is filled in when it is rendered. */
enum { SHAPES = 16, MAX_PIECES = 200 };
typedef struct piece {
	const char *text;
	size_t n;
	char hole;
} piece; /* text, then the hole; 0 none */
typedef struct shape {
	char *text;
	piece at[MAX_PIECES];
	size_t n;
} shape;
struct podgen {
	unsigned seed;
	shape pods[SHAPES], replicaset, old, deployment, node;
};

static const char *const teams[] = {"payments", "search", "checkout", "identity", "catalog", "shipping", "media", "platform"};

static void cut(shape *s, ns_buf *text)
{
	s->text = ns_buf_steal(text);
	const char *p = s->text;
	for (;;) {
		size_t n = strcspn(p, "@");
		if (s->n == MAX_PIECES)
			abort();
		s->at[s->n++] = (piece){p, n, p[n] ? p[n + 1] : '\0'};
		if (!p[n])
			return;
		p += n + 2;
	}
}

/* ---- what fills the holes ---- */

typedef struct numbers {
	unsigned seed;
	size_t i, owner;
	unsigned long version;
} numbers;

static unsigned mix(unsigned seed, size_t i, unsigned salt)
{
	unsigned long h = (unsigned long)(i + 1) * 0x9E3779B97F4A7C15ul ^ (unsigned long)seed * 0xC2B2AE3D27D4EB4Ful ^ salt;
	h ^= h >> 29;
	h *= 0xBF58476D1CE4E5B9ul;
	return (unsigned)(h >> 32);
}

static void put_letters(char **w, unsigned h, int n)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	for (int i = 0; i < n; i++, h = h / 27 + (h << 7))
		*(*w)++ = letters[h % 27];
}

static void put_number(char **w, unsigned long v, int width)
{
	char text[24];
	int n = 0;
	do {
		text[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v || n < width);
	while (n)
		*(*w)++ = text[--n];
}

static void put_uid(char **w, const numbers *k, size_t i, unsigned salt)
{
	static const char hex[] = "0123456789abcdef";
	unsigned h = 0;
	for (int c = 0; c < 36; c++) {
		if (c % 7 == 0)
			h = mix(k->seed, i, salt + (unsigned)c);
		*(*w)++ = c == 8 || c == 13 || c == 18 || c == 23 ? '-' : hex[h & 15];
		h >>= 4;
	}
}

static void put_text(char **w, const char *s)
{
	size_t n = strlen(s);
	memcpy(*w, s, n);
	*w += n;
}

static void fill(char **w, char hole, const numbers *k)
{
	switch (hole) {
	case 'n': /* namespace */
		put_text(w, teams[k->owner % 8]);
		*(*w)++ = '-';
		put_number(w, k->owner / 8 % 25, 2);
		break;
	case 'a': /* application */
		put_text(w, teams[k->owner % 8]);
		put_text(w, "-svc-");
		put_number(w, k->owner, 5);
		break;
	case 't': put_text(w, teams[k->owner % 8]); break;
	case 'h': put_letters(w, mix(k->seed, k->owner, 7), 10); break;
	case 'g': put_letters(w, mix(k->seed, k->i, 17), 10); break;
	case 's': put_letters(w, mix(k->seed, k->i, 11), 5); break;
	case 'u': put_uid(w, k, k->i, 100); break;
	case 'r': put_uid(w, k, k->owner, 200); break;
	case 'd': put_uid(w, k, k->owner, 300); break;
	case 'k': put_uid(w, k, k->i, 400); break;
	case 'o': put_number(w, k->i / PODGEN_PER_NODE, 5); break;
	case 'q': put_number(w, k->i, 5); break;
	case 'v': put_number(w, k->version, 1); break;
	case 'i':
		put_number(w, k->i / 65536 % 256, 1), *(*w)++ = '.', put_number(w, k->i / 256 % 256, 1), *(*w)++ = '.',
		                                      put_number(w, k->i % 256, 1);
		break;
	case 'm': put_number(w, mix(k->seed, k->i, 13) % 60, 2); break;
	case 'c': put_uid(w, k, k->i, 500), put_uid(w, k, k->i, 600); break;
	default: abort();
	}
}

static void render(const shape *s, const numbers *k, ns_buf *out)
{
	enum { MOST = 80 }; /* of one hole */
	for (size_t i = 0; i < s->n; i++) {
		const piece *p = &s->at[i];
		ns_buf_reserve(out, p->n + MOST);
		char *w = out->data + out->len;
		memcpy(w, p->text, p->n);
		w += p->n;
		if (p->hole)
			fill(&w, p->hole, k);
		out->len = (size_t)(w - out->data);
		*w = '\0';
	}
}

/* ---- a pod ---- */

static void put_env(ns_buf *b, int n, bool fields)
{
	static const char *const words[] = {"DATABASE_URL", "CACHE_HOST", "LOG_LEVEL", "FEATURE_FLAGS_ENDPOINT",
	    "OTEL_EXPORTER_OTLP_ENDPOINT", "REGION", "QUEUE_NAME", "TIMEOUT_SECONDS"};
	for (int i = 0; i < n; i++) {
		if (fields)
			ns_buf_printf(b, "%s\"k:{\\\"name\\\":\\\"%s_%d\\\"}\":{\".\":{},\"f:name\":{},\"f:value\":{}}", i ? "," : "",
			    words[i % 8], i);
		else if (i % 5 == 3)
			ns_buf_printf(b,
			    "%s{\"name\":\"%s_%d\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"@a-secrets\",\"key\":\"value-%d\"}}}",
			    i ? "," : "", words[i % 8], i, i);
		else
			ns_buf_printf(b,
			    "%s{\"name\":\"%s_%d\",\"value\":\"https://%s.@n.svc.cluster.local:8443/v%d?mode=\\\"strict\\\"\"}",
			    i ? "," : "", words[i % 8], i, words[(i + 3) % 8], i);
	}
}

static void put_container(ns_buf *b, int c, int env)
{
	ns_buf_printf(b,
	    "{\"name\":\"%s\",\"image\":\"registry.example.com/@t/@a-%d:v1.%d.@m\",\"args\":[\"--config=/etc/app/"
	    "config.yaml\",\"--port=8080\"],"
	    "\"ports\":[{\"name\":\"http\",\"containerPort\":%d,\"protocol\":\"TCP\"},{\"name\":\"metrics\",\"containerPort\":%d,"
	    "\"protocol\":\"TCP\"}],\"env\":[",
	    c ? "sidecar" : "app", c, c + 3, 8080 + c, 9090 + c);
	put_env(b, env, false);
	ns_buf_puts(b,
	    "],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"512Mi\"},\"requests\":{\"cpu\":\"100m\",\"memory\":\"256Mi\"}},"
	    "\"volumeMounts\":[{\"name\":\"config\",\"mountPath\":\"/etc/app\"},{\"name\":\"secrets\",\"readOnly\":true,\"mountPath\":\"/"
	    "etc/secrets\"},{\"name\":\"kube-api-access-@s\",\"readOnly\":true,\"mountPath\":\"/var/run/secrets/kubernetes.io/"
	    "serviceaccount\"}],"
	    "\"livenessProbe\":{\"httpGet\":{\"path\":\"/"
	    "healthz\",\"port\":\"http\",\"scheme\":\"HTTP\"},\"initialDelaySeconds\":10,\"timeoutSeconds\":1,\"periodSeconds\":10,"
	    "\"successThreshold\":1,\"failureThreshold\":3},"
	    "\"readinessProbe\":{\"httpGet\":{\"path\":\"/"
	    "ready\",\"port\":\"http\",\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":5,\"successThreshold\":1,"
	    "\"failureThreshold\":3},"
	    "\"terminationMessagePath\":\"/dev/"
	    "termination-log\",\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\",\"securityContext\":{"
	    "\"capabilities\":{\"drop\":[\"ALL\"]},\"runAsNonRoot\":true,\"allowPrivilegeEscalation\":false}}");
}

static void put_fields(ns_buf *b, int containers, int env)
{
	ns_buf_puts(b,
	    "\"managedFields\":[{\"manager\":\"kube-controller-manager\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":\"2026-"
	    "03-01T10:@m:05Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},\"f:checksum/"
	    "config\":{},\"f:prometheus.io/port\":{},\"f:prometheus.io/"
	    "scrape\":{}},\"f:generateName\":{},\"f:labels\":{\".\":{},\"f:app.kubernetes.io/instance\":{},\"f:app.kubernetes.io/"
	    "name\":{},\"f:pod-template-hash\":{}},\"f:ownerReferences\":{\".\":{},\"k:{\\\"uid\\\":\\\"@r\\\"}\":{}}},\"f:spec\":{\"f:"
	    "affinity\":{\".\":{},\"f:podAntiAffinity\":{\".\":{},\"f:preferredDuringSchedulingIgnoredDuringExecution\":{}}},\"f:"
	    "containers\":{");
	for (int c = 0; c < containers; c++) {
		ns_buf_printf(b, "%s\"k:{\\\"name\\\":\\\"%s\\\"}\":{\".\":{},\"f:args\":{},\"f:env\":{\".\":{},", c ? "," : "",
		    c ? "sidecar" : "app");
		put_env(b, env, true);
		ns_buf_puts(b,
		    "},\"f:image\":{},\"f:imagePullPolicy\":{},\"f:livenessProbe\":{\".\":{},\"f:failureThreshold\":{},\"f:httpGet\":{"
		    "\".\":{},\"f:path\":{},\"f:port\":{},\"f:scheme\":{}},\"f:periodSeconds\":{}},\"f:name\":{},\"f:ports\":{\".\":{},"
		    "\"k:{\\\"containerPort\\\":8080,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{},\"f:name\":{},\"f:"
		    "protocol\":{}}},\"f:resources\":{\".\":{},\"f:limits\":{\".\":{},\"f:cpu\":{},\"f:memory\":{}}},\"f:volumeMounts\":"
		    "{\".\":{},\"k:{\\\"mountPath\\\":\\\"/etc/app\\\"}\":{\".\":{},\"f:mountPath\":{},\"f:name\":{}}}}");
	}
	ns_buf_puts(b, "},\"f:dnsPolicy\":{},\"f:restartPolicy\":{},\"f:schedulerName\":{},\"f:terminationGracePeriodSeconds\":{},\"f:"
	               "volumes\":{\".\":{},\"k:{\\\"name\\\":\\\"config\\\"}\":{\".\":{},\"f:configMap\":{\".\":{},\"f:defaultMode\":{},"
	               "\"f:name\":{}},\"f:name\":{}}}}}},{\"manager\":\"kubelet\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":"
	               "\"2026-03-01T10:@m:35Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":{\"k:{"
	               "\\\"type\\\":\\\"ContainersReady\\\"}\":{\".\":{},\"f:lastProbeTime\":{},\"f:lastTransitionTime\":{},\"f:status\":{"
	               "},\"f:type\":{}},\"k:{\\\"type\\\":\\\"Ready\\\"}\":{\".\":{},\"f:lastTransitionTime\":{},\"f:status\":{},\"f:"
	               "type\":{}}},\"f:containerStatuses\":{},\"f:hostIP\":{},\"f:phase\":{},\"f:podIP\":{},\"f:podIPs\":{\".\":{},\"k:{"
	               "\\\"ip\\\":\\\"10.@i\\\"}\":{\".\":{},\"f:ip\":{}}},\"f:startTime\":{}}},\"subresource\":\"status\"}]");
}

static void put_status(ns_buf *b, int containers)
{
	static const char *const types[] = {"Initialized", "Ready", "ContainersReady", "PodScheduled"};
	ns_buf_puts(b, "\"status\":{\"phase\":\"Running\",\"conditions\":[");
	for (int i = 0; i < 4; i++)
		ns_buf_printf(b,
		    "%s{\"type\":\"%s\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-03-01T10:@m:%02dZ\"}",
		    i ? "," : "", types[i], 10 + i);
	ns_buf_puts(b, "],\"hostIP\":\"192.168.0.7\",\"podIP\":\"10.@i\",\"podIPs\":[{\"ip\":\"10.@i\"}],\"startTime\":\"2026-03-01T10:@m:"
	               "06Z\",\"containerStatuses\":[");
	for (int c = 0; c < containers; c++)
		ns_buf_printf(b,
		    "%s{\"name\":\"%s\",\"state\":{\"running\":{\"startedAt\":\"2026-03-01T10:@m:12Z\"}},\"lastState\":{},\"ready\":true,"
		    "\"restartCount\":0,\"image\":\"registry.example.com/@t/@a-%d:v1.%d.@m\","
		    "\"imageID\":\"registry.example.com/@t/@a-%d/sha256:@c\",\"containerID\":\"containerd://@c\",\"started\":true}",
		    c ? "," : "", c ? "sidecar" : "app", c, c + 3, c);
	ns_buf_puts(b, "],\"qosClass\":\"Burstable\"}}");
}

#define META(kind, name, uid)                                                                                                              \
	"{\"kind\":\"" kind "\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"@n\",\"uid\":\"" uid             \
	"\",\"resourceVersion\":\"@v\",\"creationTimestamp\":\"2026-03-01T10:@m:05Z\","
#define LABELS                                                                                                                             \
	"\"labels\":{\"app.kubernetes.io/instance\":\"@a\",\"app.kubernetes.io/name\":\"@a\",\"app.kubernetes.io/"                         \
	"managed-by\":\"Helm\",\"environment\":\"production\",\"team\":\"@t\",\"pod-template-hash\":\"@h\"},"
#define ANNOTATIONS                                                                                                                        \
	"\"annotations\":{\"checksum/config\":\"@c\",\"cni.projectcalico.org/containerID\":\"@c\",\"cni.projectcalico.org/"                \
	"podIP\":\"10.@i/32\",\"k8s.v1.cni.cncf.io/network-status\":\"[{\\n    \\\"name\\\": \\\"k8s-pod-network\\\",\\n    \\\"ips\\\": " \
	"[\\n        \\\"10.@i\\\"\\n    ],\\n    \\\"default\\\": true,\\n    \\\"dns\\\": "                                              \
	"{}\\n}]\",\"prometheus.io/port\":\"9090\",\"prometheus.io/scrape\":\"true\"},"

static void make_pod(shape *s, unsigned seed, size_t which)
{
	ns_buf b = NS_BUF_INIT;
	unsigned h = mix(seed, which, 1);
	int containers = which % 8 < 5 ? 1 : 2, env = 4 + (int)(h % 12);
	ns_buf_puts(&b,
	    META("Pod", "@a-@h-@s",
	        "@u") "\"generateName\":\"@a-@h-\"," LABELS ANNOTATIONS "\"ownerReferences\":[{\"apiVersion\":\"apps/"
	              "v1\",\"kind\":\"ReplicaSet\",\"name\":\"@a-@h\",\"uid\":\"@r\",\"controller\":true,\"blockOwnerDeletion\":true}],");
	put_fields(&b, containers, env);
	ns_buf_puts(&b,
	    "},\"spec\":{\"volumes\":[{\"name\":\"config\",\"configMap\":{\"name\":\"@a-config\",\"defaultMode\":420}},{\"name\":"
	    "\"secrets\",\"secret\":{\"secretName\":\"@a-secrets\",\"defaultMode\":420}},{\"name\":\"tmp\",\"emptyDir\":{}},"
	    "{\"name\":\"kube-api-access-@s\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{\"expirationSeconds\":3607,\"path\":"
	    "\"token\"}},{\"configMap\":{\"name\":\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]}},{"
	    "\"downwardAPI\":{\"items\":[{\"path\":\"namespace\",\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"}}"
	    "]}}],\"defaultMode\":420}}],\"containers\":[");
	for (int c = 0; c < containers; c++) {
		if (c)
			ns_buf_putc(&b, ',');
		put_container(&b, c, env);
	}
	ns_buf_puts(&b,
	    "],\"restartPolicy\":\"Always\",\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\",\"serviceAccountName\":\"@"
	    "a\",\"serviceAccount\":\"@a\",\"nodeName\":\"node-@o\",\"securityContext\":{\"fsGroup\":2000},"
	    "\"affinity\":{\"podAntiAffinity\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":100,\"podAffinityTerm\":{"
	    "\"labelSelector\":{\"matchLabels\":{\"app.kubernetes.io/name\":\"@a\"}},\"topologyKey\":\"kubernetes.io/"
	    "hostname\"}}]}},\"schedulerName\":\"default-scheduler\","
	    "\"tolerations\":[{\"key\":\"node.kubernetes.io/"
	    "not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300},{\"key\":\"node.kubernetes.io/"
	    "unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}],\"priority\":0,"
	    "\"enableServiceLinks\":true,\"preemptionPolicy\":\"PreemptLowerPriority\"},");
	put_status(&b, containers);
	cut(s, &b);
}

#define SELECTOR "\"selector\":{\"matchLabels\":{\"app.kubernetes.io/instance\":\"@a\",\"app.kubernetes.io/name\":\"@a\""

static void make_others(podgen *g)
{
	ns_buf b = NS_BUF_INIT, containers = NS_BUF_INIT;
	put_container(&containers, 0, 8);
	ns_buf_printf(&b, "%s%s%s]}}},%s",
	    META("ReplicaSet", "@a-@h", "@r") LABELS "\"generation\":1,\"ownerReferences\":[{\"apiVersion\":\"apps/"
	                                             "v1\",\"kind\":\"Deployment\",\"name\":\"@a\",\"uid\":\"@d\",\"controller\":true,"
	                                             "\"blockOwnerDeletion\":true}]},\"spec\":{\"replicas\":10," SELECTOR
	                                             ",\"pod-template-hash\":\"@h\"}},\"template\":{\"metadata\":{" LABELS
	                                             "\"creationTimestamp\":null},\"spec\":{\"containers\":[",
	    ns_buf_str(&containers), "",
	    "\"status\":{\"replicas\":10,\"fullyLabeledReplicas\":10,\"readyReplicas\":10,\"availableReplicas\":10,\"observedGeneration\":"
	    "1}}");
	/* An old revision: another name, hash and uid, and nothing runs. */
	ns_buf old = NS_BUF_INIT;
	ns_buf_puts(&old, b.data);
	for (char *p = old.data; (p = strchr(p, '@')) != NULL; p += 2)
		p[1] = (char)(p[1] == 'h' ? 'g' : p[1] == 'r' ? 'k' : p[1]);
	for (char *p = old.data; (p = strstr(p, "eplicas\":10")) != NULL; p++)
		memmove(p + 9, p + 10, strlen(p + 10) + 1), p[9] = '0';
	old.len = strlen(old.data);
	cut(&g->old, &old);
	cut(&g->replicaset, &b);
	ns_buf_printf(&b, "%s%s]}}},%s",
	    META("Deployment", "@a", "@d") LABELS "\"generation\":1},\"spec\":{\"replicas\":10," SELECTOR
	                                          "}},\"template\":{\"metadata\":{" LABELS
	                                          "\"creationTimestamp\":null},\"spec\":{\"containers\":[",
	    ns_buf_str(&containers),
	    "\"status\":{\"observedGeneration\":1,\"replicas\":10,\"updatedReplicas\":10,\"readyReplicas\":10,\"availableReplicas\":10,"
	    "\"conditions\":[{\"type\":\"Available\",\"status\":\"True\",\"lastUpdateTime\":\"2026-03-01T10:@m:30Z\","
	    "\"lastTransitionTime\":\"2026-03-01T10:@m:30Z\",\"reason\":\"MinimumReplicasAvailable\",\"message\":\"Deployment has minimum "
	    "availability.\"},{\"type\":\"Progressing\",\"status\":\"True\",\"lastUpdateTime\":\"2026-03-01T10:@m:30Z\","
	    "\"lastTransitionTime\":\"2026-03-01T10:@m:30Z\",\"reason\":\"NewReplicaSetAvailable\",\"message\":\"ReplicaSet has "
	    "successfully progressed.\"}]}}");
	cut(&g->deployment, &b);
	ns_buf_puts(&b,
	    "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"node-@q\",\"uid\":\"@k\",\"resourceVersion\":\"@v\","
	    "\"creationTimestamp\":\"2026-02-01T10:@m:05Z\",\"labels\":{\"kubernetes.io/"
	    "hostname\":\"node-@q\"}},\"spec\":{\"podCIDR\":\"10.0.0.0/24\"},"
	    "\"status\":{\"capacity\":{\"cpu\":\"32\",\"memory\":\"131072Mi\",\"pods\":\"250\"},\"conditions\":[{\"type\":"
	    "\"MemoryPressure\",\"status\":\"False\",\"lastHeartbeatTime\":\"2026-03-01T10:@m:30Z\",\"lastTransitionTime\":\"2026-02-01T10:"
	    "@m:30Z\",\"reason\":\"KubeletHasSufficientMemory\",\"message\":\"kubelet has sufficient memory "
	    "available\"},{\"type\":\"Ready\",\"status\":\"True\",\"lastHeartbeatTime\":\"2026-03-01T10:@m:30Z\",\"lastTransitionTime\":"
	    "\"2026-02-01T10:@m:30Z\",\"reason\":\"KubeletReady\",\"message\":\"kubelet is posting ready status\"}]}}");
	cut(&g->node, &b);
	ns_buf_free(&containers);
}

podgen *podgen_new(unsigned seed)
{
	podgen *g = ns_xcalloc(1, sizeof *g);
	g->seed = seed;
	for (size_t i = 0; i < SHAPES; i++)
		make_pod(&g->pods[i], seed, i);
	make_others(g);
	return g;
}

void podgen_free(podgen *g)
{
	for (size_t i = 0; i < SHAPES; i++)
		free(g->pods[i].text);
	free(g->replicaset.text);
	free(g->old.text);
	free(g->deployment.text);
	free(g->node.text);
	free(g);
}

void podgen_pod(const podgen *g, size_t i, unsigned long version, ns_buf *out)
{
	size_t owner = i / PODGEN_PER_OWNER;
	render(&g->pods[mix(g->seed, owner, 3) % SHAPES], &(numbers){g->seed, i, owner, version}, out);
}

void podgen_replicaset(const podgen *g, size_t i, unsigned long version, ns_buf *out)
{
	size_t owner = i / PODGEN_REVISIONS;
	render(i % PODGEN_REVISIONS ? &g->old : &g->replicaset, &(numbers){g->seed, i, owner, version}, out);
}

void podgen_deployment(const podgen *g, size_t i, unsigned long version, ns_buf *out)
{
	render(&g->deployment, &(numbers){g->seed, i, i, version}, out);
}

void podgen_node(const podgen *g, size_t i, unsigned long version, ns_buf *out)
{
	render(&g->node, &(numbers){g->seed, i, i, version}, out);
}
