#!/bin/sh
# What docker-compose.yml's nodes are given: keys, certificates and passwords, each to whoever needs it and to nobody else,
# readable by its user alone. Runs before the rest; run again (`docker-compose up setup`) it hands out what has changed.
set -eu
umask 077

node=10001 # the user in our image, and of the NATS servers
postgres=999
nobody=65534
grafana=472
volumes=/volumes

cd /office
mkdir -p compose
if [ ! -e federation.toml ]; then
    vardkase federation init --leaf tls://nation-leaf:7422
    vardkase federation add-lan 24 --leaf tls://lan-leaf:7422
    vardkase federation add-kommun 2480
    vardkase federation add-kommun 2482
fi
vardkase federation cluster SE --server nation-nats-1 --server nation-nats-2 --server nation-nats-3
vardkase federation check

# A word that nobody knows, once: secret NAME.
secret() {
    [ -s "compose/$1" ] || od -An -tx1 -N24 /dev/urandom | tr -d ' \n' >"compose/$1"
    cat "compose/$1"
}

# Puts a file where it is read, whole or not at all: give USER FILE PLACE.
give() {
    cp "$2" "$3.new"
    chown "$1:$1" "$3.new"
    chmod 0600 "$3.new"
    mv "$3.new" "$3"
}

# Lets a user have a volume: own USER VOLUME [MODE].
own() {
    chown "$1" "$volumes/$2"
    chmod "${3:-0700}" "$volumes/$2"
}

# The federation's file and a node's own secrets: to_node NAME VOLUME.
to_node() {
    to=$volumes/$2
    own $node:$node "$2"
    install -d -o $node -g $node -m 0700 "$to/secrets" "$to/secrets/$1"
    give $node federation.toml "$to/federation.toml"
    for file in "secrets/$1"/*; do
        [ ! -f "$file" ] || give $node "$file" "$to/$file"
    done
}

to_node SE nation-config
to_node lan-24 lan-config
to_node kommun-2480 kommun-2480-config
to_node kommun-2482 kommun-2482-config
for each in nation-data lan-data kommun-2480-data kommun-2482-data; do
    own $node:$node $each
done

# The nation's servers, and how its node reaches them and its database.
own $node:$node nation-nats-config
for file in secrets/SE/cluster/*.conf secrets/SE/cluster/ca.crt secrets/SE/cluster/tls.crt secrets/SE/cluster/tls.key; do
    give $node "$file" "$volumes/nation-nats-config/${file##*/}"
done
for number in 1 2 3; do
    own $node:$node nation-nats-$number-data
done
give $node secrets/SE/cluster/ca.crt $volumes/nation-config/ca.crt
{
    cat secrets/SE/cluster/node.toml
    echo "database_url = \"postgresql://vardkase_archiver:$(secret archiver)@nation-db/vardkase\""
} >compose/node.toml
give $node compose/node.toml $volumes/nation-config/node.toml

own $postgres:$postgres nation-db-data
own $postgres:$postgres nation-db-secrets
for each in postgres archiver reader; do
    secret $each >/dev/null
    give $postgres compose/$each $volumes/nation-db-secrets/$each
done

# Tokens are written by the nodes' user, and read by Prometheus as one of its group.
own $node:$node tokens 0750
own $nobody:$nobody prometheus-data
own $nobody:$nobody alertmanager-data
own $grafana:0 grafana-data
own $grafana:0 grafana-secrets
secret admin-password >/dev/null
give $grafana compose/admin-password $volumes/grafana-secrets/admin-password
