#!/bin/sh
# Sees to it that the browser tests have a Chromium: the machine's, or the package manager's when
# this account may install packages. Without one those tests say why they are skipped.

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium for the browser tests" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends chromium fonts-liberation >/dev/null 2>&1 ||
        { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium fonts-liberation; } >/dev/null
    command -v chromium >/dev/null 2>&1 && exit 0
fi

echo "No Chromium here: the browser tests are skipped. Install one to run them." >&2
[ "$CI" != true ]
