import { onTestFinished } from 'vitest'
import type { ChangePorts } from '../../src/cli/changes/operation.ts'
import { Context } from '../../src/cli/wiring/context.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { plainStyle } from '../../src/render/text/style.ts'

/** The ports of a run in this process, with what it printed. */
export interface TestPorts extends ChangePorts {
  readonly warnings: string[]
  readonly finished: { readonly document: object; readonly text: string; readonly exitCode: number }[]
}

interface TestRun {
  /** the folder with `dray.yaml`, which is also that of the user */
  readonly folder: string
  readonly clock: Clock
  readonly flags: Partial<ChangePorts['flags']> & Pick<ChangePorts['flags'], 'audit-file'>
  /** columns of the terminal */
  readonly width: number
}

/** The ports of a run whose questions are answered with yes. */
export function testPorts({ folder, clock, flags, width }: TestRun): TestPorts {
  const options = { configFile: undefined, env: { HOME: folder }, cwd: folder, version: '0', clock }
  const context = new Context(options)
  onTestFinished(() => context.close())
  const call = { signal: new AbortController().signal, notify: () => undefined }
  const page = { style: plainStyle, width }
  const warnings: string[] = []
  const finished: TestPorts['finished'] = []
  return {
    flags: {
      yes: true,
      'dry-run': false,
      'detailed-exitcode': false,
      reason: undefined,
      ticket: undefined,
      actor: undefined,
      report: undefined,
      ...flags,
    },
    context,
    call,
    reading: call,
    stop: new AbortController().signal,
    random: () => 0.1,
    warnings,
    finished,
    terminal: {
      errorPage: page,
      say: () => undefined,
      warn: (text) => void warnings.push(text),
      ask: async () => true,
      questions: () => undefined,
      showPlan: () => undefined,
      reportFailure: () => undefined,
      expectBytes: () => undefined,
      finish: (document, text, exitCode) => void finished.push({ document, text: text(page), exitCode }),
    },
  }
}
