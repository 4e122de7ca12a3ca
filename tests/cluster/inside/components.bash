# Sourced inside the lab: how components run there. `run` is where the lab and what was built are found.
# shellcheck shell=bash

: "${run:=/run}" "${logs:?}"
export PATH=$run/built/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Caches go there, and with the lab.
export HOME=$run

# start NAME COMMAND...: keeps a component running, as an init system would, with its output in the folder `logs`.
start() {
    local name=$1
    shift
    while :; do
        "$@" &>>"$logs/$name.log" || true
        echo "$(date -u +%FT%TZ) $name ended and is started again" >>"$logs/$name.log"
        sleep 1
    done &
}

# ready SECONDS NAME COMMAND...: waits until the component is ready; without it there is no lab, which ends.
ready() {
    local deadline=$((SECONDS + $1)) name=$2
    shift 2
    until "$@" &>/dev/null; do
        if ((SECONDS >= deadline)); then
            echo "${logs#"$run"/lab/logs/}/$name.log" >"$run/lab/failed"
            exit 1
        fi
        sleep 0.05
    done
}
