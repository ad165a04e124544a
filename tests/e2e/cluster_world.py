#!/usr/bin/env python3
"""cluster_world.py PKI-DIR API-URL STATE-DIR   what lives beside a real control plane in cluster_actions.sh and has no binary here (standard library only).

Kyverno    an admission webhook (/validate) that refuses pods without the label `team` in namespaces that are labelled `policy=on`, unless a
           PolicyException in namespace `policy-exceptions` matches, in Kyverno's own words; it warns of exceptions in another namespace. Its reports
           controller: one PolicyReport for each Deployment there, `fail` or, with `properties.exceptions`, `skip`.
Argo CD    a reconciler of Applications in namespace `argocd`: obeys `operation`, keeps history, and with auto-sync and selfHeal sets the image of the
           Deployment back to what targetRevision says. "Git" is the file STATE-DIR/git: lines "REVISION IMAGE", and HEAD is the last one.
OpenCost   /allocation: the rows of STATE-DIR/cost, "NAMESPACE CONTROLLER NOW BEFORE" in cost per day; a window that ends within the last 24 h is NOW.

Ports are written to STATE-DIR/ports ("WEBHOOK OPENCOST") once all of it listens; what the webhook was asked to STATE-DIR/asked.
"""
import fnmatch, http.client, http.server, json, ssl, sys, threading, time, urllib.parse

PKI, API, STATE = sys.argv[1:4]
HOST, PORT = urllib.parse.urlsplit(API).hostname, urllib.parse.urlsplit(API).port
TOKEN = open(PKI + "/admin.token").read().strip()
TRUST = ssl.create_default_context(cafile=PKI + "/ca.crt")
POLICY, RULE, WHERE = "require-team", "check-team", "policy-exceptions"
SAID = "validation error: the label `team` is required. rule %s failed at path /metadata/labels/team/"


def call(method, path, body=None, kind="application/json"):
    c = http.client.HTTPSConnection(HOST, PORT, context=TRUST, timeout=10)
    try:
        c.request(method, path, json.dumps(body) if body is not None else None,
                  {"Authorization": "Bearer " + TOKEN, "Content-Type": kind, "User-Agent": "cluster-world"})
        r = c.getresponse()
        text = r.read()
        return r.status, json.loads(text) if text[:1] == b"{" else {}
    finally:
        c.close()


def items(path):
    return call("GET", path)[1].get("items") or []


def stamp(t=None):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))


# ---- Kyverno ----

def excepted(kind, namespace, name, rule):
    """The names of the exceptions that let it through, as Kyverno matches: kinds, names and namespaces by wildcards, policy and rule."""
    found = []
    for x in items("/apis/kyverno.io/v2/namespaces/%s/policyexceptions" % WHERE):
        rules = [e for e in x["spec"]["exceptions"] if e["policyName"] == POLICY and any(fnmatch.fnmatchcase(rule, r) for r in e["ruleNames"])]
        for m in x["spec"]["match"].get("any") or []:
            r = m["resources"]
            fits = lambda key, value: not r.get(key) or any(fnmatch.fnmatchcase(value, p) for p in r[key])
            if rules and kind in r["kinds"] and fits("names", name) and fits("namespaces", namespace):
                found.append(x["metadata"]["name"])
                break
    return found


def labelled(o):
    return "team" in (o["metadata"].get("labels") or {}) or "team" in (o.get("spec", {}).get("template", {}).get("metadata", {}).get("labels") or {})


def decide(request):
    o, kind = request.get("object") or {}, request["kind"]["kind"]
    meta = o.get("metadata") or {}
    if kind == "PolicyException":
        return True, "", [] if request["namespace"] == WHERE else ["PolicyException resource namespace must match the defined namespace."]
    rule = RULE if kind == "Pod" else "autogen-" + RULE
    name = meta.get("name") or meta.get("generateName", "")
    if labelled(o) or excepted(kind, request["namespace"], name, rule):
        return True, "", []
    return False, ("\n\nresource %s/%s/%s was blocked due to the following policies \n\n%s:\n  %s: '%s'\n"
                   % (kind, request["namespace"], name, POLICY, rule, SAID % rule)), []


def report(deployment):
    m = deployment["metadata"]
    rule = "autogen-" + RULE
    by = excepted("Deployment", m["namespace"], m["name"], rule)
    result = {"policy": POLICY, "rule": rule, "source": "kyverno", "scored": True, "category": "Ownership", "severity": "medium",
              "result": "pass" if labelled(deployment) else "skip" if by else "fail", "message": SAID % rule,
              "timestamp": {"seconds": int(time.time()), "nanos": 0}, "properties": {"process": "background scan"}}
    if by:
        result["properties"]["exceptions"] = ",".join(by)
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": m["name"], "uid": m["uid"]}
    counts = dict.fromkeys(("pass", "fail", "warn", "error", "skip"), 0)
    counts[result["result"]] = 1
    new = {"apiVersion": "wgpolicyk8s.io/v1alpha2", "kind": "PolicyReport",
           "metadata": {"name": m["uid"], "namespace": m["namespace"], "labels": {"app.kubernetes.io/managed-by": "kyverno"}, "ownerReferences": [ref]},
           "scope": dict(ref, namespace=m["namespace"]), "summary": counts, "results": [result]}
    base = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/%s/policyreports" % m["namespace"]
    status, old = call("GET", base + "/" + m["uid"])
    if status == 404:
        call("POST", base, new)
    elif status == 200 and old["results"][0]["result"] != result["result"]:
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        call("PUT", base + "/" + m["uid"], new)


def scan():
    for ns in items("/api/v1/namespaces?labelSelector=policy%3Don"):
        for d in items("/apis/apps/v1/namespaces/%s/deployments" % ns["metadata"]["name"]):
            report(d)


# ---- Argo CD ----

def git():
    return [line.split() for line in open(STATE + "/git").read().splitlines() if line.strip()]


def deploy(app, image):
    """Applies the image to the Deployment of the Application; True when something was changed."""
    r = app["status"]["resources"][0]
    path = "/apis/apps/v1/namespaces/%s/deployments/%s" % (r["namespace"], r["name"])
    status, live = call("GET", path)
    if status != 200 or live["spec"]["template"]["spec"]["containers"][0]["image"] == image:
        return False
    op = {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}
    return call("PATCH", path, [op], "application/json-patch+json")[0] == 200


def synced(app, revision, automated):
    history = app["status"].get("history") or []
    entry = {"id": history[-1]["id"] + 1 if history else 0, "revision": revision, "deployStartedAt": stamp(), "deployedAt": stamp(),
             "source": app["spec"]["source"], "initiatedBy": {"automated": True} if automated else {"username": "neuroscale"}}
    return history + [entry]


def reconcile(app):
    commits = git()
    head = commits[-1][0]
    status = app.setdefault("status", {})
    before = json.dumps(app, sort_keys=True)
    operation = app.pop("operation", None)
    status.setdefault("resources", [{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": app["spec"]["destination"]["namespace"],
                                     "name": app["spec"]["source"]["path"], "status": "Synced"}])
    automated = (app["spec"].get("syncPolicy") or {}).get("automated")
    history = status.get("history") or []
    wanted = dict(commits).get(operation["sync"]["revision"]) if operation else None
    if operation:
        phase = "Succeeded" if wanted else "Failed"
        if wanted:
            deploy(app, wanted)
            status["history"] = synced(app, operation["sync"]["revision"], False)
        status["operationState"] = {"operation": operation, "phase": phase, "startedAt": stamp(), "finishedAt": stamp(), "message": "by the stand-in"}
    elif automated is not None and automated.get("enabled", True):
        new = not history or history[-1]["revision"] != head
        if (new or automated.get("selfHeal")) and deploy(app, dict(commits)[head]) and not new:
            status["operationState"] = {"operation": {"sync": {"revision": head}}, "phase": "Succeeded", "startedAt": stamp(), "finishedAt": stamp(),
                                        "message": "selfHeal"}
        if new:
            status["history"] = synced(app, head, True)
    runs = (status.get("history") or [{"revision": ""}])[-1]["revision"]
    status["sync"] = {"status": "Synced" if runs == head else "OutOfSync", "revision": head,
                      "comparedTo": {"source": app["spec"]["source"], "destination": app["spec"]["destination"]}}
    status.setdefault("health", {"status": "Healthy"})
    if json.dumps(app, sort_keys=True) != before or operation:
        call("PUT", "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/" + app["metadata"]["name"], app)


def loop(work):
    def turn():
        while True:
            try:
                work()
            except (OSError, ValueError, KeyError, http.client.HTTPException) as e:
                print(work.__name__, repr(e), flush=True)
            time.sleep(0.5)
    threading.Thread(target=turn, daemon=True).start()


def applications():
    for app in items("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"):
        reconcile(app)


# ---- the two servers ----

class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Webhook(Server):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        allowed, why, warnings = decide(request)
        meta = (request.get("object") or {}).get("metadata") or {}
        with open(STATE + "/asked", "a") as f:
            f.write("%s %s/%s %s%s\n" % (request["kind"]["kind"], request.get("namespace"), meta.get("name") or meta.get("generateName"),
                                         "yes" if allowed else "no", " dry-run" if request.get("dryRun") else ""))
        response = {"uid": request["uid"], "allowed": allowed, "warnings": warnings}
        if not allowed:
            response["status"] = {"code": 400, "message": why}
        self.answer(200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})


class OpenCost(Server):
    def do_GET(self):
        u = urllib.parse.urlsplit(self.path)
        q = urllib.parse.parse_qs(u.query)
        if u.path != "/allocation":
            self.answer(404, {"code": 404, "message": "not here"})
            return
        start, end = q["window"][0].split(",")
        seconds = [time.mktime(time.strptime(t, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone for t in (start, end)]
        minutes, now = (seconds[1] - seconds[0]) / 60, time.time() - seconds[1] < 4 * 3600
        rows = {}
        for line in open(STATE + "/cost"):
            ns, name, *costs = line.split()
            rows["%s/%s" % (ns, name)] = {
                "name": "%s/deployment:%s" % (ns, name), "properties": {"namespace": ns, "controllerKind": "deployment", "controller": name},
                "window": {"start": start, "end": end}, "start": start, "end": end, "minutes": minutes,
                "totalCost": float(costs[0 if now else 1]) * minutes / 1440, "totalEfficiency": 0.07}
        self.answer(200, {"code": 200, "data": [rows]})


def serve(handler, tls):
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(PKI + "/apiserver.crt", PKI + "/apiserver.key")
        s.socket = c.wrap_socket(s.socket, server_side=True)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


ports = serve(Webhook, True), serve(OpenCost, False)
loop(scan)
loop(applications)
with open(STATE + "/ports", "w") as f:
    f.write("%d %d\n" % ports)
threading.Event().wait()
