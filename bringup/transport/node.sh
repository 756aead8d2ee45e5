# The program that runs on a node, between the two halves that bundle.py writes: variables before, nothing after.
# Comment lines and indentation are taken out before it is sent. POSIX sh only: dash, bash, busybox ash.
#
# Processes: this shell (M) is the only writer of frames. T ticks once a second. W waits for the end of stdin.
# Each command has a worker (a subshell) that waits for it. All of them report to M as lines in the fifo q:
#   t              a second has passed               r I            command I listens on its port
#   f I            command I floods its output       d I STATUS AT  command I ended (STATUS empty: never started)
#   s              the last sweep is done            x              stdin has ended: stop everything
# Open files: 3 the fifo, 4 frames to the orchestrator, 5 the dead-man's switch. Commands inherit none of them.
#
# Given by bundle.py: b_token (frames) b_mark (environment) b_lanes b_flood b_every (ticks between signs of life)
# b_sh b_first b_alone (queues of indexes) b_path b_root b_vars b_dirs, and b_spec, which sets for command $1: b_x
# script, b_need programs, b_limit centiseconds, b_max bytes, b_asroot, b_port (four hex digits).

# What a login may leave in the environment to trip over: TMOUT ends every read in bash, CDPATH leads cd astray,
# SHELLOPTS brings set -e and set -C along.
set +efuxC
unset TMOUT CDPATH GREP_OPTIONS
exec 5<&0 4>&1 </dev/null >/dev/null
umask 077
ROOT=$b_root PATH=$b_path LC_ALL=C TERM=dumb COLUMNS=500
export ROOT PATH LC_ALL TERM COLUMNS
b_uid=$(id -u)
printf '%s hello %s\n' "$b_token" "$b_uid" >&4
# The mark is random, and mkdir fails if somebody was there before: as good as mktemp, and one process less.
for b_d in "${TMPDIR:-/tmp}" /tmp /dev/shm /var/tmp /run ''; do
  b_s=$b_d/bringup.$b_mark
  [ "$b_d" ] && mkdir "$b_s" && cd "$b_s" && echo x >x && mkdir $b_dirs && mkfifo q && break
  [ -z "$b_d" ] || rm -rf "$b_s"
done 2>/dev/null
if [ -z "$b_d" ]; then
  printf '%s fatal no directory to write to (tried TMPDIR, /tmp, /dev/shm, /var/tmp, /run)\n' "$b_token" >&4
  exit 1
fi
exec 3<>q
printf '%s\n' "$b_vars" >v
b_setsid=
command -v setsid >/dev/null && b_setsid=setsid

# b_t: now in centiseconds, without a fork where the kernel offers it.
b_now() {
  if read -r b_t b_v </proc/uptime; then
    b_t=${b_t%.*}${b_t#*.}
    b_t=${b_t#0}
    b_t=${b_t#0}
  else
    b_t=$(date +%s)00
  fi 2>/dev/null
}

# Signals every process whose environment carries a mark: sh -c "$b_sweep" sh SIGNAL PATTERN. The -z (records end
# with NUL) is not POSIX, but GNU, busybox and toybox have it.
b_sweep='for n in 1 2 3; do
l=$(grep -lzse "^BRINGUP_MARK=$2" /proc/[0-9]*/environ)
for p in $l; do p=${p#/proc/}; kill -$1 ${p%%/*}; done
[ $1 = KILL ] && [ "$l" ] || break
done 2>/dev/null'

# b_signal SIGNAL PATTERN: the sweep, and with root rights where commands had them. A sudo that hangs stops nobody.
b_signal() {
  eval "$b_sweep"
  for b_f in r.*; do
    [ -e "$b_f" ] && BRINGUP_MARK='' sudo -n sh -c "$b_sweep" sh "$1" "$2" </dev/null >/dev/null 2>&1
    break
  done
}

# Signals the group of every running command (p.I holds group and worker; empty when it has ended). Fails if none runs.
b_groups() {
  b_c=1
  for b_f in p.*; do
    [ -s "$b_f" ] && read -r b_p b_v <"$b_f" && kill -"$1" -"$b_p" && b_c=0
  done 2>/dev/null
  return $b_c
}

# Removes the scratch directory, also what root's commands left in it.
b_clean() {
  cd /
  rm -rf "$b_s" && return
  BRINGUP_MARK='' sudo -n rm -rf "$b_s"
} </dev/null >/dev/null 2>&1

# Whether M runs. Dead and not yet fetched by its parent is dead: in containers that may take long.
b_alive() {
  kill -0 $$ || return 1
  read -r b_v </proc/$$/stat
  case $b_v in
  *') Z '*) return 1 ;;
  esac
}

( # T. The flood check costs one more fork a second and is all that stands between a mad tool and a full disk.
  exec 4>&- 5<&- 2>/dev/null
  b_z='' # a number whose process has ended may by now be somebody else's: only what still runs is killed
  trap '[ -z "$b_z" ] || kill -KILL "$b_z"; exit 0' TERM
  while b_alive; do
    sleep 1 3>&- &
    b_z=$!
    wait "$b_z"
    b_z=''
    echo t >&3
    for b_f in $(find [oe].* -size +"${b_flood}c" 3>&-); do echo "f ${b_f#??}" >&3; done
  done
) &
b_ticker=$!

( # W. Stdin has ended: the orchestrator is gone or wants no more, and nothing may stay. M may still do that in
  # good order and say `end`; but if M is dead (then sshd or the driver closes stdin) or slow, W does it.
  exec 4>&- 2>/dev/null
  trap '' HUP INT TERM PIPE
  while read -r b_v <&5; do :; done
  exec 5<&-
  echo x >&3
  exec 3>&-
  b_z=0
  while b_alive && [ "$b_z" -lt 15 ]; do
    sleep 0.2 || sleep 1
    b_z=$((b_z + 1))
  done
  kill -KILL $$
  kill -TERM "$b_ticker"
  b_groups TERM
  b_z=0
  while b_groups 0 && [ "$b_z" -lt 5 ]; do
    sleep 0.2 || sleep 1
    b_z=$((b_z + 1))
  done
  b_groups KILL
  for b_f in p.*; do
    [ -s "$b_f" ] && read -r b_p b_v <"$b_f" && kill -KILL "$b_v"
  done
  # The sweep can hang on a process that is stuck in a driver: the directory goes first.
  b_signal KILL "$b_mark\\." &
  rm -rf "$b_s"
  wait $!
  b_clean
) &
b_watcher=$!

b_listening() {
  grep -qs ":$b_port [0-9A-F]*:[0-9A-F]* 0A " "$ROOT/proc/net/tcp" "$ROOT/proc/net/tcp6"
}

# The command with root's rights if sudo gives them, else plainly. Arguments: scratch, index, PATH, ROOT, shell,
# script, mark. The file r.I says that root ran it; sudo's own words stay out of the command's output.
b_sudo='sudo -n sh -c '\''
cd "$1/t.$2" || exit
. "$1/v"
PATH=$3 ROOT=$4 TMP=$1/t.$2 TMPDIR=$1/t.$2 LC_ALL=C TERM=dumb COLUMNS=500 BRINGUP_MARK=$7
export PATH ROOT TMP TMPDIR LC_ALL TERM COLUMNS BRINGUP_MARK
: >"$1/r.$2" || exit
umask 022
exec $5 -c "$6" >"$1/o.$2" 2>"$1/e.$2"
'\'' sh "$@" </dev/null >/dev/null 2>&1
c=$?
[ -e "$1/r.$2" ] && exit $c
: >"$1/nosudo"
exec $5 -c "$6"'

# One worker: starts command $1, waits for it, ends what it left in its group, reports.
b_work() {
  b_i=$1 b_c='' b_z=''
  exec 4>&- 5<&- 2>/dev/null # a shell that tells of its child's death must not die of a closed stderr
  trap 'b_now; echo "d $b_i $b_c $b_t" >&3' 0 # also if this shell fails; busybox has no $1 here
  [ -z "$b_port" ] || ! b_listening || b_port=
  {
    cd "t.$1" || exit 126
    umask 022
    TMP=$b_s/t.$1 TMPDIR=$b_s/t.$1 BRINGUP_MARK=$b_mark.$1
    export TMP TMPDIR BRINGUP_MARK
    eval "$b_vars"
    if [ "$b_asroot" ] && [ "$b_uid" != 0 ] && [ ! -e ../nosudo ] && command -v sudo >/dev/null; then
      exec $b_setsid $b_sh -c "$b_sudo" sh "$b_s" "$1" "$PATH" "$ROOT" "$b_sh" "$b_x" "$BRINGUP_MARK"
    fi
    exec $b_setsid $b_sh -c "$b_x"
  } >"o.$1" 2>"e.$1" 3>&- &
  b_p=$!
  read -r b_v b_f </proc/self/stat
  echo "$b_p $b_v" >"p.$1"
  if [ "$b_port" ]; then
    {
      while kill -0 "$b_p"; do
        if b_listening; then
          echo "r $1" >&3
          break
        fi
        sleep 0.1 3>&- || sleep 1 3>&-
      done
      : >"z.$1"
    } &
    b_z=$!
  fi
  wait "$b_p"
  b_c=$?
  kill -KILL -"$b_p"
  # The look-out has mostly ended long ago, and its number may be anybody's: it says so itself by z.I.
  [ -z "$b_z" ] || [ -e "z.$b_i" ] || kill -KILL "$b_z"
  : >"p.$1"
}

b_sizes() { b_o=$1 b_e=$3; }

# b_frame INDEX KIND STATUS END NOTE: one answer. Lengths come before the bytes, the token after them again.
b_frame() {
  b_spec "$1"
  b_r=0 b_o=0 b_e=0 b_k=$2 b_note=$5
  if [ "$b_uid" = 0 ] || [ -e "r.$1" ]; then b_r=1; fi
  if [ -s "o.$1" ] || [ -s "e.$1" ]; then
    b_sizes $(wc -c "o.$1" "e.$1")
    case ${b_o:-x}${b_e:-x} in
    *[!0-9]*) b_o=0 b_e=0 b_k=lost b_note='the node could not read back the output' ;;
    esac
  fi
  b_g=$((b_o < b_max ? b_o : b_max)) b_h=$((b_e < b_max ? b_e : b_max))
  eval "b_v=\$b_start$1"
  b_v="$b_token answer $1 $b_k ${3:--} $b_v $4 $b_r $b_g $b_h $b_o $b_e $b_note"
  # Small ones gather: sent one by one, in pieces, they would travel in as many packets, each of which wakes the other
  # side. A frame holds as many bytes as it says, also where something that outlived the command still writes.
  if [ "$b_g$b_h" = 00 ]; then
    b_said=$b_said$b_v$b_line$b_token$b_line
  elif [ "$b_g" -le 65536 ] && [ "$b_h" -le 65536 ] && b_whole "$1" >"a.$1"; then
    b_heap="$b_heap a.$1" b_heaped=$((b_heaped + b_g + b_h))
    [ "$b_heaped" -le 65536 ] || b_flush
  else
    b_flush
    b_whole "$1" >&4
  fi
}

# Sends what has gathered: in one piece, or, where the disk is full, as it lies.
b_flush() {
  if [ -z "$b_heap" ]; then
    printf '%s' "$b_said" >&4
  elif printf '%s' "$b_said" >h && cat $b_heap >>h; then
    cat h >&4
  else
    printf '%s' "$b_said" >&4
    cat $b_heap >&4
  fi
  [ -z "$b_heap" ] || rm -f h $b_heap
  b_heap='' b_heaped=0 b_said=''
}

# b_whole INDEX: the frame of b_frame, its first line being b_v.
b_whole() {
  printf '%s\n' "$b_v" &&
    { [ "$b_g" = 0 ] || head -c "$b_g" "o.$1"; } &&
    { [ "$b_h" = 0 ] || head -c "$b_h" "e.$1"; } &&
    printf '%s\n' "$b_token"
}

# Starts command $1, or answers at once that it lacks a program.
b_run() {
  b_spec "$1"
  b_now
  eval "b_start$1=$b_t b_due$1=$((b_t + b_limit)) b_state$1=runs"
  b_v=
  for b_f in $b_need; do command -v "$b_f" >/dev/null || b_v="$b_v $b_f"; done
  if [ "$b_v" ]; then
    b_frame "$1" missing '' "$b_t" "${b_v# }"
  else
    (b_work "$1") &
    b_live="$b_live $1" b_running=$((b_running + 1))
  fi
}

b_go() {
  while :; do
    if [ "$b_first" ]; then
      [ "$b_running" -lt "$b_lanes" ] || return 0
      b_v=${b_first%% *}
      b_first=${b_first#* }
    elif [ "$b_alone" ]; then
      [ "$b_running" = 0 ] || return 0
      b_flush # it may take long, or take the node down
      b_v=${b_alone%% *}
      b_alone=${b_alone#* }
    else
      return 0
    fi
    b_run "$b_v"
  done
}

# b_done INDEX KIND STATUS END NOTE: answers and makes room, once.
b_done() {
  case " $b_live " in
  *" $1 "*) ;;
  *) return 0 ;;
  esac
  b_frame "$@"
  b_v=
  for b_f in $b_live; do [ "$b_f" = "$1" ] || b_v="$b_v $b_f"; done
  b_live=$b_v b_running=$((b_running - 1))
}

# b_kill SIGNAL INDEX, also what has left the group. In the background: nothing may hold up the frames.
b_kill() {
  b_p=
  read -r b_p b_v <"p.$2" && kill -"$1" -"$b_p" || kill -"$1" "$b_p"
  (
    exec 3>&- 4>&- 5<&-
    b_signal "$1" "$b_mark\\.$2\$"
  ) &
} 2>/dev/null

b_term() {
  eval "b_state$1=term b_due$1=$((b_t + 100))"
  b_kill TERM "$1"
}

# A command past its time gets TERM, a second later KILL, and two seconds later it is given up: a process that waits
# inside a driver cannot be killed, and must not hide what the others found.
b_tick() {
  b_now
  for b_i in $b_live; do
    eval "b_v=\$b_due$b_i b_f=\$b_state$b_i"
    [ "$b_t" -ge "$b_v" ] || continue
    case $b_f in
    runs) b_term "$b_i" ;;
    term)
      eval "b_state$b_i=kill b_due$b_i=$((b_t + 200))"
      b_kill KILL "$b_i"
      ;;
    *)
      read -r b_p b_v <"p.$b_i" && kill -KILL "$b_v"
      b_done "$b_i" timeout '' "$b_t" 'does not die, not even by SIGKILL'
      ;;
    esac
  done
  b_flush
  b_beat=$((b_beat + 1))
  [ $((b_beat % b_every)) != 0 ] || echo "$b_token beat" >&4
}

b_live='' b_running=0 b_beat=0 b_heap='' b_heaped=0 b_said=''
b_line='
'
b_go
while [ "$b_live" ]; do
  read -r b_event b_i b_c b_z <&3 || break
  case $b_event in
  t) b_tick ;;
  x)
    b_now
    b_first='' b_alone=''
    for b_i in $b_live; do
      b_term "$b_i"
      eval "b_due$b_i=$b_t" # KILL with the next tick
    done
    b_flush
    ;;
  r)
    b_flush
    echo "$b_token listens $b_i" >&4
    ;;
  f)
    eval "b_f=\$b_state$b_i"
    if [ "$b_f" = runs ]; then
      b_now
      eval "b_state$b_i=flood b_due$b_i=$((b_t + 200))"
      b_kill KILL "$b_i"
    fi
    ;;
  d)
    [ "$b_z" ] || b_z=$b_c b_c=
    eval "b_f=\$b_state$b_i"
    case $b_f$b_c in
    term* | kill*) b_done "$b_i" timeout '' "$b_z" '' ;;
    flood*) b_done "$b_i" exited "${b_c:-137}" "$b_z" "killed: more than $b_flood bytes of output" ;;
    runs) b_done "$b_i" lost '' "$b_z" 'the node could not start it' ;;
    *) b_done "$b_i" exited "$b_c" "$b_z" '' ;;
    esac
    ;;
  esac
  b_go
done
b_flush

# What left its group is found by its environment. The search may hang on a sick node, so it gets three ticks.
(
  exec 4>&- 5<&-
  b_signal KILL "$b_mark\\." 3>&-
  echo s >&3
) &
b_beat=0
while read -r b_event b_i <&3; do
  case $b_event in
  s) break ;;
  t) b_beat=$((b_beat + 1)) ;;
  esac
  [ "$b_beat" -lt 3 ] || break
done
kill -TERM "$b_ticker"
b_clean
kill -KILL "$b_watcher"
echo "$b_token end" >&4
exit 0
