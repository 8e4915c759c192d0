import type { Call } from '../../lib/call.ts'
import type { Clock } from '../../lib/clock.ts'
import { MachineLocks } from '../../lib/files/machine-locks.ts'
import type { ProcessEnvironment } from '../../lib/files/user-folders.ts'
import { openOrWarn } from './open-or-warn.ts'
import { findPrivateFolder } from './private-folders.ts'

/**
 * The locks between the runs of this user on this machine. Undefined, with a warning, if others can
 * write to the folder: they only save repeated work, so a run continues without them.
 */
export function openMachineLocks(
  env: ProcessEnvironment,
  clock: Clock,
  call: Call,
): MachineLocks | undefined {
  return openOrWarn('dray runs without locks between its runs', call, () => {
    const folder = findPrivateFolder('state', ['locks'], env, { create: true })
    return new MachineLocks({ folder, clock })
  })
}
