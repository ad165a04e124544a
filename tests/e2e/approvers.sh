#!/bin/sh
# approvers.sh: the engine of one user, decided by another of its group over the socket, by nobody else; and why it was asked, from the record.
# Needs root to be three users: skipped without.
set -u
B=${B:-build}
n=0 failed=0 dir= sim= engine=
skipped() { echo "1..1"; echo "ok 1 - approvers # SKIP $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || skipped "not root"
command -v setpriv >/dev/null || skipped "no setpriv"
command -v kubectl >/dev/null || skipped "kubectl is not in PATH"
group=nogroup owner=nobody member=_apt stranger=daemon
for u in $owner $member; do [ "$(id -gn "$u" 2>/dev/null)" = $group ] || skipped "no user $u in the group $group"; done
[ "$(id -gn $stranger 2>/dev/null)" != $group ] || skipped "no user $stranger"
dir=$(mktemp -d) || exit 1
trap '[ -z "$engine" ] || kill "$engine"; [ -z "$sim" ] || kill "$sim"; wait 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
chmod 711 "$dir"
mkdir "$dir/out"
cp "$B/neuroscale-tui" "$dir/neuroscale-tui" && chmod 755 "$dir/neuroscale-tui"
prog=$dir/neuroscale-tui
unset KUBECONFIG XDG_STATE_HOME XDG_CONFIG_HOME
HOME=/nonexistent
export HOME
as() { # USER COMMAND...
	user=$1
	shift
	setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
}
ok() { # WHAT CONDITION-STATUS
	n=$((n + 1))
	if [ "$2" -eq 0 ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' "$dir/out/text"; failed=1; fi
}
wait_for() { # PATTERN FILE
	i=0
	until grep -q "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 240 ] || return 1
		sleep 0.25
	done
}
"$prog" sim --scenario oom-simple --rate 20 --state-dir "$dir/sim" >"$dir/out/sim" 2>&1 &
sim=$!
wait_for '^clock' "$dir/out/sim"
install -o $owner -m 600 "$(sed -n 's/^kubeconfig  *//p' "$dir/out/sim")" "$dir/kubeconfig"
install -d -o $owner -g $group -m 700 "$dir/state"
as $owner "$prog" --headless --kubeconfig "$dir/kubeconfig" --clock "$(sed -n 's/^clock  *//p' "$dir/out/sim")" --state-dir "$dir/state" \
	--approvers $group >"$dir/out/engine" 2>&1 &
engine=$!
wait_for 'approval asked' "$dir/out/engine"
cp "$dir/out/engine" "$dir/out/text"
ok "the engine of $owner asks" $?
[ "$(stat -c %a "$dir/state/control.sock" "$dir/state" "$dir/state/neuroscale.db" | tr '\n' ' ')" = "660 710 600 " ]
ok "the group may reach the socket and nothing else" $?
as $stranger "$prog" approvals --state-dir "$dir/state" >"$dir/out/text" 2>&1
[ $? -ne 0 ] && ! grep -q digest "$dir/out/text"; ok "who is not in the group sees nothing" $?
as $member "$prog" approvals --state-dir "$dir/state" >"$dir/out/text" 2>&1
digest=$(sed -n 's/.*approve 1 --digest //p' "$dir/out/text")
[ -n "$digest" ]; ok "a member sees what waits" $?
"$prog" approve 1 --digest "$digest" --state-dir "$dir/state" >"$dir/out/text" 2>&1
[ $? -ne 0 ]; ok "root looks and does not decide" $?
as $member "$prog" approve 1 --digest "$digest" --state-dir "$dir/state" >"$dir/out/text" 2>&1
ok "a member decides" $?
wait_for "audit  *started .*by=\"uid $(id -u $member) ($member)\"" "$dir/out/engine"
cp "$dir/out/engine" "$dir/out/text"
ok "it is sent, by the name of who said yes" $?
as $owner "$prog" gate explain 1 --state-dir "$dir/state" >"$dir/out/text" 2>&1 && grep -q "before anybody was asked: ask" "$dir/out/text" &&
	grep -q "before sending, with a person's yes: sent" "$dir/out/text" && grep -q "NEEDS A PERSON  profile  *law 4  *profile=approve" "$dir/out/text"
ok "gate explain says why, while the engine runs" $?
as $owner "$prog" gate explain 1 --set profile=auto --json --state-dir "$dir/state" >"$dir/out/text" 2>&1 && grep -q '"way":"auto"' "$dir/out/text"
ok "and what would have been in profile auto" $?
echo "1..$n"
exit $failed
