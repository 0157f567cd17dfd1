#!/bin/bash
# What EL8 has instead: Python 3.6 as platform-python, and no python3 on the PATH. setup.sh ROOT
set -euo pipefail
root=$1
shopt -s nullglob
homes=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.6.*)
if [ "${#homes[@]}" -eq 0 ]; then
  echo "el8 guests need a Python 3.6, found none in ${PYENV_ROOT:-$HOME/.pyenv}/versions: pyenv install 3.6" >&2
  exit 1
fi
home=$root/usr/libexec/platform-python3.6
mkdir -p "$home/lib"
cp "${homes[0]}"/lib/libpython3.6m.so.1.0 "$home/lib/"
tar --create --directory "${homes[0]}" --exclude=test --exclude=tests --exclude=site-packages --exclude=__pycache__ \
  --exclude='config-3.6*' --exclude=idlelib --exclude=tkinter --exclude=ensurepip --exclude=lib2to3 \
  bin/python3.6 lib/python3.6 | tar --extract --directory "$home"
ln -s platform-python3.6/bin/python3.6 "$root/usr/libexec/platform-python"
# it finds its library by the path that it was made at
echo /usr/libexec/platform-python3.6/lib > "$root/etc/ld.so.conf.d/platform-python.conf"
chroot "$root" ldconfig
# the image's own programs keep their interpreter, out of everybody's way
mv "$root/usr/bin/python3.11" "$root/usr/libexec/image-python"
rm "$root/usr/bin/python3"
grep -rlIE '^#! ?/usr/bin/(env )?python3' "$root/usr/bin" "$root/usr/sbin" "$root/usr/lib/cloud-init" |
  xargs -r sed -i -E '1s|^#! ?/usr/bin/(env )?python3(\.11)?|#!/usr/libexec/image-python|'
chroot "$root" /usr/libexec/platform-python -c 'import bz2, json, sys; assert sys.version_info[:2] == (3, 6)'
