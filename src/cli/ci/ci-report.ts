import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { type CiVariables, formatDotenvReport, formatGithubOutput } from '../../render/ci.ts'

type CiVariablesSource = Readonly<Record<string, string | undefined>>

export interface CiReport {
  readonly variables: CiVariables
  /** Markdown for the page of the job */
  readonly summary: string
  /** workflow commands that GitHub Actions shows beside the run */
  readonly annotations?: readonly string[]
}

/** The file of `--report dotenv=FILE`. @throws `usage` for anything else. */
export function parseReport(text: string): string {
  const file = /^dotenv=(.+)$/s.exec(text)?.[1]
  if (file !== undefined) return file
  throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --report`, {
    why: 'the only kind of report is dotenv',
    hint: 'Pass --report dotenv=FILE.',
  })
}

/**
 * Writes what later steps of a CI job need: outputs and a summary, if the job runs on GitHub
 * Actions, and the dotenv reports that were asked for.
 * @throws `io`.
 */
export async function reportToCi(
  { variables, summary, annotations = [] }: CiReport,
  dotenvFiles: readonly string[],
  env: CiVariablesSource,
): Promise<void> {
  const { GITHUB_ACTIONS, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = env
  if (GITHUB_ACTIONS === 'true') {
    await append(GITHUB_OUTPUT, formatGithubOutput(variables))
    await append(GITHUB_STEP_SUMMARY, summary)
    for (const line of annotations) process.stderr.write(`${line}\n`)
  }
  for (const file of dotenvFiles) await writeFileAtomic(resolve(file), formatDotenvReport(variables))
}

async function append(file: string | undefined, text: string): Promise<void> {
  if (file === undefined || file === '') return
  try {
    await appendFile(file, text)
  } catch (cause) {
    throw ioError(cause, `cannot write ${file}, a file of GitHub Actions`, file)
  }
}
