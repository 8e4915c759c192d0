import { DrayError } from '../../lib/errors.ts'
import type { CelType, ConditionNames, CelFields } from './names.ts'

/** The class that marks the values of a record for the evaluator. */
export type RecordClass = new () => Record<string, unknown>

export interface CelRecords {
  readonly names: ConditionNames
  readonly classes: ReadonlyMap<string, RecordClass>
}

/**
 * Returns the variables as values of CEL. Parsed JSON becomes maps, because an object with a member
 * `constructor` or `__proto__` has another meaning for the evaluator. An undefined value
 * stays unbound.
 */
export function bindVariables(
  values: Readonly<Record<string, unknown>>,
  records: CelRecords,
): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(records.names.variables).flatMap(([name, type]) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      return value === undefined ? [] : [[name, convert(value, type, name, records)] as const]
    }),
  )
}

function convert(value: unknown, type: CelType, name: string, records: CelRecords): unknown {
  const fields = records.names.records.get(type)
  if (fields !== undefined) return recordOf(value, type, fields, name, records)
  const [, item] = /^list<(.+)>$/.exec(type) ?? []
  if (item !== undefined)
    return Array.isArray(value)
      ? value.map((one) => convert(one, item, name, records))
      : wrongType(name, type)
  if (type === 'int')
    return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : wrongType(name, type)
  if (type === 'google.protobuf.Timestamp') return value instanceof Date ? value : wrongType(name, type)
  return jsonValue(value)
}

function recordOf(
  value: unknown,
  type: CelType,
  fields: CelFields,
  name: string,
  records: CelRecords,
): unknown {
  const recordClass = records.classes.get(type)
  if (recordClass === undefined || typeof value !== 'object' || value === null) return wrongType(name, type)
  const record = new recordClass()
  for (const [field, fieldType] of Object.entries(fields)) {
    const part: unknown = Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined
    if (part !== undefined) record[field] = convert(part, fieldType, `${name}.${field}`, records)
  }
  return record
}

/** Numbers of JSON are doubles, as the specification of CEL says. */
function jsonValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(jsonValue)
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, member]) => [key, jsonValue(member)]))
}

function wrongType(name: string, type: CelType): never {
  throw new DrayError('internal', `the value of ${name} for an expression is no ${type}`)
}
