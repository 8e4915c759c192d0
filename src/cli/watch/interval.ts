import { DrayError } from '../../lib/errors.ts'
import { parseDuration } from '../command/duration.ts'

/** Registries limit requests, so that a shorter interval would end in waits. Milliseconds. */
const minIntervalMs = 5_000

/** Parses `--interval` to milliseconds. @throws `usage`. */
export function parseInterval(text: string): number {
  const ms = parseDuration(text, '--interval')
  if (ms >= minIntervalMs) return ms
  throw new DrayError('usage', `--interval ${text} is too short`, {
    hint: `Pass at least ${minIntervalMs / 1000}s.`,
  })
}
