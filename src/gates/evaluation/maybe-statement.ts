import type { AttachedEvidence } from '../evidence.ts'

/** Layouts of in-toto statements. */
const statementLayouts: ReadonlySet<AttachedEvidence['layout']> = new Set(['bundle', 'dsse', 'plain'])

/** Whether an attached artifact has a predicate type, or may have it because it cannot be read. */
export function mayBeStatement({ content, layout }: AttachedEvidence, predicateType: string): boolean {
  if (!statementLayouts.has(layout) || content.kind === 'document' || content.kind === 'signature')
    return false
  return content.predicateType === predicateType || content.predicateType === undefined
}
