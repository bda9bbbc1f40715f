#!/opt/linux/bin/busybox sh
# Waits for the ACPI power button. Nobody is logged on: Windows powers off only by its policy.
export PATH=/opt/linux/sbin:/opt/linux/bin
for input in /sys/class/input/event*; do
  if [ "$(cat "$input/device/name" 2>/dev/null)" = 'Power Button' ]; then
    # shellcheck disable=SC2046
    mknod -m 600 /tmp/power-button c $(tr : ' ' <"$input/dev") 2>/dev/null
    # One event: the button is pressed.
    dd if=/tmp/power-button of=/dev/null bs=24 count=1 2>/dev/null || break
    [ -e /c/Windows/state/shutdown-without-logon ] && poweroff
  fi
done
sleep 5
