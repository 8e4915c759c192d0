import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert, asyncProperty, constantFrom, nat, record } from 'fast-check'
import { expect, it } from 'vitest'
import { isDrayError } from '../../../src/lib/errors.ts'
import { readGatedConfig } from '../../support/gates/read-gated-config.ts'

const example = readFileSync(join(import.meta.dirname, 'example.yaml'), 'utf8')
const pieces = [
  '',
  '5',
  '{}',
  '[]',
  'null',
  ': ',
  '- ',
  '"',
  'gates',
  'signedBy',
  '__proto__: 1',
  '{ a: b }',
  '\n',
]

/** What is wrong with reading a file; undefined if it reports a mistake or has all of its gates. */
async function problemOf(content: string): Promise<string | undefined> {
  try {
    const { config, written } = await readGatedConfig(content)
    const gates = [...config.environments].map(([name, environment]) => [name, environment.gates?.length])
    const named = Object.entries(written?.environments ?? {}).map(([name, one]) => [name, one.gates?.length])
    const signers = [...(config.trust?.signers.keys() ?? [])]
    const rules = written?.residency === undefined ? undefined : (written.residency.rules?.length ?? 0)
    if (JSON.stringify(gates) !== JSON.stringify(named)) return 'gates are missing'
    if (JSON.stringify(signers) !== JSON.stringify(Object.keys(written?.signers ?? {})))
      return 'signers are missing'
    return config.residency?.rules.length === rules ? undefined : 'rules are missing'
  } catch (thrown) {
    if (!isDrayError(thrown) || thrown.code !== 'config') return String(thrown)
    const hasPositions = thrown.mistakes?.every(({ line, column }) => line > 0 && column > 0) !== false
    return hasPositions ? undefined : 'a mistake has no position'
  }
}

it('a damaged file is a mistake with a position, or has every gate that it still names', async () => {
  const damage = record({ at: nat(example.length), length: nat(40), piece: constantFrom(...pieces) })
  await assert(
    asyncProperty(damage, async ({ at, length, piece }) => {
      expect(await problemOf(example.slice(0, at) + piece + example.slice(at + length))).toBeUndefined()
    }),
    { numRuns: 60 },
  )
})
