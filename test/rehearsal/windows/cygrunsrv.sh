#!/opt/linux/bin/busybox sh
# Installs, queries and starts services, as cygrunsrv of Cygwin.
PATH=/opt/linux/bin
services=/cygdrive/c/Windows/state/services
refuse() {
  echo "cygrunsrv: $*" >&2
  exit 1
}
action=$1
name=$2
[ $# -ge 2 ] || refuse 'no service'
shift 2
case $action in
  -I | --install)
    [ ! -e "$services/$name" ] || refuse "Error installing a service: CreateService: Win32 error 1073"
    program='' arguments=''
    while [ $# -ge 2 ]; do
      case $1 in
        -p | --path) program=$2 ;;
        -a | --args) arguments=$2 ;;
        -y | --dep) [ "$2" = tcpip ] || refuse "Error: no service $2" ;;
        -d | --disp | -f | --desc | -e | --env) ;;
        -t | --type) [ "$2" = auto ] || refuse "type $2" ;;
        *) refuse "Invalid option: $1" ;;
      esac
      shift 2
    done
    [ $# = 0 ] || refuse "Invalid option: $1"
    [ -x "$program" ] || refuse "Given path doesn't point to a valid executable"
    mkdir -p "$services"
    printf 'program=%s\narguments=%s\n' "$program" "$arguments" >"$services/$name"
    ;;
  -Q | --query)
    [ -e "$services/$name" ] || refuse "Error: Service doesn't exist"
    printf 'Service             : %s\nCurrent State       : Stopped\n' "$name"
    ;;
  -S | --start)
    [ -e "$services/$name" ] || refuse "Error starting a service: OpenService: Win32 error 1060"
    # A service does not run in the session of the user: its manager starts it outside of /cygwin.
    nsenter -t 1 -m -r /opt/linux/sbin/start-service "$name" || refuse 'Error starting a service: Win32 error 1067'
    ;;
  -R | --remove) rm "$services/$name" || refuse "Error removing a service" ;;
  -E | --stop) [ -e "$services/$name" ] || refuse "Error stopping a service" ;;
  *) refuse "Invalid option: $action" ;;
esac
