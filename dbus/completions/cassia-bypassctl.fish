# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cassia_bypassctl_global_optspecs
    string join \n json color= address= h/help V/version
end

function __fish_cassia_bypassctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cassia_bypassctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cassia_bypassctl_using_subcommand
    set -l cmd (__fish_cassia_bypassctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -s V -l version -d 'Print version'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "status" -d 'Prints health, radio, link, disk and counts once; exit status 1 unless the service is online'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "show" -d 'Prints settings; * marks what differs from the default'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "describe" -d 'Prints what settings mean and what is expected'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "set" -d 'Changes settings in one transaction: all of them, or none'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "reset" -d 'Sets settings back to their defaults and removes secrets'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "test" -d 'Tries the broker step by step, with these settings in place of the present ones; changes nothing'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "diagnose" -d 'Tells what is heard, where it goes, what is in the way and what to do'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "devices" -d 'Lists the devices that are heard, and what becomes of their adverts'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "watch" -d 'Shows rates, counts, link, radio and health until Ctrl-C'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "report" -d 'Writes a report for support: diagnosis, settings, statistics, journal; no secrets, no device addresses'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "metrics" -d 'Prints the statistics in the text format of Prometheus'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "export" -d 'Prints the settings, without secrets, as a settings file (TOML)'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "import" -d 'Sets what a settings file has, in one transaction; the rest stays'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand status" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand status" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand status" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand status" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -l changed -d 'Only what differs from the default'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -l value -d 'Values alone, one a line'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand describe" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand describe" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand describe" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand describe" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l secret-from -d 'A setting and the file with its value; - is standard input, on a terminal it is asked for' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l wait -d 'Wait until the service is online with these settings, or say why it is not; 30 s by default' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l dry-run -d 'Say what would be refused; change nothing'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l test -d 'Try the broker first, as `test` does; change nothing if that fails'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand reset" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand reset" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand reset" -l all -d 'All settings and secrets'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand reset" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand reset" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand test" -l secret-from -d 'A setting and the file with its value; - is standard input, on a terminal it is asked for' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand test" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand test" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand test" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand test" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand diagnose" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand diagnose" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand diagnose" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand diagnose" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand devices" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand devices" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand devices" -l watch -d 'Again every second until Ctrl-C'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand devices" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand devices" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -s n -l interval -d 'Time between two looks, 0.1-3600' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -s c -l count -d 'End after so many looks' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand watch" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand report" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand report" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand report" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand report" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -s o -l output -d 'Replace this file, for node_exporter\'s textfile collector; cassia_bypass_up 0 if nobody answers' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -l openmetrics -d 'As OpenMetrics, for scrapers that ask for it'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand metrics" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand export" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand export" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand export" -l changed -d 'Only what differs from the default'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand export" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand export" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -l secret-from -d 'A setting and the file with its value; - is standard input, on a terminal it is asked for' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -l color -d 'Colours; by default on a terminal, unless NO_COLOR is set' -r -f -a "auto\t''
always\t''
never\t''"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -l address -d 'D-Bus address of the bus; by default DBUS_SYSTEM_BUS_ADDRESS, or the system bus' -r
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -l dry-run -d 'Say what would be refused; change nothing'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -l json -d 'Print JSON, in the form that cassia-bypassctl(1) describes'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand import" -s h -l help -d 'Print help'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "status" -d 'Prints health, radio, link, disk and counts once; exit status 1 unless the service is online'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "show" -d 'Prints settings; * marks what differs from the default'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "describe" -d 'Prints what settings mean and what is expected'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "set" -d 'Changes settings in one transaction: all of them, or none'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "reset" -d 'Sets settings back to their defaults and removes secrets'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "test" -d 'Tries the broker step by step, with these settings in place of the present ones; changes nothing'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "diagnose" -d 'Tells what is heard, where it goes, what is in the way and what to do'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "devices" -d 'Lists the devices that are heard, and what becomes of their adverts'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "watch" -d 'Shows rates, counts, link, radio and health until Ctrl-C'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "report" -d 'Writes a report for support: diagnosis, settings, statistics, journal; no secrets, no device addresses'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "metrics" -d 'Prints the statistics in the text format of Prometheus'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "export" -d 'Prints the settings, without secrets, as a settings file (TOML)'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "import" -d 'Sets what a settings file has, in one transaction; the rest stays'
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand help; and not __fish_seen_subcommand_from status show describe set reset test diagnose devices watch report metrics export import help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
function __fish_cassia_bypassctl_values
    set -l token (commandline -ct)
    string match -q '*=*' -- $token; or return
    set -l name (string replace -r '=.*' '' -- $token)
    switch (string lower -- $name | string replace -ra '[_-]' '')
        case scanmode
            printf '%s\n' $name={off,passive,active}
        case protocol
            printf '%s\n' $name={none,mqtt}
        case connectiontype
            printf '%s\n' $name={long,short}
        case scanqos
            printf '%s\n' $name={0,1,2}
        case encryptionmode
            printf '%s\n' $name={none,psk,certificate}
        case cacertificate
            printf '%s\n' $name=@(__fish_complete_path (string replace -r '^[^=]*=@?' '' -- $token))
        case requireclientcertificate
            printf '%s\n' $name={true,false}
        case clientcertificate
            printf '%s\n' $name=@(__fish_complete_path (string replace -r '^[^=]*=@?' '' -- $token))
        case timestamp
            printf '%s\n' $name={true,false}
        case timestampformat
            printf '%s\n' $name={rfc3339,local}
        case beacon
            printf '%s\n' $name={true,false}
        case eventtypekey
            printf '%s\n' $name={evtType,evt_type}
        case payloadformat
            printf '%s\n' $name={array,object,envelope}
        case mqttversion
            printf '%s\n' $name={3.1,3.1.1,5}
        case clientkey
            printf '%s\n' $name=@(__fish_complete_path (string replace -r '^[^=]*=@?' '' -- $token))
    end
end
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand show describe reset" -a "ScanMode Adapters Protocol Host Port FallbackHosts ConnectionType Username ScanTopic ScanQos EncryptionMode PskIdentity CaCertificate RequireClientCertificate ClientCertificate PushIntervalMs PushBatchSize FilterNames FilterMacs FilterUuids FilterRssi FilterValues DuplicatesMs Timestamp TimestampFormat Beacon EventTypeKey PayloadFormat StatusTopic MqttVersion KeepAliveSecs ClientId RouterAddress QueueMaxBytes SpoolMaxBytes SpoolMaxAgeSecs ReplayMaxPerSec Password Psk ClientKey"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set test; and not string match -q '*=*' -- (commandline -ct)" -a "ScanMode= Adapters= Protocol= Host= Port= FallbackHosts= ConnectionType= Username= ScanTopic= ScanQos= EncryptionMode= PskIdentity= CaCertificate= RequireClientCertificate= ClientCertificate= PushIntervalMs= PushBatchSize= FilterNames= FilterMacs= FilterUuids= FilterRssi= FilterValues= DuplicatesMs= Timestamp= TimestampFormat= Beacon= EventTypeKey= PayloadFormat= StatusTopic= MqttVersion= KeepAliveSecs= ClientId= RouterAddress= QueueMaxBytes= SpoolMaxBytes= SpoolMaxAgeSecs= ReplayMaxPerSec="
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set test" -f -a "(__fish_cassia_bypassctl_values)"
complete -c cassia-bypassctl -n "__fish_cassia_bypassctl_using_subcommand set test import" -l secret-from -r -a "Password= Psk= ClientKey="
