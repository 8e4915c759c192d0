import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { WarmAnswer, WarmRequest } from './warm-dray.ts'
import type { ScriptResult } from './warm-protocol.ts'

/** Runs dray many times. */
export interface Warm {
  /** where the script of `warmScript` connects to; undefined if the script runs the program */
  readonly port: number | undefined
  run(request: WarmRequest): Promise<ScriptResult>
  stop(): void
}

/** A process of `warm-dray.ts`. It ends with this process at the latest. */
export class WarmProcess implements Warm {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(env: Readonly<Record<string, string>>): Promise<WarmProcess> {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    const child = fork(join(import.meta.dirname, 'warm-dray.ts'), { env: { ...env }, stdio: [...stdio] })
    const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }]
    child.unref()
    child.channel?.unref()
    return new WarmProcess(child, port)
  }

  /** @throws if the run ended the process, or if it left something for the next run. */
  async run(request: WarmRequest): Promise<ScriptResult> {
    this.#child.send(request)
    const ended = new AbortController()
    const { signal } = ended
    const answer = await Promise.race([
      once(this.#child, 'message', { signal }).then(([message]) => message as WarmAnswer),
      once(this.#child, 'exit', { signal }).then(() => undefined),
    ])
    ended.abort()
    if (answer === undefined) throw new Error(`dray ${request.args.join(' ')} ended the process`)
    if ('fault' in answer) throw new Error(answer.fault)
    return answer
  }

  stop(): void {
    this.#child.kill()
  }
}
