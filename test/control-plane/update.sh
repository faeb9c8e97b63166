#!/usr/bin/env bash
# Moves kube/ to another version of Kubernetes: test/control-plane/update.sh 1.36.4
# Kubernetes keeps its libraries in its own repository and replaces them by those folders. Outside of it each has to be
# replaced by its published version instead, v0.N.P for Kubernetes 1.N.P; which ones there are is read from its go.mod.
set -euo pipefail
version=${1:?which version, as in 1.36.4}
version=${version#v}
cd "$(dirname "$0")/kube"
export GOWORK=off GOTOOLCHAIN="${GOTOOLCHAIN:-local}"

rm -f go.mod go.sum
go mod init rollcall.dev/control-plane/kube
go mod edit -go=1.26.0 -require="k8s.io/kubernetes@v$version"
theirs=$(go mod download -json "k8s.io/kubernetes@v$version" | awk -F'"' '$2 == "GoMod" { print $4 }')
awk '$2 == "=>" && $3 ~ /^\.\/staging\// { print $1 }' "$theirs" | while read -r library; do
  go mod edit -replace="$library=$library@v0.${version#1.}"
done
for program in kube-apiserver kube-controller-manager kubectl; do
  go mod edit -tool="k8s.io/kubernetes/cmd/$program"
done
go mod tidy
