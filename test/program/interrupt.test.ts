import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { type Fault, faultyProxy } from '../support/faulty-proxy.ts'
import { image } from '../support/images.ts'
import { configOf, world } from '../support/world.ts'
import { toProd, workplace } from '../support/workplace.ts'

const api = image({ layers: 1 })
const answers = { kind: 'stall', when: 'before' } as const
const places: readonly [string, Fault['at']][] = [
  ['the image is read', { method: 'GET', path: /staging\/api\/manifests\// }],
  ['the tag at the destination is read', { method: 'HEAD', path: /prod\/api\/manifests\// }],
  ['a blob is on its way', { method: 'POST', path: /prod\/api\/blobs\/uploads/ }],
]

describe('Ctrl-C', () => {
  it.each(places)(
    'while %s ends the run: exit 130, the tag untouched, no intent left open',
    async (_, at) => {
      const w = await world().has('api:1.4.2', api).start()
      await using proxy = await faultyProxy(w.staging.host, { at, times: Infinity, injury: answers })
      const here = await workplace(configOf(proxy.host))
      const run = here.start(...toProd('api:1.4.2', '--json'))
      while (!proxy.passed.some(({ injury }) => injury === 'stall')) await new Promise(setImmediate)
      run.child.kill('SIGINT')
      expect(await run.ended).toBe(130)
      expect(await w.staging.oracle.digest('prod/api', '1.4.2')).toBeUndefined()
      const records = await readFile(here.auditFile, 'utf8').catch(() => '')
      const phases = records
        .split('\n')
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { phase: string }).phase)
      const count = (phase: string) => phases.filter((one) => one === phase).length
      expect(count('outcome')).toBe(count('intent'))
    },
  )
})
