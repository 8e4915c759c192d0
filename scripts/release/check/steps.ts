import { isInPath } from '../find-program.ts'

/** The facts that all steps of a check share. */
export interface CheckContext {
  /** the repository */
  readonly root: string
  /** the release folder */
  readonly release: string
  /** an empty folder that is deleted after the check */
  readonly temporary: string
  readonly version: string
  /** the time of the release in seconds */
  readonly date: number
}

/** A part of `npm run release:check` with one subject. */
export interface Step {
  /** the name for `--only` and `--skip` */
  readonly name: string
  /** the promise that the step checks */
  readonly title: string
  /** programs without which the step is skipped */
  readonly programs?: readonly string[]
  /** steps that have to succeed first */
  readonly after?: readonly string[]
  /**
   * @returns a fact for the report, such as a number of files. @throws Error if the check fails.
   */
  readonly run: (context: CheckContext) => Promise<string>
}

export interface StepResult {
  readonly name: string
  readonly title: string
  readonly result: 'ok' | 'failed' | 'skipped'
  /** a fact, the error, or the reason of a skip */
  readonly detail: string
  readonly seconds: number
}

interface StepsOptions {
  readonly steps: readonly Step[]
  readonly context: CheckContext
  /** names of steps; empty means all */
  readonly only: readonly string[]
  readonly skip: readonly string[]
  readonly report: (result: StepResult) => void
  readonly hasProgram?: (name: string) => boolean
  /** in milliseconds */
  readonly now: () => number
}

/**
 * Runs the steps in order. A failed step does not stop the others, except those that need it.
 * @throws Error if an option names no step.
 */
export async function runSteps(options: StepsOptions): Promise<readonly StepResult[]> {
  const { steps, context, only, skip, report, hasProgram = isInPath, now } = options
  const unknown = [...only, ...skip].filter((name) => !steps.some((step) => step.name === name))
  if (unknown.length > 0) throw new Error(`no step is named ${unknown.join(', ')}`)
  const results: StepResult[] = []
  for (const step of steps) {
    const { name, title } = step
    if (skip.includes(name) || (only.length > 0 && !only.includes(name))) continue
    const began = now()
    const outcome = await runStep(step, context, results, hasProgram)
    const result = { name, title, ...outcome, seconds: (now() - began) / 1000 }
    results.push(result)
    report(result)
  }
  return results
}

async function runStep(
  { run, programs = [], after = [] }: Step,
  context: CheckContext,
  results: readonly StepResult[],
  hasProgram: (name: string) => boolean,
): Promise<Pick<StepResult, 'result' | 'detail'>> {
  // A step that the options left to an earlier run counts as done.
  const missing = after.filter((name) => results.some((one) => one.name === name && one.result !== 'ok'))
  if (missing.length > 0) return { result: 'skipped', detail: `needs ${missing.join(', ')}` }
  const absent = programs.filter((name) => !hasProgram(name))
  if (absent.length > 0) return { result: 'skipped', detail: `${absent.join(', ')} not installed` }
  try {
    return { result: 'ok', detail: await run(context) }
  } catch (error) {
    return { result: 'failed', detail: error instanceof Error ? error.message : String(error) }
  }
}
