import type { Call } from '../../../lib/call.ts'
import { DrayError, type ErrorInfo } from '../../../lib/errors.ts'
import { plainStyle } from '../../../render/text/style.ts'
import type { ChangePorts } from '../../changes/operation.ts'
import type { ChangeFlags } from '../../command/change-flags.ts'
import type { ExitCode } from '../../command/exit-codes.ts'
import type { Context } from '../../wiring/context.ts'

/** The output of a run of the change pipeline, as data. */
export interface CapturedRun {
  exitCode: ExitCode | undefined
  document: object | undefined
  readonly warnings: string[]
  readonly errors: ErrorInfo[]
}

export interface RunPortsOptions {
  readonly flags: ChangeFlags
  readonly context: Context
  readonly call: Call
  readonly stop: AbortSignal
}

/** The ports of a run without a terminal: no question is asked, and nothing is printed. */
export function createRunPorts({ flags, context, call, stop }: RunPortsOptions): {
  readonly ports: ChangePorts
  readonly captured: CapturedRun
} {
  const captured: CapturedRun = { exitCode: undefined, document: undefined, warnings: [], errors: [] }
  const ports: ChangePorts = {
    flags,
    context,
    call,
    reading: call,
    stop,
    random: Math.random,
    terminal: {
      errorPage: { style: plainStyle, width: undefined },
      say: () => undefined,
      warn: (text) => void captured.warnings.push(text),
      ask: async () => {
        throw new DrayError('internal', 'a run without a terminal asked a question')
      },
      questions: () => undefined,
      expectBytes: () => undefined,
      showPlan: () => undefined,
      reportFailure: ({ error }) => void captured.errors.push(error),
      finish: (document, _text, exitCode) => {
        captured.document = document
        captured.exitCode = exitCode
      },
    },
  }
  return { ports, captured }
}
