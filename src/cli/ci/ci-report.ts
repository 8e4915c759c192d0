import { appendFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { DrayError } from '../../lib/errors.ts'
import { writeFileAtomic } from '../../lib/files/atomic.ts'
import { type PruneFacts, pruneDotenv, pruneOutput, pruneSummary } from '../../render/prune/prune-ci.ts'
import { dotenvReport, githubOutput, githubSummary, type RunFacts } from '../../render/ci.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A report that a person asked for: `dotenv=FILE`. */
export interface Report {
  readonly file: string
}

/** @throws `usage` for anything but `dotenv=FILE`. */
export function parseReport(text: string): Report {
  const file = /^dotenv=(.+)$/s.exec(text)?.[1]
  if (file !== undefined) return { file }
  throw new DrayError('usage', `${JSON.stringify(text)} is not a report`, {
    hint: 'Say --report dotenv=FILE.',
  })
}

/**
 * Tells a CI service what later steps want to know: on GitHub Actions outputs and a summary, in the files that it names; and the report that was
 * asked for. @throws `io`.
 */
export async function reportToCi(
  facts: RunFacts,
  reports: readonly Report[],
  env: Environment,
): Promise<void> {
  const { GITHUB_ACTIONS, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = env
  if (GITHUB_ACTIONS === 'true') {
    await append(GITHUB_OUTPUT, githubOutput(facts))
    await append(GITHUB_STEP_SUMMARY, githubSummary(facts))
  }
  for (const { file } of reports) await writeFileAtomic(resolve(file), dotenvReport(facts))
}

/** The same of a plan to delete. @throws `io`. */
export async function pruneToCi(
  facts: PruneFacts,
  reports: readonly Report[],
  env: Environment,
): Promise<void> {
  const { GITHUB_ACTIONS, GITHUB_OUTPUT, GITHUB_STEP_SUMMARY } = env
  if (GITHUB_ACTIONS === 'true') {
    await append(GITHUB_OUTPUT, pruneOutput(facts))
    await append(GITHUB_STEP_SUMMARY, pruneSummary(facts))
  }
  for (const { file } of reports) await writeFileAtomic(resolve(file), pruneDotenv(facts))
}

async function append(file: string | undefined, text: string): Promise<void> {
  if (file === undefined || file === '') return
  try {
    await appendFile(file, text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DrayError('io', `${file}, which GitHub Actions names, cannot be written`, {
      subject: file,
      why,
      cause,
    })
  }
}
