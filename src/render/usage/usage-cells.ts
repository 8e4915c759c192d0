import type { UsageGrowth, UsageReport, WouldFree } from '../../usecases/usage/usage-report.ts'
import { formatAge, formatBytes } from '../text/format.ts'
import type { Cell } from '../text/table.ts'

const dayMs = 86_400_000

export const nothingCell: Cell = { text: '-', tone: 'dim' }
export const unknownCell: Cell = { text: 'unknown', tone: 'yellow' }

/** Bytes, with a dash for none. */
export function bytesCell(bytes: number | 'unknown'): Cell {
  if (bytes === 'unknown') return unknownCell
  return bytes === 0 ? nothingCell : formatBytes(bytes)
}

/** `+6.1 GiB`, `-812 B` */
function formatSigned(bytes: number): string {
  return `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`
}

/** The growth, with the days if they are not those of the heading. */
export function growthText(growth: UsageGrowth, days: number): string {
  const age = growth.days === days ? '' : ` (${growth.days}d)`
  return `${growth.bytes === 0 ? '0 B' : formatSigned(growth.bytes)}${age}`
}

export function freedCell({ bytes, refused }: WouldFree): Cell {
  return refused === undefined ? bytesCell(bytes) : { text: 'refused', tone: 'yellow' }
}

/** The heading of the column of unpulled images. */
export function unpulledTitle({ notPulledFor = 0 }: Pick<UsageReport, 'notPulledFor'>): string {
  return `NOT PULLED ${formatWholeAge(notPulledFor)}`
}

/** The age as a person wrote it, if it is of whole days. */
export function formatWholeAge(ms: number): string {
  return ms % dayMs === 0 ? `${ms / dayMs}d` : formatAge(ms)
}
