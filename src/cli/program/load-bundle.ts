import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Script } from 'node:vm'
import { setFlagsFromString } from 'node:v8'
import type { ProcessEnvironment } from '../../lib/files/user-folders.ts'
import { findCommand } from '../dispatch/find-command.ts'
import { asksForHelp } from '../dispatch/help-flags.ts'
import { buildId } from './build-id.ts'
import { CodeCache } from './code-cache.ts'
import { isCommand } from './command-ids.ts'

/** The exports of the bundle. */
interface BundleExports {
  readonly main: (args: readonly string[]) => Promise<void>
  /** the number of modules that have run */
  readonly countModules: () => number
}

/**
 * After this time, V8 keeps the code of functions that no longer run, and a long run saves all of
 * it. V8 rejects the compiled code that Node has of its own modules while a flag is changed, and a
 * short run loads 50 of them.
 */
const longRunMs = 1000

/** Resources of the process that need no end: open connections, and the standard streams. */
const idleResources: ReadonlySet<string> = new Set(['TCPSocketWrap', 'TLSWrap', 'PipeWrap', 'TTYWrap'])

/**
 * Runs dray, with the compiled code of an earlier run of the same command. NODE_COMPILE_CACHE and
 * NODE_DISABLE_COMPILE_CACHE are the user's own choice: Node applies them to the bundle.
 * @param file the path of the bundle
 * @throws if the bundle is missing
 */
export async function runBundle(
  file: string,
  args: readonly string[],
  env: ProcessEnvironment,
): Promise<void> {
  const { main } = loadBundle(file, args, env)
  await main(args)
  // After this turn, each read or write that the run does not wait for has begun.
  await new Promise(setImmediate)
  // The natural end of the process tears down what the system frees anyway.
  const isWritten = process.stdout.writableLength === 0 && process.stderr.writableLength === 0
  if (isWritten && process.getActiveResourcesInfo().every((one) => idleResources.has(one))) process.exit()
}

function loadBundle(file: string, args: readonly string[], env: ProcessEnvironment): BundleExports {
  const isOwnChoice = env['NODE_DISABLE_COMPILE_CACHE'] !== undefined || isSet(env['NODE_COMPILE_CACHE'])
  const version = `${buildId}-${process.version}-${process.arch}`
  const cache = isOwnChoice ? undefined : CodeCache.open(version, codeName(args), env)
  if (cache === undefined) return createRequire(file)(file) as BundleExports
  const cached = cache.read()
  // The bundle is ASCII.
  const script = new Script(readFileSync(file, 'latin1'), {
    filename: file,
    ...(cached !== undefined && { cachedData: cached.data }),
  })
  const bundle = {} as BundleExports
  const program = script.runInThisContext() as (exports: object) => void
  program(bundle)
  setTimeout(() => setFlagsFromString('--no-flush-bytecode'), longRunMs).unref()
  process.on('exit', () => {
    const modules = bundle.countModules()
    const isComplete = script.cachedDataRejected === false && modules <= (cached?.modules ?? 0)
    if (isComplete) return
    // V8 rejects code that was made with other flags than those at the start.
    setFlagsFromString('--flush-bytecode')
    setFlagsFromString('--semi-space-growth-factor=2')
    cache.write({ data: script.createCachedData(), modules })
  })
  return bundle
}

/** Code belongs to one command, because functions that do not run make the start slow. */
function codeName(args: readonly string[]): string {
  if (args[0] === '__complete') return 'complete'
  const command = asksForHelp(args) ? undefined : findCommand(args, isCommand)
  return command === undefined ? 'help' : command.id.replace(':', '-')
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== ''
}
