# Sourced by `check`: how a lab that has ended would show.
# shellcheck shell=bash

# What Kubernetes leaves on a machine that gives it no folders of its own, and what the kernel has.
footprint() {
    ls -ld --time-style=full-iso /var/lib/{kubelet,containerd,cni,etcd,kube-proxy} /var/log/{pods,containers} \
        /run/{containerd,netns} /etc/cni/net.d /opt/{cni,containerd} /usr/libexec/kubernetes ~/.kube/cache 2>&1 || true
    ip netns list
    ip -o link | awk -F ': ' '{ print $2 }'
    nft list tables
    cut -d ' ' -f 4,5 /proc/self/mountinfo
}

# The numbers of the lab's namespaces. The kernel keeps one as long as a process or a mount does.
namespaces_of_lab() {
    inside sh -c 'stat -L -c %i /proc/self/ns/mnt /proc/self/ns/pid /run/netns/*'
    # shellcheck disable=SC2154 # of lab.bash
    for name in "${nodes[@]}"; do inside_node "$name" stat -L -c %i /proc/self/ns/{mnt,net,pid}; done
}

# none_in_lab FILE: no process is in one of the namespaces whose numbers FILE has.
none_in_lab() {
    ! { readlink /proc/[0-9]*/ns/{mnt,net,pid} || true; } | grep -F -f <(sed 's/.*/[&]/' "$1")
}
