# bash completion for neuroscale-tui. It asks the program itself what there is, so that it cannot be out of date:
# options and commands from --help, IDs from the running engine.
_neuroscale_tui() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} command='' word help
	local -i i
	local commands=$("$program" --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' | tr '\n' ' ')
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ " $commands " == *" $word "* ]] && command=$word
	done
	case $prev in
	--kubeconfig | --config | -c | --kubectl) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--state-dir | -s | --runbooks) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
	--context) mapfile -t COMPREPLY < <(compgen -W "$(kubectl config get-contexts -o name 2>/dev/null)" -- "$cur"); return ;;
	--color) mapfile -t COMPREPLY < <(compgen -W 'none red green yellow blue magenta cyan' -- "$cur"); return ;;
	--cluster) mapfile -t COMPREPLY < <(compgen -W "$("$program" --dump-config 2>/dev/null | sed -n 's/^    name: "\(.*\)"  #.*/\1/p')" -- "$cur"); return ;;
	--profile | -p) mapfile -t COMPREPLY < <(compgen -W 'observe approve auto' -- "$cur"); return ;;
	--earned-autonomy) mapfile -t COMPREPLY < <(compgen -W 'off shadow on' -- "$cur"); return ;;
	--approvers) mapfile -t COMPREPLY < <(compgen -g -- "$cur"); return ;;
	--shared-accounts) mapfile -t COMPREPLY < <(compgen -u -- "$cur"); return ;;
	--anchor) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--anchor-facility) mapfile -t COMPREPLY < <(compgen -W 'authpriv auth daemon user local0 local1 local2 local3 local4 local5 local6 local7' -- "$cur"); return ;;
	--log-format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur"); return ;;
	--log-level) mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$cur"); return ;;
	--mode) mapfile -t COMPREPLY < <(compgen -W 'scripted auto' -- "$cur"); return ;;
	--theme | -t) mapfile -t COMPREPLY < <(compgen -f -W 'default light high-contrast mono' -- "$cur"); return ;;
	--set) mapfile -t COMPREPLY < <(compgen -S= -W "$("$program" gate table --json 2>/dev/null | grep -o '"facts":"[^"]*"' | cut -d'"' -f4 | tr ' ' '\n' | sort -u)" -- "$cur"); compopt -o nospace 2>/dev/null; return ;;
	--scenario) mapfile -t COMPREPLY < <(compgen -W "$("$program" demo --scenario list 2>/dev/null | cut -d' ' -f1) list" -- "$cur"); return ;;
	esac
	if [[ $cur == -* ]]; then
		help=$("$program" --help 2>/dev/null)
		[[ -z $command ]] || help+=$("$program" --help "$command" 2>/dev/null)
		mapfile -t COMPREPLY < <(compgen -W "$(grep -oE -- '(^| )--?[a-z][a-z-]*' <<<"$help" | sort -u)" -- "$cur")
		return
	fi
	case $command in
	'') mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
	approve | reject) mapfile -t COMPREPLY < <(compgen -W "$("$program" approvals 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p')" -- "$cur") ;;
	incident | undo | replay) mapfile -t COMPREPLY < <(compgen -W "$("$program" incidents 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p')" -- "$cur") ;;
	runbook) mapfile -t COMPREPLY < <(compgen -W "list show search promote $("$program" runbook list 2>/dev/null | cut -d' ' -f1)" -- "$cur") ;;
	gate) mapfile -t COMPREPLY < <(compgen -W "explain table $("$program" incidents 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) .*/\1/p')" -- "$cur") ;;
	audit) mapfile -t COMPREPLY < <(compgen -f -W 'verify export' -- "$cur") ;;
	policy) mapfile -t COMPREPLY < <(compgen -W 'exceptions feedback' -- "$cur") ;;
	eval) mapfile -t COMPREPLY < <(compgen -f -W 'incidents contract injection loop' -- "$cur") ;;
	esac
}
complete -F _neuroscale_tui neuroscale-tui
