# shellcheck shell=bash
# Sourced by ./check and ./demo: work in numbered steps that say what runs and for how long it ran last time, and that show
# at least twice a minute that they go on.

step_times=${CASSIA_CACHE:?}/times
step_number=0 step_count=0 step_name='' step_started=0 step_ticker=''
exec {step_pipe}<> <(:)

# steps COUNT: how many there will be.
steps() { step_count=$1; }

# span SECONDS: in words.
span() {
    if (($1 < 60)); then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# step NAME: ends the step before and begins this one.
step() {
    step_done
    step_name=$1 step_started=$SECONDS step_number=$((step_number + 1))
    local last
    last=$(awk -F'\t' -v name="$1" '$1 == name { last = $2 } END { print last }' "$step_times" 2>/dev/null || true)
    say "$step_number of $step_count: $1${last:+ (last time $(span "$last"))}"
    step_tick &
    step_ticker=$!
}

# Ended by a line in its pipe, not by a signal: a subshell that gets one before it has begun runs the traps of this shell.
step_tick() {
    until read -rt 30 -u "$step_pipe"; do
        kill -0 $$ 2>/dev/null || exit
        printf '   ... %s: %s so far\n' "$step_name" "$(span $((SECONDS - step_started)))" >&2
    done
}

# step_done: the present step went well.
step_done() {
    [ -n "$step_name" ] || return 0
    step_stop
    mkdir -p "${step_times%/*}"
    printf '%s\t%s\n' "$step_name" $((SECONDS - step_started)) >>"$step_times"
    step_name=''
}

# step_stop: shows no more progress; for the EXIT trap.
step_stop() {
    [ -n "$step_ticker" ] || return 0
    echo >&"$step_pipe"
    wait "$step_ticker" || true
    step_ticker=''
}
