import type { ScanException } from '../../../config/gates/gate.ts'
import { aYearAfter, endOfDay } from '../../../lib/day.ts'
import { matchesPackage } from '../../../reports/package-url.ts'
import type { Vulnerability } from '../../../reports/vulnerability.ts'
import type { Clocks } from '../../evaluation/clocks.ts'

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
  if (end === undefined) return `its exception has no valid date, ${expires}`
  if (clocks.later >= end) return `its exception expired on ${expires}`
  if (expires > aYearAfter(clocks.earlier))
    return `its exception expires more than a year ahead, on ${expires}, and is void`
  return undefined
}
