import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorInfo } from '../../src/lib/errors.ts'
import { dray, type Ended, type RunOptions, type Running, startDray } from './program.ts'
import { tempFolder } from './temp.ts'

/** A folder with a `dray.yaml` in which the program runs; its state goes there too. Gone after the test. */
export interface Workplace {
  readonly folder: string
  /** where the records of runs are */
  readonly auditFile: string
  run(...words: readonly string[]): Promise<Ended>
  /** With this on stdin. */
  piped(stdin: string, ...words: readonly string[]): Promise<Ended>
  /** With `--json`; the one document that it printed. */
  json(...words: readonly string[]): Promise<Ended & { readonly document: ResultDocument }>
  start(...words: readonly string[]): Running
}

/** What tests look at of a document of `--json`. */
interface ResultDocument {
  readonly ok: boolean
  readonly result?: {
    readonly images: readonly {
      readonly status: string
      readonly errors?: readonly ErrorInfo[]
      readonly [other: string]: unknown
    }[]
    readonly moved: { readonly mounted: number; readonly uploaded: number; readonly present: number }
    readonly verified?: boolean
  }
  readonly error?: ErrorInfo
  readonly warnings: readonly unknown[]
}

export async function workplace(
  config: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Workplace> {
  const folder = await tempFolder()
  await writeFile(join(folder, 'dray.yaml'), config)
  const auditFile = join(folder, 'audit.jsonl')
  const options: RunOptions = { cwd: folder, env: { HOME: folder, DRAY_AUDIT_FILE: auditFile, ...env } }
  return {
    folder,
    auditFile,
    run: (...words) => dray(words, options),
    piped: (stdin, ...words) =>
      dray(words, {
        ...options,
        env: { ...options.env, STDIN: stdin },
        under: ['sh', '-c', 'printf %s "$STDIN" | "$@"', 'sh'],
      }),
    json: async (...words) => {
      const ended = await dray([...words, '--json'], options)
      if (ended.stdout === '') throw new Error(`no document (exit ${ended.code}): ${ended.stderr}`)
      return { ...ended, document: JSON.parse(ended.stdout) as ResultDocument }
    },
    start: (...words) => startDray(words, options),
  }
}

/** `promote IMAGE --from staging --to prod --yes` and what else is said. */
export function toProd(image: string, ...more: readonly string[]): readonly string[] {
  return ['promote', image, '--from', 'staging', '--to', 'prod', '--yes', ...more]
}
