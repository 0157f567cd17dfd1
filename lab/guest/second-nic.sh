#!/bin/bash
# A server's second network card as Oracle's page on secondary VNICs has it set up: for now and for every boot
# usage: second-nic.sh ADDRESS/PREFIX ROUTER
set -eu
for _ in $(seq 100); do [ -e /sys/class/net/eth1 ] && break; sleep 0.1; done
cat > /etc/systemd/network/20-second-nic.network <<END
[Match]
Name=eth1

[Link]
MTUBytes=9000

[Network]
Address=$1

[Route]
Gateway=$2
Table=7

[RoutingPolicyRule]
From=${1%/*}
Table=7
END
networkctl reload
networkctl reconfigure eth1
for _ in $(seq 100); do ip -4 address show dev eth1 | grep -q "inet $1 " && exit; sleep 0.1; done
echo "eth1 has no address $1 after 10 s" >&2
exit 1
