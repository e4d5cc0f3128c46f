#!/bin/bash
# lab.sh up|down RUN_DIR: the office in network namespaces.
#
#   stsw    one bridge; each frame that enters a port is copied to `mirror`, its far end `span` is the sensor's port
#   stsrv   the gateway of each department and, behind it, every service of hosts.json (labsrv)
#   stf1-6  Finance 10.20.1.11-16     ste1-6  Engineering 10.20.2.11-16     sts1-2  Support 10.20.3.11-12
#
# LAB_V6=1 gives everyone an address of fd20:1::/64, fd20:2::/64 or fd20:3::/64 as well.
# Nothing is routed out of these namespaces. Needs root, iproute2, nftables, ethtool, jq.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
action=$1 run=$2
labsrv=${LABSRV:-$run/target/debug/labsrv}

clients() { # name department host-part
  for i in 1 2 3 4 5 6; do echo "f$i 1 1$i"; done
  for i in 1 2 3 4 5 6; do echo "e$i 2 1$i"; done
  for i in 1 2; do echo "s$i 3 1$i"; done
}
namespaces() { echo stsw stsrv; clients | sed 's/^\([^ ]*\).*/st\1/'; }

# Every frame on the mirror is to be one that a wire could carry: no segmentation offload on any
# sending side. The receiving ends keep GRO (as network cards do), which spares acknowledgements.
plain() { ip netns exec "$1" ethtool -K "$2" tso off gso off tx off sg off rx off gro "$3" >/dev/null 2>&1; }

port() { # port-name namespace device mac
  ip -n stsw link add "p$1" type veth peer name "x$1"
  ip -n stsw link set "p$1" master br0 up
  ip -n stsw link set "x$1" netns "$2" name "$3"
  ip -n "$2" link set lo up
  ip netns exec "$2" sysctl -qw "net.ipv6.conf.$3.disable_ipv6=1"
  ip -n "$2" link set "$3" address "$4" up
  plain stsw "p$1" off
  plain "$2" "$3" on
}

enable_v6() { # namespace device address
  ip netns exec "$1" sysctl -qw "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.disable_ipv6=0"
  ip -n "$1" -6 addr add "$3/64" dev "$2" nodad
  # glibc would take IPv4 when the own address is unique-local and the service's is not: treat both alike.
  printf 'label %s\n' '::1/128 0' '::/0 1' '::ffff:0:0/96 4' >"/etc/netns/$1/gai.conf"
}

up() {
  local ports=() resolvers=() name dept part address
  mkdir -p "$run"
  for ns in $(namespaces); do
    ip netns add "$ns"
    mkdir -p "/etc/netns/$ns"
  done
  ip -n stsw link add br0 type bridge mcast_snooping 0
  ip netns exec stsw sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip -n stsw link set br0 up
  for dept in 1 2 3; do
    port "gw$dept" stsrv "lan$dept" "02:20:0$dept:00:00:01"
    ip -n stsrv addr add "10.20.$dept.1/24" dev "lan$dept"
    # Three legs on one bridge: each answers ARP for its own address only.
    ip netns exec stsrv sysctl -qw "net.ipv4.conf.lan$dept.arp_ignore=1" "net.ipv4.conf.lan$dept.arp_announce=2"
    resolvers+=("10.20.$dept.1")
    if [ -n "${LAB_V6:-}" ]; then
      enable_v6 stsrv "lan$dept" "fd20:$dept::1"
      resolvers+=("fd20:$dept::1")
    fi
    ports+=("pgw$dept")
  done
  for address in $(jq -r '.[] | (.a[]?), (.aaaa[]?)' "$here/hosts.json" | sort -u); do
    case $address in
      *:*) ip -n stsrv addr add "$address/128" dev lo nodad ;;
      *) ip -n stsrv addr add "$address/32" dev lo ;;
    esac
  done
  while read -r name dept part; do
    port "$name" "st$name" eth0 "02:20:0$dept:00:00:$part"
    ip -n "st$name" addr add "10.20.$dept.$part/24" dev eth0
    ip -n "st$name" route add default via "10.20.$dept.1"
    echo "nameserver 10.20.$dept.1" >"/etc/netns/st$name/resolv.conf"
    if [ -n "${LAB_V6:-}" ]; then
      enable_v6 "st$name" eth0 "fd20:$dept::$part"
      ip -n "st$name" -6 route add default via "fd20:$dept::1"
    fi
    ports+=("p$name")
  done < <(clients)

  ip -n stsw link add mirror type veth peer name span
  ip -n stsw link set mirror up
  ip -n stsw link set span up
  plain stsw mirror off
  plain stsw span off
  local list
  list=$(IFS=,; echo "${ports[*]}")
  ip netns exec stsw nft add table netdev tap
  ip netns exec stsw nft "add chain netdev tap copy { type filter hook ingress devices = { $list } priority -500; }"
  ip netns exec stsw nft add rule netdev tap copy dup to '"mirror"'

  rm -f "$run/ready"
  ip netns exec stsrv "$labsrv" "$here/hosts.json" "$run" "${resolvers[@]}" >"$run/labsrv.log" 2>&1 &
  echo $! >"$run/labsrv.pid"
  for _ in $(seq 50); do
    [ -e "$run/ready" ] && break
    sleep 0.1
  done
  [ -e "$run/ready" ] || { cat "$run/labsrv.log" >&2; exit 1; }
  # Chromium is told to accept the lab's root for QUIC by the hash of its key.
  openssl x509 -in "$run/ca.pem" -pubkey -noout | openssl pkey -pubin -outform der |
    openssl dgst -sha256 -binary | base64 >"$run/spki.b64"
}

down() {
  if [ -e "$run/labsrv.pid" ]; then
    kill "$(cat "$run/labsrv.pid")" 2>/dev/null || true
    rm -f "$run/labsrv.pid"
  fi
  local ns pid
  for ns in $(namespaces); do
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
    ip netns del "$ns" 2>/dev/null || true
    rm -rf "/etc/netns/$ns"
  done
}

case $action in
  up | down) "$action" ;;
  *) echo "usage: lab.sh up|down RUN_DIR" >&2; exit 2 ;;
esac
