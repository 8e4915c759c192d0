import { open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { ioError } from '../../lib/files/io-error.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { makeFolders } from '../../lib/files/make-folders.ts'
import { type CiVariables, cutSummary, formatDotenvReport, formatGithubOutput } from '../../render/ci.ts'

type CiVariablesSource = Readonly<Record<string, string | undefined>>

export interface CiReport {
  readonly variables: CiVariables
  /** Markdown for the page of the job */
  readonly summary: string
  /** workflow commands that GitHub Actions shows beside the run */
  readonly annotations?: readonly string[]
}

/** The kinds of `--report`, and their operands. */
const reportKinds = { dotenv: 'FILE', dir: 'FOLDER', summary: 'FILE' } as const

/** A report of `--report`. */
export interface ReportTarget {
  /** `dir` has one file for each variable, named after it */
  readonly kind: keyof typeof reportKinds
  readonly path: string
}

/** GitHub shows no summary of a step that is larger. Bytes. */
const maxSummary = 1024 * 1024

/** Parses a value of `--report`, such as `dotenv=FILE`. @throws `usage`. */
export function parseReport(text: string): ReportTarget {
  const [, kind = '', path = ''] = /^(\w+)=(.+)$/s.exec(text) ?? []
  if (Object.hasOwn(reportKinds, kind)) return { kind: kind as ReportTarget['kind'], path }
  const forms = Object.entries(reportKinds).map(([name, operand]) => `${name}=${operand}`)
  throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --report`, {
    why: `the reports are ${forms.join(', ')}`,
    hint: 'Pass --report dotenv=FILE.',
  })
}

/** Whether a run needs a report: it takes a while to make one. */
export function needsReport(files: readonly unknown[], env: CiVariablesSource): boolean {
  return env['GITHUB_ACTIONS'] === 'true' || files.length > 0
}

/**
 * Writes the values that later steps of a CI job need: outputs and a summary, if the job runs on
 * GitHub Actions, and the reports of `--report`.
 * @throws `io`.
 */
export async function reportToCi(
  report: CiReport,
  targets: readonly ReportTarget[],
  env: CiVariablesSource,
): Promise<void> {
  const { variables, summary, annotations = [] } = report
  const { GITHUB_ACTIONS, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = env
  if (GITHUB_ACTIONS === 'true') {
    await append(GITHUB_OUTPUT, () => formatGithubOutput(variables))
    await append(GITHUB_STEP_SUMMARY, (size) => cutSummary(summary, maxSummary - size))
    for (const line of annotations) process.stderr.write(`${line}\n`)
  }
  for (const target of targets) await writeReport(report, target)
}

async function writeReport({ variables, summary }: CiReport, { kind, path }: ReportTarget): Promise<void> {
  const at = resolve(path)
  switch (kind) {
    case 'dotenv':
      return await writeFileAtomic(at, formatDotenvReport(variables))
    case 'summary':
      return await writeFileAtomic(at, summary)
    case 'dir':
      createFolder(at)
      for (const [name, value] of Object.entries(variables)) await writeFileAtomic(join(at, name), value)
  }
}

function createFolder(path: string): void {
  try {
    makeFolders(path, 0o777)
  } catch (cause) {
    throw ioError(cause, `cannot create the folder ${path} of --report`, path)
  }
}

/** Appends to a file of the step. `textFor` gets the size of the file in bytes. */
async function append(file: string | undefined, textFor: (size: number) => string): Promise<void> {
  if (file === undefined || file === '') return
  try {
    const handle = await open(file, 'a')
    try {
      await handle.appendFile(textFor((await handle.stat()).size))
    } finally {
      await handle.close()
    }
  } catch (cause) {
    throw ioError(cause, `cannot write ${file}, a file of GitHub Actions`, file)
  }
}
