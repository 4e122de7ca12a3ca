# Sourced by the control plane: the wire between the machines of the lab, each of which is a network namespace.
#
#   control-plane 10.10.0.1    node1 10.10.0.10    node2 10.10.0.11    client 10.10.0.20
#
# Pods have 10.244.0.0/24 on node1 and 10.244.1.0/24 on node2, Services 10.96.0.0/16, and LoadBalancers 203.0.113.0/24.
# There is no way out. A bridge in a namespace of its own is the wire: not every kernel has dummy or ipvlan devices, and
# the bridge's traffic must pass no node's firewall.
# shellcheck shell=bash

declare -rA address=([node1]=10.10.0.10 [node2]=10.10.0.11 [client]=10.10.0.20)
declare -rA pods=([node1]=10.244.0.0/24 [node2]=10.244.1.0/24)

make_network() {
    local name
    ip netns add lan
    ip -n lan link add wire type bridge
    ip -n lan link set wire up

    ip link set lo up
    ip link add eth0 type veth peer name control-plane netns lan
    ip -n lan link set control-plane master wire up
    ip address add 10.10.0.1/24 dev eth0
    ip link set eth0 up

    for name in node1 node2 client; do
        ip netns add "$name"
        ip -n "$name" link set lo up
        ip -n "$name" link add eth0 type veth peer name "$name" netns lan
        ip -n lan link set "$name" master wire up
        ip -n "$name" address add "${address[$name]}/24" dev eth0
        ip -n "$name" link set eth0 up
    done

    # The API server calls webhooks by their Pods' addresses.
    for name in node1 node2; do
        ip route add "${pods[$name]}" via "${address[$name]}"
        ip -n client route add "${pods[$name]}" via "${address[$name]}"
    done
    ip -n node1 route add "${pods[node2]}" via "${address[node2]}"
    ip -n node2 route add "${pods[node1]}" via "${address[node1]}"

    # Addresses of Services become Pods' only after the kernel has looked for a route, so there must be one.
    for name in node1 node2; do ip -n "$name" route add default via "${address[client]}"; done
    # What a router before the cluster does; a test may send it to node2.
    for range in 10.96.0.0/16 203.0.113.0/24; do ip -n client route add "$range" via "${address[node1]}"; done
}
