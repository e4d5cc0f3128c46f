#!/bin/sh
# Checks the Sigma rules with sigma-cli and converts them for Splunk and Elasticsearch. What it needs (python3 with
# venv, four packages of PyPI) is installed below target/.
set -eu
cd "$(dirname "$0")/../.."
tools=target/sigma-cli-3.1.0

if [ ! -e "$tools/ready" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet sigma-cli==3.1.0 pySigma==1.5.1 pysigma-backend-splunk==2.1.0 \
        pySigma-backend-elasticsearch==2.1.1
    touch "$tools/ready"
fi
sigma=$tools/bin/sigma

# These two compare tags with lists that they fetch from the Internet.
"$sigma" check --fail-on-error --fail-on-issues --exclude attacktag --exclude d3_fendtag dashboards/sigma

# One query for each rule; Zeek's field names as Filebeat has them.
count() { find "$@" -name '*.yml' | wc -l; }
convert() {
    rules=$1
    shift
    made=$("$sigma" convert "$@" "dashboards/sigma/$rules" | grep -c .) || true
    [ "$made" -eq "$(count "dashboards/sigma/$rules")" ] || { echo "$rules: $made queries by sigma convert $*" >&2; exit 1; }
    echo "$rules: $made queries by sigma convert $*"
}
for rules in shadowtap dns zeek-dns zeek-ssl; do
    convert "$rules" --target splunk --without-pipeline
done
for rules in shadowtap dns; do
    convert "$rules" --target lucene --without-pipeline
done
for rules in zeek-dns zeek-ssl; do
    convert "$rules" --target lucene --pipeline ecs_zeek_beats
done
