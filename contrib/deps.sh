#!/bin/sh
# deps.sh [--test|--dev]: installs what building and running needs, and with --test what the tests need, with --dev also the linters.
# It says what it installs and skips what is there. Knows Debian 12 and 13 and Ubuntu 22.04 and 24.04; elsewhere it prints the list.
set -eu

build="gcc make libc6-dev libncurses-dev libcurl4-openssl-dev libcjson-dev libsqlite3-dev libyaml-dev libmicrohttpd-dev libssl-dev ca-certificates"
test="libcmocka-dev"
dev="clang clang-format clang-tidy cppcheck valgrind mandoc tmux libclang-rt-dev"

wanted=$build
case ${1-} in
"") ;;
--test) wanted="$build $test" ;;
--dev) wanted="$build $test $dev" ;;
*) echo "usage: sh contrib/deps.sh [--test|--dev]" >&2; exit 2 ;;
esac

system=unknown
[ -r /etc/os-release ] && system=$(. /etc/os-release && echo "$ID $VERSION_ID")
case $system in
"debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
*)
	echo "This is $system, which this script does not know. Install with your package manager:"
	echo "  a C17 compiler, make, kubectl 1.20 or newer, and the development files of"
	echo "  ncursesw, libcurl (OpenSSL), cJSON, sqlite3, libyaml, libmicrohttpd, OpenSSL; for the tests cmocka"
	exit 1
	;;
esac

have() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
known() { [ -n "$(apt-cache policy "$1" 2>/dev/null | sed -n 's/^  Candidate: \([^(].*\)/\1/p')" ]; }

missing=
for p in $wanted; do
	have "$p" || missing="$missing $p"
done
kubectl=
command -v kubectl >/dev/null 2>&1 || kubectl=wanted
if [ -z "$missing$kubectl" ]; then
	echo "nothing to install: everything is there"
	exit 0
fi

root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null 2>&1 || { echo "deps.sh: needs root or sudo to install:$missing ${kubectl:+kubectl}" >&2; exit 4; }
	root=sudo
fi
$root env DEBIAN_FRONTEND=noninteractive apt-get update -qq

install=
for p in $missing; do # the sanitizers' runtime has the compiler's version in its name on older releases
	if known "$p"; then
		install="$install $p"
	elif [ "$p" = libclang-rt-dev ]; then
		p=$(apt-cache search --names-only '^libclang-rt-[0-9]+-dev$' | sed 's/ .*//' | sort -V | tail -n 1)
		[ -z "$p" ] || have "$p" || install="$install $p"
	else
		echo "deps.sh: apt knows no package $p" >&2
		exit 1
	fi
done
if [ -n "$kubectl" ]; then # Debian ships kubectl; Ubuntu only as a snap
	for p in kubernetes-client kubectl; do
		if known "$p"; then
			install="$install $p"
			kubectl=
			break
		fi
	done
fi
if [ -n "$install" ]; then
	echo "installing:$install"
	$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $install >/dev/null
fi
if [ -n "$kubectl" ] && command -v snap >/dev/null 2>&1; then
	echo "installing: kubectl (snap)"
	$root snap install kubectl --classic >/dev/null && kubectl=
fi
if [ -n "$kubectl" ]; then
	echo "deps.sh: no package of this system has kubectl: get it from https://kubernetes.io/docs/tasks/tools/ and put it into PATH" >&2
	exit 3
fi
echo "done"
