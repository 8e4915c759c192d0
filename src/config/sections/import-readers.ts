import { isRecord } from '../../oci/json.ts'
import type { WrittenConfig } from '../schema/schema.ts'
import type { SectionContext, SectionReaders } from './sections.ts'

/**
 * Loads the readers that a parsed file needs.
 * @param now milliseconds since 1970: exceptions expire at most a year later
 */
export async function importReaders(value: unknown, now: number): Promise<SectionReaders> {
  const needs = neededReaders(value)
  const [gates, residency, regExp] = await Promise.all([
    needs.gates ? import('../gates/read-gates.ts') : undefined,
    needs.residency ? import('../gates/read-residency.ts') : undefined,
    needs.regExp ? import('./regexp-problem.ts') : undefined,
  ])
  const regExpProblem = regExp?.regExpProblem
  return {
    ...(gates !== undefined && {
      gates: (written: WrittenConfig, context: SectionContext) =>
        gates.readGates(written, { ...context, now, regExpProblem }),
    }),
    ...(residency !== undefined && { residency: residency.readResidency }),
    ...(regExpProblem !== undefined && { regExpProblem }),
  }
}

/** The readers that a file needs, also if it has mistakes. */
function neededReaders(value: unknown): {
  readonly gates: boolean
  readonly residency: boolean
  readonly regExp: boolean
} {
  if (!isRecord(value)) return { gates: false, residency: false, regExp: false }
  const environments = mapsIn(value['environments'])
  const signers = [value['signers'], ...mapsIn(value['approvers'])].flatMap(mapsIn)
  const requirements = [value['audit'], ...environments].flatMap((one) =>
    isRecord(one) && Array.isArray(one['require']) ? (one['require'] as readonly unknown[]) : [],
  )
  return {
    gates: 'signers' in value || 'approvers' in value || environments.some((one) => 'gates' in one),
    residency: 'residency' in value,
    regExp:
      requirements.some(isRecord) ||
      signers.some(({ keyless }) => isRecord(keyless) && 'subjectRegExp' in keyless),
  }
}

function mapsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return isRecord(value) ? Object.values(value).filter(isRecord) : []
}
