#!/bin/sh
# badinput.sh: whatever is wrong, one line on standard error names the thing and the way out, and the exit status is the documented one.
# What heals by itself (an API server that is away) is no reason to exit: the engine says so in one line and goes on.
set -u
B=${B:-build}
P=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
pids=
cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null; done
	umount "$dir/full" 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
cd "$dir" || exit 1
HOME=$dir XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
export HOME XDG_STATE_HOME XDG_CONFIG_HOME
unset KUBECONFIG NO_COLOR NEUROSCALE_PROFILE

n=0 bad=0
ok() { n=$((n + 1)); echo "ok $n - $1"; }
not_ok() { n=$((n + 1)) bad=$((bad + 1)); echo "not ok $n - $1"; shift; printf '# %s\n' "$@"; }
skip() { n=$((n + 1)); echo "ok $n - $1 # SKIP $2"; }

# judge NAME WANTED_STATUS 'PATTERN' STATUS: $dir/out and $dir/err are what it printed.
judge() {
	if [ "$4" -ne "$2" ]; then not_ok "$1" "status $4, wanted $2" "$(head -n 3 err)"
	elif [ "$(wc -l <err)" -ne 1 ]; then not_ok "$1" "$(wc -l <err) lines on standard error" "$(head -n 3 err)"
	elif ! grep -qE "^neuroscale-tui: $3" err; then not_ok "$1" "wanted: $3" "$(cat err)"
	elif [ -s out ]; then not_ok "$1" "it printed on standard output: $(head -n 1 out)"
	else ok "$1"; fi
}
# fails NAME STATUS 'PATTERN' ARGUMENTS...
fails() {
	name=$1 want=$2 pattern=$3; shift 3
	timeout -k 2 20 "$P" "$@" </dev/null >out 2>err
	judge "$name" "$want" "$pattern" $?
}
kubeconfig() { # SERVER [LINE-OF-CLUSTER]
	printf 'apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster:\n    server: %s\n%s' "$1" "${2:+    $2
}"
	printf 'contexts:\n- name: staging\n  context: {cluster: c, user: u}\n- name: production\n  context: {cluster: c, user: u}\n'
	printf 'current-context: staging\nusers:\n- name: u\n  user: {token: secret-token}\n'
}
kubeconfig https://127.0.0.1:1 >down.yaml

# ---- kubeconfig ----
fails "no kubeconfig" 3 "no kubeconfig: .*/\.kube/config; give --kubeconfig FILE, set KUBECONFIG, .*neuroscale-tui demo" --headless
fails "a kubeconfig that does not exist" 3 "kubeconfig gone.yaml does not exist" --headless --kubeconfig gone.yaml
printf 'apiVersion: v1\nkind: Config\nclusters:\n- name: [\n' >bad.yaml
fails "a malformed kubeconfig, with its line" 8 "bad.yaml:[45]:" --headless --kubeconfig bad.yaml
printf 'words\n' >words.yaml
fails "a kubeconfig that is none" 8 "words.yaml:1: not a kubeconfig" --headless --kubeconfig words.yaml
fails "a kubeconfig that is a directory" 8 ".*$dir is not a regular file" --headless --kubeconfig "$dir"
cp down.yaml secret.yaml && chmod 000 secret.yaml
if [ "$(id -u)" -eq 0 ]; then
	if command -v setpriv >/dev/null 2>&1 && chmod 755 . && setpriv --reuid 65534 --clear-groups "$P" --version >/dev/null 2>&1; then
		setpriv --reuid 65534 --clear-groups timeout 20 "$P" --headless --kubeconfig secret.yaml -s /nonexistent </dev/null >out 2>err
		judge "an unreadable kubeconfig" 4 ".*secret.yaml: Permission denied" $?
	else
		skip "an unreadable kubeconfig" "root reads everything and setpriv cannot run the program as somebody else"
	fi
else
	fails "an unreadable kubeconfig" 4 ".*secret.yaml: Permission denied" --headless --kubeconfig secret.yaml
fi
fails "an unknown context, with the nearest" 3 'context "stagign" does not exist in down.yaml; did you mean "staging"\?' --headless --kubeconfig down.yaml --context stagign
fails "an unknown context, with all" 3 'context "zzzzzzzzzz" does not exist in down.yaml \(there are: .*staging' --headless --kubeconfig down.yaml --context zzzzzzzzzz
kubeconfig https://127.0.0.1:1 'certificate-authority-data: bm90IGEgY2VydA==' >badca.yaml
fails "a CA that is no certificate" 8 '.*badca.yaml:[0-9]+: cluster "c": certificate-authority-data holds no PEM' --headless --kubeconfig badca.yaml
kubeconfig https://127.0.0.1:1 'certificate-authority: gone.pem' >goneca.yaml
fails "a CA file that is not there" 3 '.*gone.pem' --headless --kubeconfig goneca.yaml

# ---- what is not there ----
kubectl=$(command -v kubectl || true)
mkdir empty
PATH_WAS=$PATH
timeout=$(command -v timeout)
PATH=$dir/empty "$timeout" -k 2 20 "$P" --headless --kubeconfig down.yaml </dev/null >out 2>err
judge "kubectl is missing" 3 "kubectl is not in PATH: install it \(contrib/deps.sh\) or name it with --kubectl" $?
fails "the kubectl that was named is missing" 3 "kubectl was not found at /no/kubectl" --headless --kubeconfig down.yaml --kubectl /no/kubectl
fails "runbooks that are not there" 3 ".*/no/runbooks: No such file" --headless --kubeconfig down.yaml --runbooks /no/runbooks
fails "no engine to ask" 7 "no engine answers at .*control.sock: start one with .*neuroscale-tui --headless" approvals
fails "no store to prove" 3 "no engine has kept a record in nowhere: name its directory with --state-dir: nowhere: No such file or directory" audit verify --state-dir nowhere
fails "a scenario nobody knows" 2 'there is no scenario "oom-simpel": .*--scenario list' demo --scenario oom-simpel
fails "the simulated cluster listens on loopback only" 4 'listen address "0.0.0.0:0"' sim --listen 0.0.0.0:0

# ---- the command line ----
fails "an unknown option, with the nearest" 2 "unknown option --contex, did you mean --context\?" --contex x
fails "an unknown command, with the nearest" 2 'unknown command "aprove", did you mean "approve"\?' aprove 1
fails "a bad value" 2 'command line: "yolo" is no value for profile: it must be one of observe\|approve\|auto' --profile yolo
fails "approve without a digest" 7 "no engine answers" approve 1
printf 'profile: observe\nscale-mx: 3\n' >conf.yaml
fails "an unknown key in the configuration, with its line" 2 'conf.yaml:2:1: unknown option "scale-mx", did you mean "scale-max"\?' -c conf.yaml --headless
printf 'clusters:\n  - context: a\n    colour: red\n' >clusters.yaml
fails "an unknown key of a cluster, with line and column" 2 'clusters.yaml:3:5: a cluster has no key "colour", did you mean "color"\?' -c clusters.yaml --headless
printf 'clusters:\n  - {context: a, name: x}\n  - {context: b, name: x}\n' >clusters.yaml
fails "two clusters of one name" 2 'clusters.yaml:3:5: the name "x" is taken by the cluster at ' -c clusters.yaml --headless
printf 'profile: "observe\n' >conf.yaml
fails "malformed configuration" 8 "conf.yaml:" -c conf.yaml --headless

# ---- the terminal ----
fails "the console without a terminal" 2 "the console needs a terminal: use --headless" --kubeconfig down.yaml
if command -v script >/dev/null 2>&1 && [ -n "$kubectl" ]; then
	on_terminal() { # TERM ARGUMENTS...: on a terminal of its own; what it printed is in out, its standard error in err
		term=$1; shift
		TERM=$term timeout -k 2 20 script -qec "stty rows 24 cols 80; $P $* 2>err" /dev/null </dev/null >out 2>&1
		tty_status=$?
		: >out
	}
	on_terminal dumb --kubeconfig down.yaml
	judge "TERM=dumb" 2 "TERM=dumb cannot place the cursor: use another terminal" $tty_status
	on_terminal no-such-terminal --kubeconfig down.yaml
	judge "a TERM that terminfo does not know" 2 "TERM=no-such-terminal is not in this machine's terminfo" $tty_status
	on_terminal xterm --kubeconfig bad.yaml
	judge "a malformed kubeconfig, at the console" 8 "bad.yaml:[45]:" $tty_status
	mkdir mine && echo precious >mine/demo && echo precious >mine/work
	on_terminal xterm demo -s mine
	judge "a demo in somebody's directory" 4 "mine is not empty and no demo made it: the demo needs a --state-dir of its own" $tty_status
	if [ "$(cat mine/demo mine/work | tr -d '\n')" = preciousprecious ]; then ok "and nothing in it is lost"; else not_ok "and nothing in it is lost" "$(ls mine)"; fi
	# Too small is no reason to leave: the window can grow. Below 20x5 only the counts are shown, and nothing can be opened or approved.
	TERM=xterm timeout -s TERM -k 2 4 script -qec "stty rows 4 cols 18; exec $P demo -s small" /dev/null </dev/null >out 2>&1
	if tr -dc ' -~' <out | grep -qE 'A[0-9]+ C[0-9]+ W[0-9]+' && ! grep -q 'y approve' out; then ok "a terminal that is too small"
	else not_ok "a terminal that is too small" "$(tr -dc ' -~' <out | head -c 300)"; fi
	echo precious >small/work
	TERM=xterm timeout -s TERM -k 2 4 script -qec "stty rows 4 cols 18; exec $P demo -s small" /dev/null </dev/null >out 2>&1
	if tr -dc ' -~' <out | grep -qE 'A[0-9]+ C[0-9]+ W[0-9]+' && [ "$(cat small/work)" = precious ]; then ok "a second demo clears what the first one made, and that only"
	else not_ok "a second demo clears what the first one made, and that only" "$(ls small)"; fi
else
	skip "a terminal that is too small" "script(1) or kubectl is missing"
	skip "TERM=dumb" "script(1) or kubectl is missing"
	skip "a TERM that terminfo does not know" "script(1) or kubectl is missing"
	skip "a malformed kubeconfig, at the console" "script(1) or kubectl is missing"
fi

# ---- the store, the lock, the disk ----
PATH=$PATH_WAS
if [ -z "$kubectl" ]; then
	for name in "a store from a newer version" "a second engine" "a full disk at the start" "an API server that is away" "a certificate that is not trusted"; do skip "$name" "kubectl is missing"; done
else
	wait_for() { # FILE PATTERN: until it is there, at most 10 s
		i=0
		while ! grep -q "$2" "$1" 2>/dev/null; do
			i=$((i + 1))
			[ $i -lt 100 ] || return 1
			sleep 0.1
		done
	}
	start() { # LOG ARGUMENTS...: an engine in the background, $engine is its pid
		log=$1; shift
		(trap '' HUP; exec "$P" --headless "$@") </dev/null >"$log" 2>&1 & # as nohup does
		engine=$! pids="$pids $!"
		wait_for "$log" started
	}
	start one.log --kubeconfig down.yaml -s one
	fails "a second engine, with the pid of the first" 14 "another engine runs on one: .*another --state-dir.*process $engine" --headless --kubeconfig down.yaml -s one
	wait_for one.log "not watched"
	said=$(grep -c 'WARN .*staging is not watched, trying again: .*https://127.0.0.1:1' one.log)
	sleep 3
	if [ "$said" -eq 1 ] && [ "$(grep -c 'not watched' one.log)" -eq 1 ] && kill -0 "$engine"; then
		ok "an API server that is away is told in one line, and the engine goes on"
	else
		not_ok "an API server that is away is told in one line, and the engine goes on" "$(cat one.log)"
	fi
	if "$P" incidents -s one >out 2>err && grep -q "no incidents" out; then ok "it answers meanwhile"; else not_ok "it answers meanwhile" "$(cat out err)"; fi
	kill -HUP "$engine"
	sleep 0.5
	if kill -0 "$engine" && ! grep -q stopped one.log; then ok "under nohup it outlives its terminal"; else not_ok "under nohup it outlives its terminal" "$(tail -n 1 one.log)"; fi
	kill -TERM "$engine"
	wait "$engine"
	status=$?
	if [ $status -eq 0 ] && grep -q stopped one.log; then ok "SIGTERM ends it with status 0"; else not_ok "SIGTERM ends it with status 0" "status $status"; fi
	if grep -q secret-token one.log; then not_ok "no token in the log"; else ok "no token in the log"; fi

	mkdir -m 700 newer
	if command -v python3 >/dev/null 2>&1; then
		cp one/neuroscale.db newer/ && python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute("PRAGMA user_version=999"); c.commit()' newer/neuroscale.db
	elif command -v sqlite3 >/dev/null 2>&1; then
		cp one/neuroscale.db newer/ && sqlite3 newer/neuroscale.db 'PRAGMA user_version=999'
	else # user_version is the big-endian word at byte 60 of the file
		cp one/neuroscale.db newer/ && printf '\000\000\003\347' | dd of=newer/neuroscale.db bs=1 seek=60 conv=notrunc 2>/dev/null
	fi
	before=$(cksum <newer/neuroscale.db)
	fails "a store from a newer version" 13 ".*newer/neuroscale.db" --headless --kubeconfig down.yaml -s newer
	if [ "$before" = "$(cksum <newer/neuroscale.db)" ]; then ok "and it is left as it was"; else not_ok "and it is left as it was"; fi
	printf 'this is no database, and it is long enough to be one if it were one, is it not?' >words.db
	mkdir -m 700 words && cp words.db words/neuroscale.db && chmod 600 words/neuroscale.db
	fails "a store that is none" 8 ".*words/neuroscale.db" --headless --kubeconfig down.yaml -s words

	mkdir full
	if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k,mode=700 none full 2>/dev/null; then
		dd if=/dev/zero of=full/filler bs=1k 2>/dev/null
		fails "a full disk at the start" 11 ".*full" --headless --kubeconfig down.yaml -s full/state
	else
		skip "a full disk at the start" "needs root and a tmpfs"
	fi

	# A server whose certificate nobody signed: the engine goes on and says what is wrong.
	if command -v openssl >/dev/null 2>&1; then
		openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=elsewhere >/dev/null 2>&1
		port=$((20000 + $$ % 20000))
		openssl s_server -accept "127.0.0.1:$port" -key key.pem -cert cert.pem -quiet </dev/null >/dev/null 2>&1 &
		pids="$pids $!"
		sleep 0.5
		kubeconfig "https://127.0.0.1:$port" >tls.yaml
		start tls.log --kubeconfig tls.yaml -s tls
		if wait_for tls.log "not watched, trying again:.*[cC]ertificate"; then ok "a certificate that is not trusted"; else not_ok "a certificate that is not trusted" "$(cat tls.log)"; fi
		kill -TERM "$engine"
		wait "$engine"
	else
		skip "a certificate that is not trusted" "openssl is missing"
	fi
fi
[ "$bad" -eq 0 ]
