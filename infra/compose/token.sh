#!/bin/sh
# A token that Prometheus reads a node's metrics with: made at that node, in its network, unless one is there that the
# node knows still. token.sh NAME
set -eu
umask 027
file=/tokens/$1

known() {
    [ -s "$file" ] && python -c '
import sys, urllib.request as http
token = open(sys.argv[1]).read().strip()
http.urlopen(http.Request("http://127.0.0.1:8080/metrics", headers={"Authorization": f"Bearer {token}"}), timeout=10)
' "$file" 2>/dev/null
}

if known; then
    exit 0
fi
vardkase token create --role reader --label prometheus --expires never >"$file.new"
mv "$file.new" "$file"
