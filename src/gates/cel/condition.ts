import { type ASTNode, Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js'
import { DrayError, toDrayError } from '../../lib/errors.ts'
import { LinearRegExp } from '../../lib/linear-regexp.ts'
import { checkSeverity } from './check-severity.ts'
import { explainFailure, explainMistake } from './explain-errors.ts'
import { limits } from './limits.ts'
import { type ConditionNames, type ConditionScope, namesOf } from './names.ts'
import { checkFieldsInHas, checkValues, renameCall, walk } from './syntax-tree.ts'
import { limitTime } from './time-limit.ts'
import { registerTimeFunctions, replaceTimeFunction } from './timestamps.ts'
import { bindVariables, type CelRecords, type RecordClass } from './values.ts'

/** A CEL expression whose names and types were checked. */
export interface CelCondition {
  /**
   * Evaluates the expression. Only the boolean `true` is ok: another value, an error, and more than
   * one second of computing are not. An undefined variable or field is unbound, which is an error.
   */
  evaluate(variables: Readonly<Record<string, unknown>>): CelResult
}

type CelResult = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const maxInt = 2n ** 63n - 1n
const minInt = -(2n ** 63n)

/**
 * Compiles a CEL expression over the names of a scope. `gateNames` are the fields of
 * `attestations`; if it is absent, every field is known.
 *
 * @throws `config` with a reason of one line, for an expression that is not valid, uses an unknown
 *   name or the wrong type, or is beyond a limit.
 */
export function compileCondition(
  expression: string,
  scope: ConditionScope,
  gateNames?: readonly string[],
): CelCondition {
  const names = namesOf(scope, gateNames ?? gateNamesIn(expression))
  const patterns = new Map<string, LinearRegExp>()
  const environment = new Environment({ homogeneousAggregateLiterals: false, limits })
  registerTimeFunctions(environment)
  environment.registerFunction(
    'regex(string, string): bool',
    (text: string, pattern: string) => patternOf(pattern, patterns).match(text) !== undefined,
    { async: false },
  )
  const records = { names, classes: registerNames(environment, names) }
  const program = compile(expression, environment, names, patterns)
  return new CompiledCondition(expression, program, records)
}

class CompiledCondition implements CelCondition {
  readonly #expression: string
  readonly #program: ParseResult
  readonly #records: CelRecords
  #limit: ((run: () => unknown) => unknown) | undefined

  constructor(expression: string, program: ParseResult, records: CelRecords) {
    this.#expression = expression
    this.#program = program
    this.#records = records
  }

  evaluate(variables: Readonly<Record<string, unknown>>): CelResult {
    try {
      const bound = bindVariables(variables, this.#records)
      this.#limit ??= limitTime()
      const value = this.#limit(() => this.#program(bound))
      return value === true ? { ok: true } : { ok: false, reason: describeResult(value) }
    } catch (thrown) {
      return { ok: false, reason: explainFailure(thrown, this.#expression) }
    }
  }
}

function compile(
  expression: string,
  environment: Environment,
  names: ConditionNames,
  patterns: Map<string, LinearRegExp>,
): ParseResult {
  try {
    const program = environment.parse(expression)
    walk(program.ast, (node) => prepareNode(node, patterns))
    const { error, type } = program.check()
    if (error !== undefined) throw error
    if (type !== 'bool' && type !== 'dyn')
      throw new DrayError('config', `the expression has the type ${type ?? 'unknown'}, and a gate needs bool`)
    walk(program.ast, checkNumbers)
    walk(program.ast, checkSeverity)
    return program
  } catch (thrown) {
    throw explainMistake(thrown, expression, environment, names)
  }
}

/** Returns the names that an expression uses as `attestations.NAME` and `attestations["NAME"]`. */
function gateNamesIn(expression: string): readonly string[] {
  const found: string[] = []
  try {
    walk(new Environment({ limits }).parse(expression).ast, (node) => {
      if (node.op !== '.' && node.op !== '[]') return
      const [from, field] = node.args
      if (from.op !== 'id' || from.args !== 'attestations') return
      const name = typeof field === 'string' ? field : field.args
      if (typeof name === 'string') found.push(name)
    })
  } catch {
    // The compilation reports the mistake.
  }
  return found
}

function prepareNode(node: ASTNode, patterns: Map<string, LinearRegExp>): void {
  checkFieldsInHas(node)
  if (node.op !== 'call' && node.op !== 'rcall') return
  const [name] = node.args
  if (name === 'matches')
    throw new DrayError('config', 'the function matches() is not available', {
      hint: 'Use regex(TEXT, PATTERN), which is RE2 and matches the whole text.',
    })
  if (node.op === 'call' && name === 'regex') {
    const pattern = node.args[1][1]
    if (pattern?.op === 'value' && typeof pattern.args === 'string') checkPattern(pattern.args, patterns)
  }
  if (node.op === 'call' && name === 'duration') checkDuration(node.args[1][0])
  renameCall(node, replaceTimeFunction(name))
}

const computing: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '-_', 'call', 'rcall'])

/** The library does not check every result for overflow, and doubles overflow to infinity. */
function checkNumbers(node: ASTNode): void {
  if (computing.has(node.op)) checkValues(node, refuseOverflow)
  if (node.op === 'value') refuseOverflow(node.args)
}

function refuseOverflow(value: unknown): void {
  const isValid =
    typeof value === 'bigint'
      ? value <= maxInt && value >= minInt
      : typeof value === 'number'
        ? Number.isFinite(value)
        : !(value instanceof Date) || !Number.isNaN(value.getTime())
  if (!isValid) throw new EvaluationError('a number or time is out of range')
}

/** A pattern that is a constant is checked when the expression is compiled. */
function checkPattern(source: string, patterns: Map<string, LinearRegExp>): void {
  try {
    patternOf(source, patterns)
  } catch (cause) {
    throw new DrayError('config', toDrayError(cause).message, {
      hint: 'Use the syntax of RE2, without look-around and back references. The pattern must match the whole text.',
      cause,
    })
  }
}

/** CEL has the units of Go, which end with the hour. */
function checkDuration(node: ASTNode | undefined): void {
  if (node?.op !== 'value' || typeof node.args !== 'string' || !/\d(?:d|w|mo|y)/.test(node.args)) return
  throw new DrayError('config', `${JSON.stringify(node.args)} is not a duration`, {
    hint: 'Use h, m, s or ms: duration("720h") is 30 days.',
  })
}

function patternOf(source: string, patterns: Map<string, LinearRegExp>): LinearRegExp {
  const known = patterns.get(source)
  if (known !== undefined) return known
  const pattern = LinearRegExp.parse(source)
  patterns.set(source, pattern)
  return pattern
}

/** A record is a class for the evaluator, which then knows the types of its fields. */
function registerNames(environment: Environment, names: ConditionNames): ReadonlyMap<string, RecordClass> {
  const classes = new Map<string, RecordClass>()
  for (const [name, fields] of names.records) {
    const recordClass: RecordClass = class RecordValue {
      readonly [field: string]: unknown
    }
    environment.registerType(name, { ctor: recordClass, fields })
    classes.set(name, recordClass)
  }
  for (const [name, type] of Object.entries(names.variables)) environment.registerVariable(name, type)
  return classes
}

function describeResult(value: unknown): string {
  if (value === false) return 'the expression is false'
  const type =
    value === null
      ? 'null'
      : typeof value === 'bigint'
        ? 'an int'
        : typeof value === 'number'
          ? 'a double'
          : typeof value === 'string'
            ? 'a string'
            : 'no boolean'
  return `the result of the expression is ${type}, and only true passes`
}
