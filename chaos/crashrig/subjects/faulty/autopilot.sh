#!/usr/bin/env bash
# A supervisor as it is often written down in an evening. DELIBERATELY FAULTY: every fault is marked.
#
#   autopilot.sh DIRECTORY CONFIG...        supervise the agent of each CONFIG, until all have ended or SIGTERM
#   autopilot.sh --agent DIRECTORY CONFIG   supervise one (the line above starts these)
#
# A CONFIG sets the variables used in capitals below; times in it are seconds. TETHER, from the environment, is a
# command that runs another so that it dies with its parent: nothing of this outlives a run.
#
# FAULT (HB-4, RST-5): all times are wall-clock times, those of heartbeat files and of runs alike.
set -u
export LC_ALL=C # numbers with a point
TICK=0.02

now() { NOW=${EPOCHREALTIME/./}; } # microseconds
microseconds() { printf -v "$2" '%.0f' "${1}e6"; }
pause() { read -r -t "$1" -u 9 || true; } # nobody ever writes there: sleeps without starting a process
say() { printf '%s\n' "$1" >"$DIRECTORY/$NAME.state"; }
listed() { [[ " $2 " == *" $1 "* ]]; }
alive() { # a dead child that has not been waited for is not alive, whatever `kill -0` says of it
    local line
    { read -r line <"/proc/$AGENT/stat"; } 2>/dev/null && [[ ${line##*) } != Z* ]]
}

# FAULT (RST-12): an agent is called running as soon as it is forked, whatever becomes of it.
start_agent() {
    say running
    now
    STARTED=$NOW
    (
        ((${#ENVIRONMENT[@]})) && export "${ENVIRONMENT[@]}"
        cd "$WORKING_DIRECTORY" && exec setsid "${COMMAND[@]}" </dev/null 9<&-
    ) &
    AGENT=$!
}

# FAULT (STOP-2, RST-11): only the agent's first process is signalled; what it started lives on. And when the
# agent ends by itself nobody looks for what it left behind.
kill_agent() {
    local deadline
    kill -TERM "$AGENT" 2>/dev/null
    now
    deadline=$((NOW + GRACE))
    while alive && ((NOW < deadline)); do
        pause $TICK
        now
    done
    kill -KILL "$AGENT" 2>/dev/null
}

# FAULT (HB-3): a file left by an earlier run counts, so that a slow start after a hang is killed for the old beat.
# FAULT (HB-4): the file's time counts, not what is in it; one that is rewritten with an old time keeps a hung agent.
stale() {
    local beat=$STARTED
    [[ -e $HEARTBEAT_FILE ]] && beat=$(stat -c %.6Y "$HEARTBEAT_FILE") && beat=${beat/./}
    ((NOW - beat > HEARTBEAT_TIMEOUT))
}

# FAULT (HB-5): looks at the heartbeat only every CHECK_EVERY (60 s of the scenario's time), so late by up to that.
watch_agent() {
    local next_look=$((STARTED + CHECK_EVERY))
    while alive; do
        pause $TICK
        now
        if [[ -n $HEARTBEAT_FILE ]] && ((NOW >= next_look)); then
            next_look=$((NOW + CHECK_EVERY))
            if stale; then kill_agent; HUNG=yes; fi
        fi
    done
    wait "$AGENT"
    STATUS=$?
    AGENT=
    now
    if ((NOW - STARTED > STABLE_AFTER)); then CRASHES=0; fi
}

# Whether the last end is to be followed by a start; leaves the supervisor when it is not.
consider() {
    if listed "$STATUS" "$FATAL_CODES" && [[ -z $HUNG ]]; then say fatal; exit 100; fi
    case $RESTART in
    never) say exited; exit 0 ;;
    on-failure) if listed "$STATUS" "$CLEAN_CODES" && [[ -z $HUNG ]]; then say exited; exit 0; fi ;;
    esac
}

# FAULT (RST-6): the count is looked at only after the back-off and before this crash is counted: one restart too many.
back_off() {
    local last=$((${#BACKOFF[@]} - 1))
    say backoff
    pause "${BACKOFF[$((CRASHES < last ? CRASHES : last))]}"
    if ((CRASHES > MAX_RESTARTS)); then say fatal; exit 100; fi
    CRASHES=$((CRASHES + 1))
}

stop_agent() {
    say stopping
    if [[ -n $AGENT ]]; then kill_agent; wait "$AGENT"; fi
    say stopped
    exit 0
}

supervise() {
    AGENT=
    CRASHES=0
    trap stop_agent TERM INT
    mkfifo "$DIRECTORY/$NAME.quiet" && exec 9<>"$DIRECTORY/$NAME.quiet"
    local name
    for name in GRACE HEARTBEAT_TIMEOUT CHECK_EVERY STABLE_AFTER; do microseconds "${!name}" "$name"; done
    while :; do
        HUNG=
        start_agent
        watch_agent
        consider
        back_off
    done
}

stop_all() {
    kill -TERM "${SUPERVISORS[@]}" 2>/dev/null
    wait
    exit 0
}

# FAULT (RST-6): exit_status is set only when an agent was fatal; after a clean end it is an unset variable, and
# `set -u` turns that into exit 1.
main() {
    local config supervisor exit_status tether
    eval "tether=($TETHER)" # its words are quoted: a path may have a space in it
    SUPERVISORS=()
    trap stop_all TERM INT
    for config in "$@"; do
        "${tether[@]}" bash "$0" --agent "$DIRECTORY" "$config" &
        SUPERVISORS+=("$!")
    done
    for supervisor in "${SUPERVISORS[@]}"; do
        wait "$supervisor"
        if (($? == 100)); then exit_status=100; fi
    done
    exit "$exit_status"
}

if [[ $1 == --agent ]]; then
    DIRECTORY=$2
    source "$3"
    supervise
else
    DIRECTORY=$1
    printf '%s\n' $$ >"$DIRECTORY/supervisor.pid"
    main "${@:2}"
fi
