import { type ExitCode, exitCodes } from '../command/exit-codes.ts'
import { checkRequests } from '../arguments/check-requests.ts'
import { gatesAt } from '../../config/gates/gates-at.ts'
import type { Call } from '../../lib/call.ts'
import { type CheckedImage, checkImages } from '../../usecases/check/check.ts'
import type { Context } from '../wiring/context.ts'
import { openCheckPorts } from './check-ports.ts'
import type { GateFlags } from './gate-flags.ts'

interface CheckOptions {
  readonly references: readonly string[]
  readonly from: string | undefined
  readonly to: string | undefined
}

/**
 * Evaluates the gates and the residency of images, and changes nothing.
 * @throws `usage`; `config` for a gate that cannot be evaluated.
 */
export async function runCheck(
  options: CheckOptions,
  flags: GateFlags,
  context: Context,
  call: Call,
): Promise<{ readonly images: readonly CheckedImage[]; readonly exitCode: ExitCode }> {
  const { config } = await context.config()
  const requests = checkRequests({ ...options, cwd: context.cwd }, config, (repository) =>
    gatesAt(config, repository),
  )
  await context.expectRepositories(
    [],
    requests.map(({ from }) => from.repository),
    'read',
  )
  const images = await checkImages(requests, await openCheckPorts(requests, flags, context, call), call)
  return { images, exitCode: exitOfCheck(images) }
}

function exitOfCheck(images: readonly CheckedImage[]): ExitCode {
  if (images.every(({ result }) => result === 'pass')) return exitCodes.done
  if (images.some(({ result }) => result === 'pass')) return exitCodes.partly
  return images.some(isUnknown) ? exitCodes.failed : exitCodes.refused
}

/** Whether a read failed, as for the exit code of a promotion: not everything is known. */
function isUnknown({ error, gates, violations }: CheckedImage): boolean {
  return (
    error !== undefined ||
    gates.some(({ result, effect }) => result === 'error' && effect === 'refused') ||
    violations.some(({ code }) => code !== 'refused')
  )
}
