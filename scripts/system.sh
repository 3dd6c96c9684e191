#!/usr/bin/env bash
# What the tests need beyond Node, on Debian and its relatives: Chromium, the Vulkan loader and a software Vulkan
# adapter. Does nothing where they are there already. Dawn refuses Mesa before 24, so Debian 12 needs its backports,
# whose address is taken from the sources this machine already uses. Without them Chromium's own SwiftShader serves.
set -uo pipefail

MESA_MINIMUM=24

say() { echo "system: $*"; }

if ! command -v apt-get >/dev/null; then
  say "no apt-get here: install Chromium and a Vulkan driver (Mesa >= $MESA_MINIMUM gives lavapipe) with this system's own tools."
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    say "packages cannot be installed without root: run \"sudo bash scripts/system.sh\" once."
    exit 1
  fi
fi

# Standard input is closed to apt: a question would hang an unattended run.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=180 -o Acquire::Retries=3 "$@" </dev/null
}

updated=no
update_lists() {
  [ "$updated" = yes ] && return 0
  say "reading the package lists"
  apt update >/dev/null || say "the package lists could not be read anew; going on with the old ones"
  updated=yes
}

installed_version() { dpkg-query -W -f '${db:Status-Abbrev} ${Version}' "$1" 2>/dev/null | sed -n 's/^ii *//p'; }

# Highest version of a package that any configured source offers.
best_version() {
  apt-cache madison "$1" 2>/dev/null | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | sort -Vr | head -n 1
}

major() { local digits="${1#*:}"; digits="${digits%%[!0-9]*}"; echo "${digits:-0}"; }

mesa_is_new_enough() { [ "$(major "$(installed_version mesa-vulkan-drivers)")" -ge "$MESA_MINIMUM" ]; }

add_backports() {
  local codename uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg options=''
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  uri=$(apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null |
    awk -v release="$codename" '$1 == "Packages" && $3 == release && $4 == "main" { print $2; exit }')
  if [ -z "$codename" ] || [ -z "$uri" ]; then
    say "no source of \"$codename main\" found among this machine's package sources, so no backports"
    return 1
  fi
  [ -f "$keyring" ] && options="[signed-by=$keyring] "
  echo "deb ${options}${uri} ${codename}-backports main" |
    "${as_root[@]}" tee /etc/apt/sources.list.d/afterthought-backports.list >/dev/null
  say "added ${codename}-backports from the machine's own mirror"
  updated=no
  update_lists
}

install_mesa() {
  update_lists
  if [ "$(major "$(best_version mesa-vulkan-drivers)")" -lt "$MESA_MINIMUM" ]; then add_backports || return 1; fi
  local version
  version=$(best_version mesa-vulkan-drivers)
  if [ "$(major "$version")" -lt "$MESA_MINIMUM" ]; then
    say "Mesa >= $MESA_MINIMUM is not offered here (best: ${version:-none})"
    return 1
  fi
  say "installing Mesa $version"
  local release
  release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")-backports
  apt install --no-install-recommends -t "$release" mesa-vulkan-drivers libvulkan1 >/dev/null ||
    apt install --no-install-recommends "mesa-vulkan-drivers=$version" libvulkan1 >/dev/null
}

has_browser() {
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v "$name" >/dev/null && return 0; done
  [ -n "${AFTERTHOUGHT_CHROMIUM:-}" ]
}

if ! has_browser; then
  update_lists
  say "installing Chromium"
  apt install --no-install-recommends chromium >/dev/null || say "Chromium could not be installed"
fi

if ! mesa_is_new_enough; then
  install_mesa || say "Mesa could not be installed; Chromium's SwiftShader is used in its place"
fi

if [ -z "$(installed_version libvulkan1)" ]; then
  update_lists
  say "installing the Vulkan loader"
  apt install --no-install-recommends libvulkan1 >/dev/null || say "the Vulkan loader could not be installed"
fi

say "Mesa $(installed_version mesa-vulkan-drivers || true), Chromium $(installed_version chromium || true), Vulkan loader $(installed_version libvulkan1 || true)"
mesa_is_new_enough || [ -e /usr/lib/chromium/vk_swiftshader_icd.json ]
