#!/opt/linux/bin/busybox sh
# The names of Cygwin.
case ${1:--s} in
  -s) echo CYGWIN_NT-10.0-20348 ;;
  -r) echo 3.5.4-1.x86_64 ;;
  -m) echo x86_64 ;;
  -o) echo Cygwin ;;
  -n) echo CYGWIN-BUILD ;;
  -a) echo 'CYGWIN_NT-10.0-20348 CYGWIN-BUILD 3.5.4-1.x86_64 2024-08-25 16:52 UTC x86_64 Cygwin' ;;
  *) exit 1 ;;
esac
