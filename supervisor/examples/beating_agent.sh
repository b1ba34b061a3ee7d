#!/bin/sh
# An agent in shell: it works, and after each piece of work it says so in the file that the supervisor watches.

beat() {
    [ -n "$HOLDFAST_HEARTBEAT_FILE" ] || return 0 # run by hand: nobody watches
    { date -u +%Y-%m-%dT%H:%M:%SZ >"$HOLDFAST_HEARTBEAT_FILE.tmp" &&
        mv "$HOLDFAST_HEARTBEAT_FILE.tmp" "$HOLDFAST_HEARTBEAT_FILE"; } 2>/dev/null
    return 0 # a full disk is no reason to end
}

while :; do
    beat
    sleep 30 # the work
done
