import type { Call } from '../../../lib/call.ts'
import { DrayError, isDrayError } from '../../../lib/errors.ts'
import { gitEnvironment } from './git-environment.ts'
import type { GitPorts } from './git-ports.ts'
import { redactUrls } from './redact-urls.ts'
import { type ProgramResult, runProgram } from './run-program.ts'

/** Milliseconds for one command. Hooks may build and test, and a push may send much. */
const limits = { read: 60_000, hooks: 600_000, network: 300_000 }
/** Bytes of paths in the arguments of one process; Windows allows 32 KiB for all. */
const maxPathBytes = 16 * 1024

interface GitOptions {
  /** `hooks`: the command runs hooks; `network`: it connects to a remote, and may run hooks */
  readonly kind?: keyof typeof limits
  readonly input?: string | Uint8Array
}

/** Runs git in one folder. */
export class Git {
  readonly folder: string
  readonly ports: GitPorts
  readonly call: Call
  readonly #config: readonly string[]

  /**
   * @param folder absolute; it exists
   * @param config settings of these processes only, such as `core.fsmonitor=false`
   */
  constructor(folder: string, ports: GitPorts, call: Call, config: readonly string[] = []) {
    this.folder = folder
    this.ports = ports
    this.call = call
    this.#config = config
  }

  in(folder: string): Git {
    return new Git(folder, this.ports, this.call, this.#config)
  }

  with(...config: readonly string[]): Git {
    return new Git(this.folder, this.ports, this.call, [...this.#config, ...config])
  }

  /**
   * Runs a command and returns its status and output.
   * @throws `config` without git; `timeout`; the signal's reason.
   */
  async run(args: readonly string[], { kind = 'read', input }: GitOptions = {}): Promise<ProgramResult> {
    const { env, clock, maxBytes, limitMs = limits[kind] } = this.ports
    const settings = ['core.quotePath=false', ...this.#config]
    try {
      return await runProgram({
        program: 'git',
        args: [...settings.flatMap((setting) => ['-c', setting]), '--no-pager', ...args],
        folder: this.folder,
        env: gitEnvironment(env, kind !== 'read'),
        ...(input !== undefined && { input }),
        limitMs,
        maxBytes,
        clock,
        signal: this.call.signal,
      })
    } catch (error) {
      throw isDrayError(error) && error.code === 'not-found' ? missingGit(error) : error
    }
  }

  /**
   * Returns the output of a command that succeeds.
   * @param what completes "cannot", such as `read the status of FOLDER`
   * @throws `io` if it fails; as `run`.
   */
  async read(what: string, args: readonly string[], options?: GitOptions): Promise<Buffer> {
    const result = await this.run(args, options)
    if (result.status !== 0) throw gitFailed(what, this.folder, result)
    return result.stdout
  }

  /** Returns the output as one line, or undefined if the command ends with a status above 0. */
  async line(args: readonly string[], options?: GitOptions): Promise<string | undefined> {
    const { status, stdout } = await this.run(args, options)
    const line = stdout.toString('utf8').replace(/\r?\n$/, '')
    return status === 0 && line !== '' ? line : undefined
  }

  /** @param what completes "cannot" @throws as `read`. */
  async readId(what: string, args: readonly string[]): Promise<string> {
    return (await this.read(what, args)).toString('utf8').trim()
  }

  /** Runs a command for all paths, with as many paths as fit in one process. */
  async readPaths(
    what: string,
    args: readonly string[],
    paths: readonly string[],
    options?: GitOptions,
  ): Promise<Buffer> {
    const outputs: Buffer[] = []
    for (const batch of batchesOf(paths))
      outputs.push(await this.read(what, [...args, '--', ...batch], options))
    return Buffer.concat(outputs)
  }
}

function batchesOf(paths: readonly string[]): readonly (readonly string[])[] {
  const batches: string[][] = []
  let bytes = Infinity
  for (const path of paths) {
    bytes += Buffer.byteLength(path) + 1
    if (bytes > maxPathBytes) {
      batches.push([])
      bytes = Buffer.byteLength(path) + 1
    }
    batches.at(-1)?.push(path)
  }
  return batches
}

/** Splits output that ends each entry with NUL. */
export function splitNul(output: Buffer): readonly string[] {
  return output.toString('utf8').split('\0').slice(0, -1)
}

/** @param what completes "cannot" */
function gitFailed(what: string, folder: string, result: ProgramResult): DrayError {
  return new DrayError('io', `cannot ${what}`, { subject: folder, why: explainGit(result) })
}

export function explainGit({ status, stderr, stdout }: ProgramResult): string {
  if (stderr !== '') return stderr
  const output = redactUrls(stdout.subarray(-4096).toString('utf8').trim())
  if (output !== '') return output
  return `git ended with ${status === null ? 'a signal' : `status ${status}`}`
}

function missingGit(cause: DrayError): DrayError {
  return new DrayError('config', 'git is not installed', {
    subject: 'git',
    why: 'dray needs it to commit the edited files, and it is not in PATH',
    hint: 'Install git, or run dray without --commit, --push and --pr.',
    cause,
  })
}
