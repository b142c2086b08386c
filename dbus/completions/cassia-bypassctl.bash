_cassia__bypassctl() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="cassia__bypassctl"
                ;;
            cassia__bypassctl,describe)
                cmd="cassia__bypassctl__subcmd__describe"
                ;;
            cassia__bypassctl,devices)
                cmd="cassia__bypassctl__subcmd__devices"
                ;;
            cassia__bypassctl,diagnose)
                cmd="cassia__bypassctl__subcmd__diagnose"
                ;;
            cassia__bypassctl,export)
                cmd="cassia__bypassctl__subcmd__export"
                ;;
            cassia__bypassctl,help)
                cmd="cassia__bypassctl__subcmd__help"
                ;;
            cassia__bypassctl,import)
                cmd="cassia__bypassctl__subcmd__import"
                ;;
            cassia__bypassctl,metrics)
                cmd="cassia__bypassctl__subcmd__metrics"
                ;;
            cassia__bypassctl,report)
                cmd="cassia__bypassctl__subcmd__report"
                ;;
            cassia__bypassctl,reset)
                cmd="cassia__bypassctl__subcmd__reset"
                ;;
            cassia__bypassctl,set)
                cmd="cassia__bypassctl__subcmd__set"
                ;;
            cassia__bypassctl,show)
                cmd="cassia__bypassctl__subcmd__show"
                ;;
            cassia__bypassctl,status)
                cmd="cassia__bypassctl__subcmd__status"
                ;;
            cassia__bypassctl,test)
                cmd="cassia__bypassctl__subcmd__test"
                ;;
            cassia__bypassctl,watch)
                cmd="cassia__bypassctl__subcmd__watch"
                ;;
            cassia__bypassctl__subcmd__help,describe)
                cmd="cassia__bypassctl__subcmd__help__subcmd__describe"
                ;;
            cassia__bypassctl__subcmd__help,devices)
                cmd="cassia__bypassctl__subcmd__help__subcmd__devices"
                ;;
            cassia__bypassctl__subcmd__help,diagnose)
                cmd="cassia__bypassctl__subcmd__help__subcmd__diagnose"
                ;;
            cassia__bypassctl__subcmd__help,export)
                cmd="cassia__bypassctl__subcmd__help__subcmd__export"
                ;;
            cassia__bypassctl__subcmd__help,help)
                cmd="cassia__bypassctl__subcmd__help__subcmd__help"
                ;;
            cassia__bypassctl__subcmd__help,import)
                cmd="cassia__bypassctl__subcmd__help__subcmd__import"
                ;;
            cassia__bypassctl__subcmd__help,metrics)
                cmd="cassia__bypassctl__subcmd__help__subcmd__metrics"
                ;;
            cassia__bypassctl__subcmd__help,report)
                cmd="cassia__bypassctl__subcmd__help__subcmd__report"
                ;;
            cassia__bypassctl__subcmd__help,reset)
                cmd="cassia__bypassctl__subcmd__help__subcmd__reset"
                ;;
            cassia__bypassctl__subcmd__help,set)
                cmd="cassia__bypassctl__subcmd__help__subcmd__set"
                ;;
            cassia__bypassctl__subcmd__help,show)
                cmd="cassia__bypassctl__subcmd__help__subcmd__show"
                ;;
            cassia__bypassctl__subcmd__help,status)
                cmd="cassia__bypassctl__subcmd__help__subcmd__status"
                ;;
            cassia__bypassctl__subcmd__help,test)
                cmd="cassia__bypassctl__subcmd__help__subcmd__test"
                ;;
            cassia__bypassctl__subcmd__help,watch)
                cmd="cassia__bypassctl__subcmd__help__subcmd__watch"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        cassia__bypassctl)
            opts="-h -V --json --color --address --help --version status show describe set reset test diagnose devices watch report metrics export import help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__describe)
            opts="-h --json --color --address --help ScanMode Adapters Protocol Host Port FallbackHosts ConnectionType Username ScanTopic ScanQos EncryptionMode PskIdentity CaCertificate RequireClientCertificate ClientCertificate PushIntervalMs PushBatchSize FilterNames FilterMacs FilterUuids FilterRssi FilterValues DuplicatesMs Timestamp TimestampFormat Beacon EventTypeKey PayloadFormat StatusTopic MqttVersion KeepAliveSecs ClientId RouterAddress QueueMaxBytes SpoolMaxBytes SpoolMaxAgeSecs ReplayMaxPerSec Password Psk ClientKey"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__devices)
            opts="-h --watch --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__diagnose)
            opts="-h --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__export)
            opts="-h --changed --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help)
            opts="status show describe set reset test diagnose devices watch report metrics export import help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__describe)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__devices)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__diagnose)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__export)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__import)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__metrics)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__report)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__reset)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__set)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__status)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__test)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__help__subcmd__watch)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__import)
            opts="-h --dry-run --secret-from --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --secret-from)
                    COMPREPLY=($(compgen -W "Password= Psk= ClientKey=" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__metrics)
            opts="-o -h --openmetrics --output --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --output)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -o)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__report)
            opts="-h --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__reset)
            opts="-h --all --json --color --address --help ScanMode Adapters Protocol Host Port FallbackHosts ConnectionType Username ScanTopic ScanQos EncryptionMode PskIdentity CaCertificate RequireClientCertificate ClientCertificate PushIntervalMs PushBatchSize FilterNames FilterMacs FilterUuids FilterRssi FilterValues DuplicatesMs Timestamp TimestampFormat Beacon EventTypeKey PayloadFormat StatusTopic MqttVersion KeepAliveSecs ClientId RouterAddress QueueMaxBytes SpoolMaxBytes SpoolMaxAgeSecs ReplayMaxPerSec Password Psk ClientKey"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__set)
            opts="-h --dry-run --test --wait --secret-from --json --color --address --help ScanMode= Adapters= Protocol= Host= Port= FallbackHosts= ConnectionType= Username= ScanTopic= ScanQos= EncryptionMode= PskIdentity= CaCertificate= RequireClientCertificate= ClientCertificate= PushIntervalMs= PushBatchSize= FilterNames= FilterMacs= FilterUuids= FilterRssi= FilterValues= DuplicatesMs= Timestamp= TimestampFormat= Beacon= EventTypeKey= PayloadFormat= StatusTopic= MqttVersion= KeepAliveSecs= ClientId= RouterAddress= QueueMaxBytes= SpoolMaxBytes= SpoolMaxAgeSecs= ReplayMaxPerSec="
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --wait)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --secret-from)
                    COMPREPLY=($(compgen -W "Password= Psk= ClientKey=" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__show)
            opts="-h --changed --value --json --color --address --help ScanMode Adapters Protocol Host Port FallbackHosts ConnectionType Username ScanTopic ScanQos EncryptionMode PskIdentity CaCertificate RequireClientCertificate ClientCertificate PushIntervalMs PushBatchSize FilterNames FilterMacs FilterUuids FilterRssi FilterValues DuplicatesMs Timestamp TimestampFormat Beacon EventTypeKey PayloadFormat StatusTopic MqttVersion KeepAliveSecs ClientId RouterAddress QueueMaxBytes SpoolMaxBytes SpoolMaxAgeSecs ReplayMaxPerSec Password Psk ClientKey"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__status)
            opts="-h --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__test)
            opts="-h --secret-from --json --color --address --help ScanMode= Adapters= Protocol= Host= Port= FallbackHosts= ConnectionType= Username= ScanTopic= ScanQos= EncryptionMode= PskIdentity= CaCertificate= RequireClientCertificate= ClientCertificate= PushIntervalMs= PushBatchSize= FilterNames= FilterMacs= FilterUuids= FilterRssi= FilterValues= DuplicatesMs= Timestamp= TimestampFormat= Beacon= EventTypeKey= PayloadFormat= StatusTopic= MqttVersion= KeepAliveSecs= ClientId= RouterAddress= QueueMaxBytes= SpoolMaxBytes= SpoolMaxAgeSecs= ReplayMaxPerSec="
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --secret-from)
                    COMPREPLY=($(compgen -W "Password= Psk= ClientKey=" -- "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        cassia__bypassctl__subcmd__watch)
            opts="-n -c -h --interval --count --json --color --address --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -n)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --count)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                -c)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --color)
                    COMPREPLY=($(compgen -W "auto always never" -- "${cur}"))
                    return 0
                    ;;
                --address)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _cassia__bypassctl_names -o nosort -o bashdefault -o default cassia-bypassctl
else
    complete -F _cassia__bypassctl_names -o bashdefault -o default cassia-bypassctl
fi

_cassia__bypassctl_values() {
    local word words= before= key=${1,,}
    key=${key//[_-]/}
    COMPREPLY=()
    [[ $COMP_WORDBREAKS == *=* ]] || before=$1=
    case $key in
        scanmode) words="off passive active" ;;
        protocol) words="none mqtt" ;;
        connectiontype) words="long short" ;;
        scanqos) words="0 1 2" ;;
        encryptionmode) words="none psk certificate" ;;
        cacertificate) words=@ ;;
        requireclientcertificate) words="true false" ;;
        clientcertificate) words=@ ;;
        timestamp) words="true false" ;;
        timestampformat) words="rfc3339 local" ;;
        beacon) words="true false" ;;
        eventtypekey) words="evtType evt_type" ;;
        payloadformat) words="array object envelope" ;;
        mqttversion) words="3.1 3.1.1 5" ;;
        clientkey) words=@ ;;
    esac
    compopt +o default +o bashdefault
    if [[ $words == @ ]]; then
        if [[ $2 != @* ]]; then
            COMPREPLY=("$before@")
            compopt -o nospace
            return
        fi
        compopt -o filenames
        while read -r word; do COMPREPLY+=("$before@$word"); done < <(compgen -f -- "${2#@}")
        return
    fi
    for word in $words; do
        [[ ${word,,} != "${2,,}"* ]] || COMPREPLY+=("$before$word")
    done
}

_cassia__bypassctl_names() {
    local name names= word=${COMP_LINE:0:COMP_POINT}
    word=${word##*[[:space:]]}
    case ${COMP_WORDS[1]-} in
        set | test)
            names="ScanMode= Adapters= Protocol= Host= Port= FallbackHosts= ConnectionType= Username= ScanTopic= ScanQos= EncryptionMode= PskIdentity= CaCertificate= RequireClientCertificate= ClientCertificate= PushIntervalMs= PushBatchSize= FilterNames= FilterMacs= FilterUuids= FilterRssi= FilterValues= DuplicatesMs= Timestamp= TimestampFormat= Beacon= EventTypeKey= PayloadFormat= StatusTopic= MqttVersion= KeepAliveSecs= ClientId= RouterAddress= QueueMaxBytes= SpoolMaxBytes= SpoolMaxAgeSecs= ReplayMaxPerSec="
            # The file of a secret is completed as any file.
            if [[ $word == *=* && $word != -* && ${COMP_LINE:0:COMP_POINT} != *--secret-from\ "$word" ]]; then
                _cassia__bypassctl_values "${word%%=*}" "${word#*=}"
                return
            fi
            ;;
        show | describe | reset) names="ScanMode Adapters Protocol Host Port FallbackHosts ConnectionType Username ScanTopic ScanQos EncryptionMode PskIdentity CaCertificate RequireClientCertificate ClientCertificate PushIntervalMs PushBatchSize FilterNames FilterMacs FilterUuids FilterRssi FilterValues DuplicatesMs Timestamp TimestampFormat Beacon EventTypeKey PayloadFormat StatusTopic MqttVersion KeepAliveSecs ClientId RouterAddress QueueMaxBytes SpoolMaxBytes SpoolMaxAgeSecs ReplayMaxPerSec Password Psk ClientKey" ;;
    esac
    _cassia__bypassctl "$@"
    if [[ -z ${COMPREPLY[0]-} && $word == [A-Za-z]* ]]; then
        for name in $names; do
            [[ ${name,,} != "${word,,}"* ]] || COMPREPLY+=("$name")
        done
    fi
    [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}
