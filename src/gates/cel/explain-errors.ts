import {
  type Environment,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from '@marcbachmann/cel-js'
import { DrayError, isDrayError } from '../../lib/errors.ts'
import { didYouMean } from '../../lib/nearest.ts'
import { limitMessage } from './limits.ts'
import { causeOfUnbound, type ConditionNames } from './names.ts'
import { isTimeLimit } from './time-limit.ts'
import { withOriginalNames } from './timestamps.ts'

const maxText = 300

/** Returns the error for an expression that does not compile, with the nearest known name. */
export function explainMistake(
  thrown: unknown,
  expression: string,
  environment: Environment,
  names: ConditionNames,
): DrayError {
  if (isDrayError(thrown)) return thrown
  if (thrown instanceof RangeError)
    return new DrayError('config', 'the expression is nested too deeply', { cause: thrown })
  if (!isCelError(thrown))
    return new DrayError('internal', 'the expression cannot be compiled', { cause: thrown })
  const { what, hint } = describeMistake(thrown, environment, names)
  const at = positionOf(thrown, expression)
  return new DrayError('config', oneLine(`${what}${at}`), { hint, cause: thrown })
}

interface Mistake {
  readonly what: string
  readonly hint?: string | undefined
}

function describeMistake(error: CelError, environment: Environment, names: ConditionNames): Mistake {
  const { op, args } = (error.node ?? {}) as { readonly op?: string; readonly args?: unknown }
  if (error.code === 'limit_exceeded') return { what: limitMessage }
  if (error.code === 'unknown_variable' && typeof args === 'string')
    return {
      what: `unknown name ${JSON.stringify(args)}`,
      hint: suggest(args, Object.keys(names.variables)),
    }
  const [first, second] = Array.isArray(args) ? (args as readonly unknown[]) : []
  if (error.code === 'no_such_key') {
    const field = fieldName(second)
    const record = (first as { readonly checkedType?: { readonly name?: string } } | undefined)?.checkedType
    const known = Object.keys(names.records.get(record?.name ?? '') ?? {})
    return { what: `unknown field ${JSON.stringify(field)}`, hint: suggest(field, known) }
  }
  if (
    error.code === 'no_matching_overload' &&
    (op === 'call' || op === 'rcall') &&
    typeof first === 'string'
  ) {
    const name = withOriginalNames(first)
    const known = environment.getDefinitions().functions.map((one) => withOriginalNames(one.name))
    if (!known.includes(name))
      return { what: `unknown function ${JSON.stringify(name)}`, hint: didYouMean(name, known) }
  }
  return { what: withOriginalNames(error.summary), hint: hintFor(error, names) }
}

/** Says what users of other policy languages write instead. */
function hintFor(error: CelError, names: ConditionNames): string | undefined {
  const { summary } = error
  if (summary.includes('QUESTION'))
    return 'Use has(FIELD), because optional fields (.? and [?]) are not available.'
  if (summary.startsWith('List index must be int'))
    return 'It is a list. Use exists(x, …), all(x, …) or an index such as [0].'
  if (error instanceof ParseError)
    return 'Use the syntax of CEL: == compares, && and || combine, and ! negates.'
  const record = /^no such overload: (\w+) (?:[=!<>]=?|in) /.exec(summary)?.[1] ?? ''
  const fields = Object.keys(names.records.get(record) ?? {})
  return fields.length === 0 ? undefined : `Compare one of its fields: ${fields.join(', ')}.`
}

function fieldName(value: unknown): string {
  if (typeof value === 'string') return value
  const { args } = (value ?? {}) as { readonly args?: unknown }
  return typeof args === 'string' ? args : ''
}

function suggest(name: string, known: readonly string[]): string {
  return didYouMean(name, known) ?? `Known names: ${[...new Set(known)].toSorted().join(', ') || 'none'}.`
}

/** Returns why an evaluation failed, in one line. The text can contain text of an attestation. */
export function explainFailure(thrown: unknown, expression: string): string {
  if (isTimeLimit(thrown)) return 'the expression takes more than one second'
  if (isDrayError(thrown)) return oneLine(thrown.message)
  if (!isCelError(thrown))
    return oneLine(`the expression fails: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
  const { code, node } = thrown
  const text = node === undefined ? '' : expression.slice(node.start, node.end)
  const cause = causeOfUnbound(text)
  const because = cause === undefined ? '' : `: ${cause}`
  if (code === 'unknown_variable') return oneLine(`there is no value for ${text}${because}`)
  if (code === 'no_such_key' && text !== '') return oneLine(`${text} does not exist${because}`)
  return oneLine(`the expression fails: ${withOriginalNames(thrown.summary)}`)
}

type CelError = EvaluationError | ParseError | CelTypeError

function isCelError(thrown: unknown): thrown is CelError {
  return thrown instanceof EvaluationError || thrown instanceof ParseError || thrown instanceof CelTypeError
}

function positionOf(error: CelError, expression: string): string {
  const start = error.range?.start
  if (start === undefined) return ''
  const before = expression.slice(0, start).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return before.length === 1
    ? `, at column ${column} of the expression`
    : `, at line ${before.length}, column ${column} of the expression`
}

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= maxText ? line : `${line.slice(0, maxText)}…`
}
