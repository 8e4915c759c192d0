/**
 * A script that runs its arguments in the process of `warm-dray.ts`. It starts the program itself
 * for `serve`, which runs until it is stopped, and for `-`, which reads a file descriptor.
 * @param port undefined to start the program for every command
 * @param program a command for a shell
 */
export function warmScript(port: number | undefined, program: string): string {
  if (port === undefined) return `#!/bin/sh\nexec ${program} "$@"\n`
  return `#!/bin/bash
case " $* " in " serve "* | *" - "*) exec ${program} "$@" ;; esac
${sendTo(port)}`
}

/** A script that runs its name and its arguments in the process that listens on a port. */
export function standInScript(port: number, name: string): string {
  return `#!/bin/bash
set -- ${name} "$@"
${sendTo(port)}`
}

/** Sends the folder, the input, the arguments and the variables, and writes what comes back. */
function sendTo(port: number): string {
  return String.raw`input=
case " $* " in *" --password-stdin "*) input=$(cat; echo x); input=${'$'}{input%x} ;; esac
mapfile -d '' variables < <(env -0)
exec 3<>/dev/tcp/127.0.0.1/${port}
printf '%s\0' "$PWD" "$input" "$#" "$@" "${'$'}{#variables[@]}" "${'$'}{variables[@]}" >&3
while read -r kind count <&3; do
  case $kind in
    1) head -c "$count" <&3 ;;
    2) head -c "$count" <&3 >&2 ;;
    exit) exit "$count" ;;
  esac
done
exit 99
`
}
