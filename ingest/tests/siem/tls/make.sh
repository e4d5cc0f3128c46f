#!/bin/sh
# Makes the certificates of the syslog tests anew: a CA, a receiver called localhost (also by its addresses), one that is
# called otherwise, one whose certificate has expired, a client, and a client and a CA that nobody knows. They protect
# nothing, so their keys lie here. Needs OpenSSL 3.
set -eu
cd "$(dirname "$0")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/ca.cnf" <<END
[ca]
default_ca = tests
[tests]
database = $work/index.txt
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
[policy]
commonName = supplied
END
: >"$work/index.txt"

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }
# sign NAME LAST-DAY EXTENSIONS ARGUMENT...: valid since 2024, so that a clock that is a little behind is no trouble.
sign() {
    name="$1" until="$2"
    printf '%b' "$3" >"$work/extensions"
    shift 3
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$work/request"
    openssl ca -batch -notext -config "$work/ca.cnf" -in "$work/request" -extfile "$work/extensions" \
        -startdate 20240101000000Z -enddate "$until" -out "$name.pem" "$@" 2>"$work/said" || cat "$work/said" >&2
}
authority() {
    key "$1"
    sign "$1" 21240101000000Z 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' \
        -selfsign -keyfile "$1.key"
}
# leaf NAME CA SUBJECT-ALT-NAME EXTENDED-KEY-USAGE LAST-DAY
leaf() {
    key "$1"
    sign "$1" "${5:-21240101000000Z}" "subjectAltName=$3\nextendedKeyUsage=$4\nbasicConstraints=CA:FALSE\n" \
        -cert "$2.pem" -keyfile "$2.key"
}

authority ca
authority stranger
leaf server ca DNS:localhost,IP:127.0.0.1,IP:::1 serverAuth
leaf elsewhere ca DNS:logs.example serverAuth
leaf expired ca DNS:localhost,IP:127.0.0.1 serverAuth 20240201000000Z
leaf client ca DNS:sensor clientAuth
leaf strange-client stranger DNS:sensor clientAuth
rm -f ca.key stranger.key
