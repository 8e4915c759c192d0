import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { project } from '../src/cli/project.ts'
import { DrayError } from '../src/lib/errors.ts'

/** The folder of the action: a checkout of this repository at the ref of `uses:`. */
const root = join(import.meta.dirname, '..')
/** Starts the program in `dist/dray.cjs`. */
const script = join(root, 'action', 'dray.cjs')

interface ProgramFiles {
  readonly folder: string
  readonly script: string
  /** `engines.node` of package.json */
  readonly engines: string
}

/** Finds the program in the folder of the action. @throws `not-found` on a branch. */
export function findProgram(): ProgramFiles {
  const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
    engines: { node: string }
  }
  if (existsSync(join(root, 'dist', 'dray.cjs'))) return { folder: root, script, engines: engines.node }
  throw new DrayError('not-found', 'this ref of the action does not contain dray', {
    why: 'only release tags contain the built program, dist/dray.cjs',
    hint: `Use a release tag or its commit: uses: ${project.action}@v${version}`,
  })
}

interface RunningOptions {
  readonly node: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** the content of stdin; without it stdin is empty */
  readonly input?: string
  /** returns stdout instead of showing it */
  readonly isCaptured?: boolean
}

interface EndedProgram {
  /** 128 + the number of the signal if one ended it */
  readonly code: number
  readonly stdout: string
}

/** Runs dray without a shell and waits for its end. Passes signals on to it. */
export async function runProgram(args: readonly string[], options: RunningOptions): Promise<EndedProgram> {
  const { node, env, input, isCaptured = false } = options
  const child = spawn(node, [script, ...args], {
    env,
    stdio: ['pipe', isCaptured ? 'pipe' : 'inherit', 'inherit'],
  })
  let stdout = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk))
  // dray may end without reading its stdin.
  child.stdin?.on('error', () => undefined).end(input)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // On Windows, the console signals both processes, and kill() would end dray at once.
      if (process.platform !== 'win32') child.kill(signal)
    })
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), stdout }
}
