# SPDX-License-Identifier: BSD-2-Clause
#
# Completion of jobrunsctl for bash; installed as
# /usr/share/bash-completion/completions/jobrunsctl

_jobrunsctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local words

    case $previous in
        --conf|--request|--signed|--ca)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return ;;
        --redis-option)
            words="db= user= password_file= tls tls_ca= tls_name= tls_certificate=
                tls_certificate_key= sentinel_user= sentinel_password_file=
                sentinel_tls sentinel_tls_ca= sentinel_tls_name=" ;;
        token)
            words="show list release expire" ;;
        tenant)
            words="show list top set unset reset" ;;
        key)
            words="list check add revoke" ;;
        --redis|--prefix|--tenant|--principal|--platform|--workspace|--token|\
        --hash|--rate|--at|--issuer|--min-bits|--not-after|--until|\
        --interval)
            return ;;
        *)
            words="token tenant inflight top explain doctor key --redis
                --redis-option --conf --prefix --tenant --principal --platform
                --workspace --token --hash --rate --request --signed --at
                --issuer --min-bits --not-after --until --unknown --once
                --interval --ca --json --yes
                --help --version" ;;
    esac

    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")

    # files of explain and key
    if [[ " ${COMP_WORDS[*]} " =~ \ (explain|key\ (list|check|add|revoke))\  \
        && $current != -* ]]
    then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _jobrunsctl jobrunsctl
