set -euo pipefail
export PATH=/usr/bin:/bin
for tool in $tools; do . "$tool"; done
mkdir -p "$out/bin"
install -m 755 "$program" "$out/bin/lclq"
eval "$postInstall"
