/**
 * Writes `schema/dray.schema.json`, with which editors check `dray.yaml`, from dray's own schema.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type JsonSchema, toJsonSchema } from '@valibot/to-json-schema'
import { imagePlaceholder } from '../src/config/config.ts'
import { renamedKeys } from '../src/config/renamed-keys.ts'
import { schema } from '../src/config/schema/schema.ts'

export const schemaFile: string = join(import.meta.dirname, '..', 'schema', 'dray.schema.json')

/** The text of the file. */
export function editorSchema(): string {
  const json = toJsonSchema(schema, { typeMode: 'input' })
  const environment = at(at(json, 'properties', 'environments'), 'additionalProperties')
  // The rules of src/config/check/check.ts that a JSON Schema can express.
  environment.oneOf = [
    { required: ['registry', 'path'] },
    { required: ['targets'], properties: { registry: false, path: false } },
  ]
  const target = at(at(environment, 'properties', 'targets'), 'items')
  for (const { parent, from, to } of renamedKeys) addOldKey(json, parent, from, to)
  for (const owner of [environment, target]) at(owner, 'properties', 'path').pattern = placeholderPattern()
  return `${JSON.stringify(json, null, 2)}\n`
}

/** Adds the old name of a key, which editors show as deprecated. */
function addOldKey(json: JsonSchema, parent: readonly string[], from: string, to: string): void {
  const steps = parent.flatMap((step) => (step === '*' ? ['additionalProperties'] : ['properties', step]))
  const properties = at(json, ...steps, 'properties') as Record<string, JsonSchema>
  const description = `Deprecated: the old name of \`${to}\`.`
  properties[from] = Object.assign({ ...properties[to] }, { description, deprecated: true })
}

function placeholderPattern(): string {
  return imagePlaceholder.replaceAll(/[{}]/g, String.raw`\$&`)
}

/** The existing schema below a keyword of another. */
function at(json: JsonSchema, ...path: readonly string[]): JsonSchema {
  let found: unknown = json
  for (const step of path) found = (found as Record<string, unknown>)[step]
  if (typeof found !== 'object' || found === null) throw new Error(`the schema has no ${path.join('.')}`)
  return found
}

if (import.meta.main) {
  mkdirSync(dirname(schemaFile), { recursive: true })
  writeFileSync(schemaFile, editorSchema())
}
