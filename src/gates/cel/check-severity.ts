import type { ASTNode } from '@marcbachmann/cel-js'
import { DrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { severities } from '../../reports/vulnerability.ts'
import { typeNameOf } from './syntax-tree.ts'

const known: ReadonlySet<string> = new Set([...severities, 'unknown'])

/**
 * Refuses a comparison of a severity with a text that is none, such as `CRITICAL`: a rule with
 * `v.severity != "CRITICAL"` would pass for every finding. Use it after the types are checked.
 * @throws `config`.
 */
export function checkSeverity(node: ASTNode): void {
  if (node.op !== '==' && node.op !== '!=' && node.op !== 'in') return
  const [left, right] = node.args
  if (!isSeverity(left) && !isSeverity(right)) return
  const wrong = [left, right].flatMap(textsOf).find((text) => !known.has(text))
  if (wrong === undefined) return
  const all = [...known]
  throw new DrayError('config', `there is no severity ${JSON.stringify(wrong)}`, {
    hint: didYouMean(wrong.toLowerCase(), all) ?? `Severities: ${all.join(', ')}.`,
  })
}

function isSeverity(node: ASTNode): boolean {
  if (node.op !== '.') return false
  const [of, field] = node.args
  return field === 'severity' && typeNameOf(of) === 'Vulnerability'
}

/** The constants in an operand: a text, or a list of texts. */
function textsOf(node: ASTNode): readonly string[] {
  if (node.op === 'value') return typeof node.args === 'string' ? [node.args] : []
  return node.op === 'list' ? node.args.flatMap(textsOf) : []
}
