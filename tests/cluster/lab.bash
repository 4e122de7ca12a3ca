# Sourced by the commands: which lab they mean, and how they fail.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # for the commands
nodes=(node1 node2)

fail() {
    echo "$*" >&2
    exit 1
}

# use_lab FOLDER: sets `lab`; without a name it is ADIT_LAB, and else one below target/.
use_lab() {
    lab=$(realpath -m -- "${1:-${ADIT_LAB:-$repository/target/cluster/lab}}")
}

# The lab's first process, unless it has ended and its number is another's by now.
pid_of_lab() {
    local pid
    read -r pid 2>/dev/null <"$lab/pid" && grep -qzxF -- "$lab" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

require_lab() {
    pid=$(pid_of_lab) || fail "$lab: no lab is up here; start one with $here/up, or name its folder in ADIT_LAB"
}

# inside COMMAND...: runs it in the namespaces of the control plane.
inside() {
    nsenter --target "$pid" --mount --net --pid --uts --ipc -- "$@"
}

# inside_node NAME COMMAND...: runs it in the namespaces of a node.
inside_node() {
    local first
    read -r first <"$lab/nodes/$1/pid" || fail "$1 is not up"
    shift
    # The number is the one that the control plane sees.
    inside nsenter --target "$first" --mount --net --pid --uts --ipc --cgroup -- "$@"
}

# use_kubectl KUBECONFIG: has `kubectl` mean the lab's. Its cache would otherwise be the user's, who has other clusters.
use_kubectl() {
    export PATH=$lab/built/bin:$PATH KUBECONFIG=$lab/$1 KUBECACHEDIR=$lab/kubectl-cache
}

# await SECONDS COMMAND...: until it succeeds; says nothing but by its exit status.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" &>/dev/null; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}
