import { readFileSync } from 'node:fs'
import { join } from 'node:path'

type Types = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Returns the types of a file of `test/fixtures/kubernetes/`. */
export function readTypes(name: string): Types {
  const file = join(import.meta.dirname, '..', '..', 'fixtures', 'kubernetes', name)
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly types: Types }).types
}

/** The mistakes in a value of a type of Kubernetes. The API server refuses unknown fields. */
export function findMistakes(value: unknown, type: string, at: string, types: Types): readonly string[] {
  const [, item] = /^Array<(.*)>$/.exec(type) ?? []
  if (item !== undefined)
    return Array.isArray(value)
      ? value.flatMap((one, i) => findMistakes(one, item, `${at}[${i}]`, types))
      : [`${at}: no list`]
  const [, entry] = /^Map<(.*)>$/.exec(type) ?? []
  if (entry !== undefined)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value).flatMap(([key, one]) => findMistakes(one, entry, `${at}.${key}`, types))
      : [`${at}: no map`]
  if (type === 'IntOrString')
    return typeof value === 'number' || typeof value === 'string' ? [] : [`${at}: no ${type}`]
  const fields = types[type]
  if (fields === undefined)
    return typeof value === type || type.includes(JSON.stringify(value)) ? [] : [`${at}: no ${type}`]
  if (typeof value !== 'object' || value === null) return [`${at}: no ${type}`]
  const missing = Object.keys(fields).filter((name) => name.endsWith('!') && !(name.slice(0, -1) in value))
  return [
    ...missing.map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, one]) => {
      const known = fields[name] ?? fields[`${name}!`]
      return known === undefined
        ? [`${at}.${name} is unknown`]
        : findMistakes(one, known, `${at}.${name}`, types)
    }),
  ]
}
