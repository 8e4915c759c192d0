import type { Clock } from '../../../lib/clock.ts'

/** The environment in which git, gh and glab run. */
export interface GitPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** a number from 0 to 1, for waits before another attempt */
  readonly random: () => number
  /** for temporary working trees, absolute; the system's by default */
  readonly temporaryFolder?: string
  /** milliseconds for one process; by default, a limit for each kind of command */
  readonly limitMs?: number
  /** of the output of one process */
  readonly maxBytes?: number
}
