import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { editorSchema, schemaFile } from '../../../scripts/schema.ts'

describe('the JSON Schema for editors', () => {
  it('is the output of `node scripts/schema.ts`', () => {
    expect(readFileSync(schemaFile, 'utf8')).toBe(editorSchema())
  })

  it('refuses unknown keys at every level, and describes each key', () => {
    const objects = [...objectsIn(JSON.parse(editorSchema()))]
    expect(objects.length).toBeGreaterThan(5)
    for (const object of objects) {
      expect(object['additionalProperties']).toBe(false)
      for (const property of Object.values(object['properties'] as object)) {
        expect(property).toHaveProperty('description')
      }
    }
  })

  it('lets an environment have either a registry and a path, or targets', () => {
    const root = JSON.parse(editorSchema()) as {
      properties: { environments: { additionalProperties: object } }
    }
    expect(root.properties.environments.additionalProperties).toHaveProperty('oneOf')
  })
})

/** Yields every schema with named properties. */
function* objectsIn(json: unknown): Iterable<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null) return
  const record = json as Record<string, unknown>
  if (record['type'] === 'object' && 'properties' in record) yield record
  for (const child of Object.values(record)) yield* objectsIn(child)
}
