/** Returns the JSON Schema of dray.yaml, which is a part of the program. */
export async function readSchema(): Promise<unknown> {
  const { default: schema } = await import('../../../schema/dray.schema.json', { with: { type: 'json' } })
  return schema
}
