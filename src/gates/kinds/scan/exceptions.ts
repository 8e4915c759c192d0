import type { ScanException } from '../../../config/gates/gate.ts'
import { matchesPackage } from '../../../reports/package-url.ts'
import type { Vulnerability } from '../../../reports/vulnerability.ts'
import type { Clocks } from '../../evaluation/clocks.ts'
import { endOfDay } from '../../evaluation/format-time.ts'

/** Whether two ids are of one vulnerability. Ids are equal in any case. */
function sharesId(one: readonly string[], other: readonly string[]): boolean {
  return one.some((id) => other.some((same) => id.toLowerCase() === same.toLowerCase()))
}

/** Whether an exception is about a finding, by its id or an alias, and by its package. */
export function matchesException(exception: ScanException, finding: Vulnerability): boolean {
  if (!sharesId([exception.id], [finding.id, ...finding.aliases])) return false
  return exception.package === undefined || matchesPackage(exception.package, finding.package)
}

/** Returns why an exception is void; undefined if it is valid. */
export function whyVoid({ expires }: ScanException, clocks: Clocks): string | undefined {
  const end = endOfDay(expires)
  if (Number.isNaN(end)) return `its exception has no valid date, ${expires}`
  if (clocks.later >= end) return `its exception expired on ${expires}`
  if (end > endOfDay(aYearAfter(clocks.earlier)))
    return `its exception expires more than a year ahead, on ${expires}, and is void`
  return undefined
}

/** The same day in the next year, in UTC. */
function aYearAfter(time: number): string {
  const day = new Date(time)
  day.setUTCFullYear(day.getUTCFullYear() + 1)
  return day.toISOString().slice(0, 10)
}
