import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { WarmRequest } from './warm-dray.ts'
import type { Warm } from './warm-process.ts'
import type { ScriptResult, Written } from './warm-protocol.ts'

/** Runs `"$@"` with a terminal of 100 columns as stdout. Stderr is a pipe, which `cat` joins. */
const onTerminal = `stty cols 100 rows 1000 -opost
set -o pipefail
{ "$@" 2>&1 >&3 3>&- </dev/null | cat; } 3>&1`

/** Runs an executable, in a process of its own, like `warm-dray.ts` runs dray. */
export async function runExecutable(executable: string, request: WarmRequest): Promise<ScriptResult> {
  const { args, cwd, env, input, isTerminal } = request
  const [command, ...rest] = isTerminal
    ? [
        'script',
        '-qefc',
        `exec bash -c ${[onTerminal, 'bash', executable, ...args].map(quote).join(' ')}`,
        '/dev/null',
      ]
    : [executable, ...args]
  const child = spawn(command ?? '', rest, {
    cwd,
    env,
    stdio: [isTerminal ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const written: Written[] = []
  for (const [descriptor, stream] of [
    [1, child.stdout],
    [2, child.stderr],
  ] as const)
    stream?.setEncoding('utf8').on('data', (text: string) => void written.push([descriptor, text]))
  // A run that does not read its input has closed it.
  child.stdin?.on('error', () => undefined).end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code: code ?? -1, written }
}

/** Runs an executable, in a process of its own for each run. */
export function warmExecutable(executable: string): Warm {
  return {
    port: undefined,
    run: async (request) => await runExecutable(executable, request),
    stop: () => undefined,
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
