import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
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

it('a damaged file is a mistake with a position, or has every gate that it still names', async () => {
  const damage = fc.record({
    at: fc.nat(example.length),
    length: fc.nat(40),
    piece: fc.constantFrom(...pieces),
  })
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, length, piece }) => {
      const content = example.slice(0, at) + piece + example.slice(at + length)
      try {
        const { config, written } = await readGatedConfig(content)
        for (const [name, environment] of Object.entries(written?.environments ?? {}))
          expect(config.environments.get(name)?.gates?.length).toBe(environment.gates?.length)
        expect([...(config.trust?.signers.keys() ?? [])]).toEqual(Object.keys(written?.signers ?? {}))
        expect(config.residency?.rules.length).toBe(
          written?.residency && (written.residency.rules?.length ?? 0),
        )
      } catch (thrown) {
        if (!isDrayError(thrown) || thrown.code !== 'config') throw thrown
        expect(thrown.mistakes?.every(({ line, column }) => line > 0 && column > 0)).toBe(true)
      }
    }),
    { numRuns: 60 },
  )
})
