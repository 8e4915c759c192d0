import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorInfo } from '../../src/lib/errors.ts'
import { dray, type Ended, type Running, startDray, warmDray, type WarmOptions } from './program.ts'
import { tempFolder } from './temp.ts'

/** A folder with a `dray.yaml` for runs of the program and their state, removed after the test. */
export interface Workplace {
  readonly folder: string
  /** the audit log */
  readonly auditFile: string
  run(...args: readonly string[]): Promise<Ended>
  /** Runs dray with this on stdin. */
  piped(stdin: string, ...args: readonly string[]): Promise<Ended>
  /** Runs dray with `--json` and parses its document. */
  json(...args: readonly string[]): Promise<Ended & { readonly document: ResultDocument }>
  start(...args: readonly string[]): Running
}

/** The parts of a `--json` document that tests check. */
interface ResultDocument {
  readonly ok: boolean
  readonly result?: {
    readonly images: readonly {
      readonly status: string
      readonly errors?: readonly ErrorInfo[]
      readonly [other: string]: unknown
    }[]
    readonly transferred: { readonly mounted: number; readonly uploaded: number; readonly present: number }
    readonly verified?: boolean
  }
  readonly error?: ErrorInfo
  readonly warnings: readonly unknown[]
}

/** A workplace whose every run is a process of its own. */
export async function workplace(
  config: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Workplace> {
  return await workplaceWith(config, env, (args, { input, ...options }) =>
    dray(args, {
      ...options,
      ...(input !== undefined && {
        env: { ...options.env, STDIN: input },
        under: ['sh', '-c', 'printf %s "$STDIN" | "$@"', 'sh'],
      }),
    }),
  )
}

/** A workplace whose runs share a process, like those of `warmDray`. `start` starts another. */
export async function warmWorkplace(
  config: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Workplace> {
  return await workplaceWith(config, env, warmDray)
}

async function workplaceWith(
  config: string,
  env: Readonly<Record<string, string>>,
  run: (args: readonly string[], options: WarmOptions) => Promise<Ended>,
): Promise<Workplace> {
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), config)
  const auditFile = join(folder, 'audit.jsonl')
  const options = { cwd: folder, env: { HOME: folder, DRAY_AUDIT_FILE: auditFile, ...env } }
  return {
    folder,
    auditFile,
    run: (...args) => run(args, options),
    piped: (input, ...args) => run(args, { ...options, input }),
    json: async (...args) => {
      const ended = await run([...args, '--json'], options)
      if (ended.stdout === '') throw new Error(`no document (exit ${ended.code}): ${ended.stderr}`)
      return { ...ended, document: JSON.parse(ended.stdout) as ResultDocument }
    },
    start: (...args) => startDray(args, options),
  }
}

/** `promote IMAGE --from staging --to prod --yes`, with more arguments. */
export function toProd(image: string, ...more: readonly string[]): readonly string[] {
  return ['promote', image, '--from', 'staging', '--to', 'prod', '--yes', ...more]
}
