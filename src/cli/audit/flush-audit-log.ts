import { formatCause, toErrorInfo } from '../../lib/errors.ts'
import type { ChangePorts } from '../changes/operation.ts'

/**
 * Waits for the webhook. A failure is a warning, because the changes are made already. Returns
 * whether everything was delivered.
 */
export async function flushAuditLog(ports: ChangePorts): Promise<boolean> {
  return await succeeds(ports, () => ports.context.flushAuditLog(ports.call))
}

/** Whether `work` succeeds. Its error becomes a warning. */
export async function succeeds({ terminal }: ChangePorts, work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    terminal.warn(formatCause(toErrorInfo(error)))
    return false
  }
}
