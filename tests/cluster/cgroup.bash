# Sourced by `up` and `down`: the control groups of a lab, in version 1 (one hierarchy per controller) and version 2.
# They lie below the caller's own, so that the machine goes on accounting for the lab as for whoever started it.
# shellcheck shell=bash

readonly wanted_controllers=(cpu memory pids)

# Prints the caller's folder in each hierarchy of version 1 that holds controllers or a name.
version_1_folders() {
    local controllers path root point
    while IFS=: read -r _ controllers path; do
        [ -n "$controllers" ] || continue
        # A container sees only a part of the hierarchy: `root` is what lies at the mount point.
        read -r root point < <(awk -v options="$controllers" '
            $0 ~ / - cgroup / && "," $NF "," ~ "," options "," { print $4, $5; exit }' /proc/self/mountinfo) || continue
        path=${path#"${root%/}"}
        echo "$point${path%/}"
    done </proc/self/cgroup
}

gives_controllers() {
    local controller enabled
    enabled=" $(cat "$1/cgroup.subtree_control") "
    for controller in "${wanted_controllers[@]}"; do
        [[ $enabled == *" $controller "* ]] || return 1
    done
}

# Version 2: a group with processes gives its children no controllers, except for the root. So the lab's group may have
# to be a sibling of the caller's: prints the nearest ancestor whose children have the controllers.
version_2_folder() {
    local point=/sys/fs/cgroup path
    path=$(sed -n 's/^0:://p' /proc/self/cgroup)
    while :; do
        give_controllers "$point$path" "${wanted_controllers[@]}"
        if gives_controllers "$point$path"; then
            echo "$point${path%/}"
            return
        fi
        [ "${path:-/}" != / ] || break
        path=${path%/*}
    done
    echo "No control group above this process gives its children the controllers ${wanted_controllers[*]}." >&2
    echo "In a container: move its processes from $point into a group of their own below it, then try again." >&2
    return 1
}

# give_controllers FOLDER CONTROLLER...: those that it cannot give are left out.
give_controllers() {
    local controller
    for controller in "${@:2}"; do
        { echo "+$controller" >"$1/cgroup.subtree_control"; } 2>/dev/null || true
    done
}

is_version_2() {
    [ "$(stat --file-system --format %T /sys/fs/cgroup)" = cgroup2fs ]
}

# A task may enter a cpuset only when it says which CPUs and memory nodes it has; a new one says none.
create() {
    local setting
    mkdir "$1"
    for setting in cpuset.cpus cpuset.mems; do
        if [ -f "$1/$setting" ] && ! is_version_2; then cat "$1/../$setting" >"$1/$setting"; fi
    done
}

# create_groups NAME LIST NODE...: makes NAME in each hierarchy, writes its folders to LIST. In each:
#   control         the control plane
#   NODE            what the node sees as the root of the hierarchy
#   NODE/system     the node's own processes; Pods have groups beside it
create_groups() {
    local name=$1 list=$2 folders folder node
    shift 2
    if is_version_2; then folders=$(version_2_folder); else folders=$(version_1_folders); fi
    while read -r folder; do
        # Written first: what is made in part is removed as well.
        echo "$folder/$name" >>"$list"
        create "$folder/$name"
        # shellcheck disable=SC2046 # one word each
        ! is_version_2 || give_controllers "$folder/$name" $(<"$folder/$name/cgroup.controllers")
        create "$folder/$name/control"
        for node in "$@"; do
            create "$folder/$name/$node"
            create "$folder/$name/$node/system"
        done
    done <<<"$folders"
}

# Removes the groups in LIST. A group stays busy until the kernel is done with the last of its processes.
remove_groups() {
    local folder
    while read -r folder; do
        await 10 remove_group "$folder" || fail "$folder is still in use"
    done <"$1"
}

remove_group() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$1" ]
}
