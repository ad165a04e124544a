#!/bin/sh
# completions.sh: bash (and zsh, where it is) offers every command and every option that --help names, and nothing else is needed to keep it so;
# `make install` puts the completions where the shells look.
set -u
B=${B:-build}
P=$(cd "$B" && pwd)/neuroscale-tui
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
n=0 bad=0
result() { # STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=$((bad + 1)); fi
}
skipped() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}
HOME=$dir XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
export HOME XDG_STATE_HOME XDG_CONFIG_HOME

"$P" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' | sort >"$dir/commands"
[ "$(wc -l <"$dir/commands")" -ge 8 ]; result $? "--help lists the commands ($(wc -l <"$dir/commands"))"

# offered COMMAND-LINE-UP-TO-THE-WORD WORD: what bash would offer, one a line
offered() {
	bash -c '
		. contrib/completions/neuroscale-tui.bash
		program=$1 word=$2
		shift 2
		COMP_WORDS=("$program" "$@" "$word") COMP_CWORD=$(($# + 1)) COMPREPLY=()
		_neuroscale_tui
		printf "%s\n" "${COMPREPLY[@]}"' bash "$P" "$@"
}
if command -v bash >/dev/null; then
	offered '' | sort >"$dir/offered"
	cmp -s "$dir/commands" "$dir/offered"; result $? "bash offers every command"
	for command in '' $(cat "$dir/commands"); do
		{ "$P" --help; [ -z "$command" ] || "$P" --help "$command"; } | grep -oE -- '--[a-z][a-z-]*' | sort -u >"$dir/options"
		# shellcheck disable=SC2086
		offered -- $command | grep -E '^--' | sort -u >"$dir/offered"
		missing=$(comm -23 "$dir/options" "$dir/offered" | tr '\n' ' ')
		[ -z "$missing" ]; result $? "bash offers every option of \"$command\" ${missing:+(missing: $missing)}"
	done
else
	skipped "bash offers every command" "no bash"
fi
if command -v zsh >/dev/null; then
	zsh -n contrib/completions/_neuroscale-tui; result $? "zsh reads its completion"
else
	skipped "zsh reads its completion" "no zsh"
fi
make -s B="$B" install DESTDIR="$dir/root" PREFIX=/usr >"$dir/log" 2>&1
[ -f "$dir/root/usr/share/bash-completion/completions/neuroscale-tui" ] && [ -f "$dir/root/usr/share/zsh/site-functions/_neuroscale-tui" ]
result $? "make install puts them where the shells look"
make -s B="$B" uninstall DESTDIR="$dir/root" PREFIX=/usr >>"$dir/log" 2>&1
[ -z "$(find "$dir/root" -type f 2>/dev/null)" ]; result $? "make uninstall leaves no file"
[ "$bad" -eq 0 ]
