# SPDX-License-Identifier: Apache-2.0
#
# bash completion of causeway. Names come from the running daemon, if one answers.
#   source <(causeway completion bash)

# _causeway_names TABLE [MEMBER]: the member of every row of a table, a line each.
_causeway_names() {
    command causeway "${_causeway_socket[@]}" --json show "$1" 2>/dev/null |
        sed -n "s/^{\"${2:-name}\":\"\([^\"]*\)\".*/\1/p"
}

_causeway() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local -a path=() _causeway_socket=()
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -s | --socket) _causeway_socket=(--socket "${COMP_WORDS[++i]}") ;;
            --vrf | --via | --source | --circuit | -c | --attachment | -a | --port | -p | --batch | --peer | \
                --protocol | --source-port | --destination-port | --icmp-type | --tcp-flags | --dscp | \
                --fragment | --pool | --inside | --outside | --remote)
                ((i++)) ;;
            -*) ;;
            *) path+=("${COMP_WORDS[i]}") ;;
        esac
    done

    local words=
    case $before in
        -s | --socket) COMPREPLY=($(compgen -f -- "$word")); return ;;
        --vrf) words=$(_causeway_names vrfs) ;;
        --source) words='connected static bgp' ;;
        -c | --circuit) words=$(_causeway_names circuits '[^{}]*"name') ;;
        -a | --attachment) words=$(_causeway_names attachments) ;;
        --fragment) words='whole first later' ;;
        --protocol) words='tcp udp icmp icmpv6 sctp gre esp ah' ;;
        -p | --port) words=$(_causeway_names ports) ;;
        *) _causeway_words ;;
    esac
    COMPREPLY+=($(compgen -W "$words" -- "$word"))
}

# Sets `words` to what may follow `path`.
_causeway_words() {
    local options='--json --socket --help'
    case "${path[*]}" in
        '') words="show acl route link nat peaks apply check frr-config call completion --version
                   $options" ;;
        'nat log') words="$options"; COMPREPLY=($(compgen -f -- "$word")) ;;
        show)
            words="status ports circuits attachments neighbours arp bfd vrfs routes fpm groups
                   nat acl names arp-table bgp-summary route-table policer peaks counters drops punts
                   stages config methods $options" ;;
        'show circuits') words="$(_causeway_names circuits '[^{}]*"name') $options" ;;
        'show neighbours' | 'show arp' | 'show bfd' | 'show punts')
            words="$(_causeway_names attachments) $options" ;;
        'show counters' | 'show drops') words="$(_causeway_names counters) $options" ;;
        'show fpm') words="$(_causeway_names fpm) $options" ;;
        'show routes') words="--vrf --source $options" ;;
        'show names') words="sets rules addresses counters --vrf $options" ;;
        'show names addresses') words="--vrf $options" ;;
        peaks) words="reset $options" ;;
        'show acl') words="$(_causeway_names acl) $options" ;;
        acl) words="explain $options" ;;
        'acl explain') words="$(_causeway_names acl) $options" ;;
        'acl explain'*)
            words="--protocol --source-port --destination-port --icmp-type --tcp-flags --dscp
                   --fragment --vrf $options" ;;
        'show nat') words="status pools sessions mappings hosts $options" ;;
        'show nat sessions')
            words="--pool --protocol --inside --outside --remote $options" ;;
        'show nat mappings') words="--pool --protocol --inside --outside $options" ;;
        'show nat hosts') words="--pool --inside $options" ;;
        nat) words="clear log $options" ;;
        'nat clear')
            words="--all --pool --protocol --inside --outside --remote $options" ;;
        route) words="add delete load save $options" ;;
        'route add'*)
            words="--vrf --via --blackhole --unreachable --prohibit --replace $options" ;;
        'route delete'*) words="--vrf $options" ;;
        'route load') words="--vrf --via --peer --batch $options"
            COMPREPLY=($(compgen -f -- "$word")) ;;
        'route load'*) words="--vrf --via --peer --batch $options" ;;
        'route save') words="--vrf $options"; COMPREPLY=($(compgen -f -- "$word")) ;;
        'route save'*) words="--vrf $options" ;;
        link) words="up down drain undrain $options" ;;
        'link up' | 'link down') words="primary secondary --attachment --port $options" ;;
        'link up '* | 'link down '*) words="--circuit $options" ;;
        'link drain' | 'link undrain') words="primary secondary $options" ;;
        'link drain '*) words="$(_causeway_names circuits '[^{}]*"name') --timeout $options" ;;
        'link undrain '*) words="$(_causeway_names circuits '[^{}]*"name') $options" ;;
        'show arp-table' | 'show bgp-summary' | 'show route-table')
            words=$(_causeway_names circuits '[^{}]*"name') ;;
        'show arp-table '* | 'show bgp-summary '* | 'show route-table '*)
            words="private microsoft primary secondary $options" ;;
        frr-config) words="--vrf --drain --directory --reload $options"
            COMPREPLY=($(compgen -f -- "$word")) ;;
        apply | check) COMPREPLY=($(compgen -f -- "$word")) ;;
        call) words=$(_causeway_names methods method) ;;
        completion) words='bash zsh' ;;
        *) words=$options ;;
    esac
}

complete -F _causeway causeway
