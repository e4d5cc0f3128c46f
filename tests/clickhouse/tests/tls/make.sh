#!/bin/sh
# Makes the certificates of the TLS test anew: a CA, a server called localhost, a client, a CA that nobody knows. They
# protect nothing, so their keys lie here.
set -eu
cd "$(dirname "$0")"
days=36500
key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }
authority() {
    key "$1"
    openssl req -x509 -new -key "$1.key" -days $days -subj "/CN=$1" -addext "basicConstraints=critical,CA:TRUE" \
        -addext "keyUsage=critical,keyCertSign" -out "$1.pem"
}
leaf() {
    key "$1"
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "$2" "$3" >"$1.ext"
    openssl req -new -key "$1.key" -subj "/CN=$1" |
        openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days $days -extfile "$1.ext" -out "$1.pem"
    rm "$1.ext"
}
authority ca
authority stranger
leaf server DNS:localhost serverAuth
leaf client DNS:sensor clientAuth
rm -f ca.srl ca.key stranger.key
