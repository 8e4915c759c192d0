import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { preloading } from '../program-command.ts'
import type { WarmRequest } from './warm-dray.ts'
import type { Warm } from './warm-process.ts'
import type { ScriptResult, Written } from './warm-protocol.ts'

const terminal = preloading(join(import.meta.dirname, 'terminal.cjs'))

/**
 * Runs an executable, in a process of its own, like `warm-dray.ts` runs dray. On a terminal, all
 * output is that of stdout, because the order of the lines matters.
 */
export async function runExecutable(executable: string, request: WarmRequest): Promise<ScriptResult> {
  const { args, cwd, env, input, isTerminal } = request
  const [command, ...first] = isTerminal ? ['sh', '-c', 'exec "$@" 2>&1', 'sh', executable] : [executable]
  const child = spawn(command ?? '', [...first, ...args], {
    cwd,
    env: { ...env, ...(isTerminal && terminal) },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const written: Written[] = []
  for (const [descriptor, stream] of [
    [1, child.stdout],
    [2, child.stderr],
  ] as const)
    stream.setEncoding('utf8').on('data', (text: string) => void written.push([descriptor, text]))
  // A run that does not read its input has closed it.
  child.stdin.on('error', () => undefined).end(input)
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
