import type { Unknown, UsageGrowth } from '../../../usecases/usage/usage-report.ts'
import { formatBytes } from '../../text/format.ts'

/** `+6.1 GiB`, `-12 MiB`, `0 B`. */
export function formatChange(bytes: number): string {
  if (bytes === 0) return formatBytes(0)
  return bytes > 0 ? `+${formatBytes(bytes)}` : `-${formatBytes(-bytes)}`
}

export function formatGrowth(growth: UsageGrowth | Unknown): string {
  return growth === 'unknown' ? 'unknown' : formatChange(growth.bytes)
}

export function formatKnownBytes(bytes: number | Unknown): string {
  return bytes === 'unknown' ? 'unknown' : formatBytes(bytes)
}
