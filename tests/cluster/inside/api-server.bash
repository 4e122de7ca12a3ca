# Sourced after components.bash: etcd and the API server, as all need them who start a control plane.
# shellcheck shell=bash

# start_etcd DATA CLIENTS PEERS: at these two ports of the loopback.
start_etcd() {
    local clients=http://127.0.0.1:$2 peers=http://127.0.0.1:$3
    # Nobody keeps the data of a lab.
    start etcd etcd --data-dir "$1" --unsafe-no-fsync --logger zap --log-level warn \
        --listen-client-urls "$clients" --advertise-client-urls "$clients" \
        --listen-peer-urls "$peers" --initial-advertise-peer-urls "$peers" --initial-cluster "default=$peers"
    ready 20 etcd curl -sf "$clients/health"
}

# start_api_server PKI ETCD PORT OPTION...: over the etcd at a port of the loopback, with what certificates made in PKI.
start_api_server() {
    start kube-apiserver kube-apiserver --etcd-servers="http://127.0.0.1:$2" --secure-port="$3" \
        --service-cluster-ip-range=10.96.0.0/16 \
        --tls-cert-file="$1/kube-apiserver.crt" --tls-private-key-file="$1/kube-apiserver.key" \
        --client-ca-file="$1/ca.crt" \
        --service-account-issuer=https://kubernetes.default.svc.cluster.local \
        --service-account-key-file="$1/service-accounts.pub" \
        --service-account-signing-key-file="$1/service-accounts.key" \
        --profiling=false "${@:4}"
}

# api_server_ready PKI PORT
api_server_ready() {
    ready 60 kube-apiserver \
        curl -sf --cacert "$1/ca.crt" --cert "$1/admin.crt" --key "$1/admin.key" "https://127.0.0.1:$2/readyz"
}
