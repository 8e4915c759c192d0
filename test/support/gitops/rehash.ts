import { readFile, writeFile } from 'node:fs/promises'
import { digestOf } from '../../../src/oci/digest.ts'
import { canonicalJson } from '../../../src/plan/canonical-json.ts'

/** Changes texts of a plan file, as a person with access to it can, and computes its new hash. */
export async function rehash(path: string, changes: Readonly<Record<string, string>>): Promise<void> {
  let text = await readFile(path, 'utf8')
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`the plan has no ${from}`)
    text = text.replaceAll(from, to)
  }
  const { hash: _hash, ...plan } = JSON.parse(text) as Record<string, unknown>
  await writeFile(path, JSON.stringify({ ...plan, hash: digestOf(canonicalJson(plan)) }), { mode: 0o600 })
}
