#!/bin/bash
# Fence agent of the lab's power switch (bench/pacemaker/power.py), as Pacemaker calls it: name=value lines on
# its standard input; for `off` exit code 0 means that the node is off
# https://github.com/ClusterLabs/fence-agents/blob/main/doc/FenceAgentAPI.md
action=off plug='' address=10.0.0.1 port=8701
while IFS='=' read -r name value; do
  case $name in
  action) action=$value ;;
  plug) plug=$value ;;
  esac
done
ask() {
  local answer
  exec 3<> "/dev/tcp/$address/$port" || exit 1
  printf '%s %s\n' "$1" "$plug" >&3
  read -r -t 30 answer <&3
  exec 3>&-
  printf '%s\n' "$answer"
}
case $action in
metadata | meta-data)
  cat << 'END'
<?xml version="1.0" ?>
<resource-agent name="fence_lab" shortdesc="Fence agent of the lab's power switch">
<longdesc>Cuts the power of a guest.</longdesc>
<parameters>
<parameter name="action" unique="0" required="1"><content type="string" default="off"/></parameter>
<parameter name="plug" unique="0" required="0"><content type="string"/></parameter>
</parameters>
<actions>
<action name="off"/><action name="status"/><action name="monitor"/><action name="metadata"/>
</actions>
</resource-agent>
END
  ;;
monitor) exit 0 ;;
status) case $(ask status) in on) exit 0 ;; off) exit 2 ;; *) exit 1 ;; esac ;;
off) [ "$(ask off)" = off ] ;;
*) exit 1 ;;
esac
